"""Prepares a fresh Vault server, or seals and opens it again.

    vault_server.py set-up          prints token, unseal_key, role_id and secret_id as JSON; version 1 engine at duo/
    vault_server.py seal|unseal     with VAULT_TOKEN, or UNSEAL_KEY
"""

import json
import os
import sys
import time

import hvac
import requests

vault = hvac.Client(os.environ["VAULT_ADDR"], verify=os.environ["VAULT_CACERT"])
vault.token = os.environ.get("VAULT_TOKEN")


def wait():
    """Waits until the server answers."""
    end = time.monotonic() + 20
    while True:
        try:
            return vault.sys.is_initialized()
        except requests.exceptions.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


if sys.argv[1] == "seal":
    vault.sys.seal()
elif sys.argv[1] == "unseal":
    assert not vault.sys.submit_unseal_key(os.environ["UNSEAL_KEY"])["sealed"]
else:
    assert not wait()
    keys = vault.sys.initialize(1, 1)
    vault.token, unseal_key = keys["root_token"], keys["keys"][0]
    assert not vault.sys.submit_unseal_key(unseal_key)["sealed"]
    vault.adapter.post("/v1/sys/mounts/duo", json={"type": "kv"})
    vault.sys.enable_auth_method("approle")
    vault.auth.approle.create_or_update_approle("duoctl", token_policies=["default"], token_ttl="1h")
    role = vault.auth.approle.read_role_id("duoctl")["data"]["role_id"]
    secret = vault.auth.approle.generate_secret_id("duoctl")["data"]["secret_id"]
    made = {"token": vault.token, "unseal_key": unseal_key, "role_id": role, "secret_id": secret}
    json.dump(made, sys.stdout)
