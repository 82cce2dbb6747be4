"""Calls the sandbox with Duo's own client and the keys from secret stores: a JSON object by place on stdin."""

import json
import sys

import duo_client
from sandbox import client


def names(text):
    """The content of a store, as JSON or as dotenv."""
    if text.lstrip().startswith("{"):
        return json.loads(text)
    pairs = (line.split("=", 1) for line in text.splitlines())
    return {name.removeprefix("DUO_").lower(): value for name, value in pairs}


for place, (kind, text) in json.load(sys.stdin).items():
    held = names(text)
    assert set(held) == {"integration_key", "secret_key", "api_hostname", "address", "workspace", "delivered_at"}, place
    host = held["api_hostname"]
    if kind == "authapi":
        assert client(duo_client.Auth, held, host).check()["time"], place
    else:
        assert "user_count" in client(duo_client.Admin, held, host).get_info_summary(), place
    print(place)
