"""The sandbox under test, as its startup document describes it, and Duo's own clients connected to it."""

import json
import os
import socket
import unittest
import urllib.parse

import duo_client

DOCUMENT = json.loads(os.environ["DUOCTL_SANDBOX"])
PORT = urllib.parse.urlsplit(DOCUMENT["url"]).port
HOST = DOCUMENT["api_hostname"]
CA_FILE = DOCUMENT["ca_file"]
KEYS = {key["name"]: key for key in DOCUMENT["keys"]}

_getaddrinfo = socket.getaddrinfo


def _resolve(host, *args, **kwargs):
    """Resolves every Duo name to the sandbox, and no other name."""
    if host.endswith((".duosecurity.com", ".duofederal.com")):
        host = "127.0.0.1"
    return _getaddrinfo(host, *args, **kwargs)


socket.getaddrinfo = _resolve


def client(kind, key="operator", host=HOST, **changes):
    """Returns one of Duo's clients with the keys of the startup document."""
    key = KEYS[key] if isinstance(key, str) else key
    secret = changes.pop("secret_key", key["secret_key"])
    return kind(
        ikey=key["integration_key"], skey=secret, host=host, port=PORT, ca_certs=CA_FILE, **changes
    )


def admin(key="operator", **changes):
    return client(duo_client.Admin, key, **changes)


class Case(unittest.TestCase):
    """Adds the one assertion that every refusal needs."""

    def assert_refused(self, code, call, *args, detail=None, **kwargs):
        with self.assertRaises(RuntimeError) as caught:
            call(*args, **kwargs)
        error = caught.exception
        body = error.data if isinstance(error.data, dict) else json.loads(error.data)
        self.assertEqual((error.status, body["code"]), (code // 100, code), body)
        self.assertEqual(body.get("message_detail"), detail, body)
        return body
