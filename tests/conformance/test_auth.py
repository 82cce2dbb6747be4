"""The Auth API, the OAuth health check, and calls signed by duo_hmac."""

import hashlib
import json
import ssl
import urllib.request

import duo_client
import duo_client.auth_v1
import duo_universal
from duo_hmac import duo_hmac

from sandbox import CA_FILE, HOST, KEYS, PORT, Case, admin, client


class Auth(Case):
    def setUp(self):
        self.auth = client(duo_client.Auth, "auth")

    def test_ping_and_check(self):
        self.assertIsInstance(self.auth.ping()["time"], int)
        self.assertIsInstance(self.auth.check()["time"], int)
        self.assertTrue(self.auth.logo().startswith(b"\x89PNG"))

    def test_the_classic_signature(self):
        classic = client(duo_client.Auth, "auth", sig_version=2, digestmod=hashlib.sha1)
        self.assertIsInstance(classic.check()["time"], int)
        self.assertEqual(classic.preauth(username="ada.albrecht")["result"], "auth")

    def test_preauth(self):
        found = self.auth.preauth(username="ada.albrecht")
        self.assertEqual((found["result"], found["devices"][0]["type"]), ("auth", "phone"))
        self.assertEqual(self.auth.preauth(username="nobody at all")["result"], "enroll")

    def test_version_1_checks(self):
        made = admin().create_integration("unix host", "unix", user_access="NO_USERS")
        self.addCleanup(admin().delete_integration, made["integration_key"])
        secret = admin().get_secret_key(made["integration_key"])["secret_key"]
        key = {"integration_key": made["integration_key"], "secret_key": secret}
        old = client(duo_client.auth_v1.AuthV1, key)
        old.ping()
        old.check()


class HealthCheck(Case):
    def test_a_web_sdk_application(self):
        operator = admin()
        made = operator.create_integration("web", "websdk", user_access="NO_USERS")
        ikey = made["integration_key"]
        self.addCleanup(operator.delete_integration, ikey)
        secret = operator.get_secret_key(ikey)["secret_key"]

        def check(secret):
            return duo_universal.Client(
                ikey, secret, f"{HOST}:{PORT}", "https://web.example.com/", duo_certs=CA_FILE
            ).health_check()

        self.assertEqual(check(secret)["stat"], "OK")
        with self.assertRaises(duo_universal.DuoException):
            check("x" * 40)


class Hmac(Case):
    def call(self, method, path, parameters=None, key="operator", headers=None, host=HOST):
        key = KEYS[key]
        signer = duo_hmac.DuoHmac(key["integration_key"], key["secret_key"], host)
        uri, body, headers = signer.get_authentication_components(method, path, parameters, headers)
        url = "https://" + uri.replace(host, f"{host}:{PORT}", 1)
        data = body.encode() if body else None
        request = urllib.request.Request(url, data, headers, method=method)
        if data:
            request.add_header("Content-Type", "application/json")
        context = ssl.create_default_context(cafile=CA_FILE)
        # The default certificate checks of OpenSSL and Python 3.13.
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        with urllib.request.urlopen(request, context=context) as reply:
            return json.load(reply)["response"]

    def test_calls(self):
        self.assertEqual(len(self.call("GET", "/admin/v1/groups", {"limit": "2", "offset": "0"})), 2)
        for host in (HOST, "localhost", "127.0.0.1"):
            self.assertIn("time", self.call("GET", "/auth/v2/check", key="auth", host=host))
        self.call("GET", "/admin/v1/groups", {"limit": "1"}, headers={"X-Duo-Reason": "a  b 'c'"})
        body = {"name": "by hmac", "type": "rdp", "user_access": "NO_USERS", "notes": "ü ~*'"}
        made = self.call("POST", "/admin/v3/integrations", body)
        self.assertEqual(made["notes"], body["notes"])
        self.assertEqual(self.call("DELETE", "/admin/v3/integrations/" + made["integration_key"]), "")
