"""One operation on a secret in Vault, with its Python client: `read`, `write` (the pairs as JSON on stdin) or `delete`.

    vault_kv.py read|write|delete VERSION MOUNT PATH
"""

import json
import os
import sys

import hvac

operation, version, mount, path = sys.argv[1:]
vault = hvac.Client(
    os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"], verify=os.environ["VAULT_CACERT"]
)
engine = vault.secrets.kv.v1 if version == "1" else vault.secrets.kv.v2
if operation == "write":
    engine.create_or_update_secret(path, json.load(sys.stdin), mount_point=mount)
elif operation == "delete":
    delete = engine.delete_secret if version == "1" else engine.delete_latest_version_of_secret
    delete(path, mount_point=mount)
else:
    data = engine.read_secret(path, mount_point=mount)["data"]
    json.dump(data if version == "1" else data["data"], sys.stdout)
