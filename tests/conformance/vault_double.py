"""Checks the double of tests/secrets/vault_double.rs: Vault's own Python client must work with it.

The environment has VAULT_ADDR, VAULT_CACERT, VAULT_TOKEN, VAULT_NAMESPACE, and UNSEAL_KEY. The double has the mounts kv
(version 2), old (version 1) and pki, the token `narrow` for kv/data/other only, the AppRole role/secret, and the JWT of
the role ci at jwt/.
"""

import os
import unittest

import hvac
from hvac import exceptions

ROOT, NARROW = os.environ["VAULT_TOKEN"], "narrow"
INSIDE, OUTSIDE = os.environ["VAULT_NAMESPACE"], "elsewhere"


def client(token=None, namespace=INSIDE):
    address, ca = os.environ["VAULT_ADDR"], os.environ["VAULT_CACERT"]
    made = hvac.Client(address, token=token, verify=ca, namespace=namespace)
    # hvac would use the token of the user who runs the tests.
    made.token = token
    return made


class Logins(unittest.TestCase):
    def test_a_token(self):
        self.assertTrue(client(ROOT).is_authenticated())
        found = client(ROOT).lookup_token()["data"]
        self.assertEqual(set(found) & {"ttl", "renewable"}, {"ttl", "renewable"})
        self.assertIn("client_token", client(ROOT).auth.token.renew_self()["auth"])
        self.assertFalse(client("unknown").is_authenticated())
        with self.assertRaisesRegex(exceptions.Forbidden, "permission denied"):
            client("unknown").secrets.kv.v2.read_secret_version("vpn", mount_point="kv")
        with self.assertRaises(exceptions.Forbidden):
            client().secrets.kv.v2.read_secret_version("vpn", mount_point="kv")

    def test_app_role(self):
        vault = client()
        login = vault.auth.approle.login("role", "secret")["auth"]
        self.assertEqual((vault.token, login["renewable"]), (login["client_token"], True))
        self.assertIsInstance(login["lease_duration"], int)
        self.assertTrue(vault.is_authenticated())
        with self.assertRaisesRegex(exceptions.InvalidRequest, "invalid role or secret ID"):
            client().auth.approle.login("role", "wrong")

    def test_jwt(self):
        vault = client()
        vault.token = vault.auth.jwt.jwt_login("ci", "token", path="jwt")["auth"]["client_token"]
        self.assertTrue(vault.is_authenticated())
        with self.assertRaises(exceptions.InvalidRequest):
            client().auth.jwt.jwt_login("ci", "wrong", path="jwt")


class VersionTwo(unittest.TestCase):
    def setUp(self):
        self.path = "hvac/" + self.id().rsplit(".", 1)[1]
        self.kv = client(ROOT).secrets.kv.v2

    def write(self, value, cas):
        pairs = {"secret_key": value}
        return self.kv.create_or_update_secret(self.path, pairs, cas=cas, mount_point="kv")["data"]

    def read(self, **options):
        options = {"raise_on_deleted_version": True} | options
        return self.kv.read_secret_version(self.path, mount_point="kv", **options)["data"]

    def test_what_is_written_is_read(self):
        self.assertEqual(self.write("one", 0)["version"], 1)
        self.assertEqual(self.write("two", 1)["version"], 2)
        read = self.read()
        self.assertEqual((read["data"], read["metadata"]["version"]), ({"secret_key": "two"}, 2))
        self.assertEqual(self.read(version=1)["data"], {"secret_key": "one"})
        metadata = self.kv.read_secret_metadata(self.path, mount_point="kv")["data"]
        self.assertEqual((metadata["current_version"], set(metadata["versions"])), (2, {"1", "2"}))

    def test_a_write_names_what_it_replaces(self):
        self.write("one", 0)
        for cas in (0, 2):
            with self.assertRaisesRegex(exceptions.InvalidRequest, "did not match the current version"):
                self.write("two", cas)
        with self.assertRaisesRegex(exceptions.InvalidRequest, "check-and-set parameter required"):
            self.write("two", None)
        self.assertEqual(self.read()["data"], {"secret_key": "one"})

    def test_a_deleted_version_still_counts(self):
        self.write("one", 0)
        self.kv.delete_latest_version_of_secret(self.path, mount_point="kv")
        with self.assertRaises(exceptions.InvalidPath):
            self.read()
        deleted = self.read(raise_on_deleted_version=False)
        self.assertEqual((deleted["data"], deleted["metadata"]["version"]), (None, 1))
        self.assertNotEqual(deleted["metadata"]["deletion_time"], "")
        self.assertEqual(self.write("two", 1)["version"], 2)

    def test_what_is_not_there(self):
        with self.assertRaises(exceptions.InvalidPath):
            self.read()

    def test_wrong_mounts(self):
        with self.assertRaises(exceptions.Forbidden):
            client(ROOT).adapter.get("/v1/sys/internal/ui/mounts/nowhere")
        with self.assertRaisesRegex(exceptions.InvalidPath, "no handler for route"):
            self.kv.read_secret_version("vpn", mount_point="nowhere")
        for mount, kind in (("kv", "kv"), ("old", "kv"), ("pki", "pki")):
            found = client(ROOT).adapter.get("/v1/sys/internal/ui/mounts/" + mount)["data"]
            self.assertEqual(found["type"], kind)

    def test_a_policy(self):
        with self.assertRaisesRegex(exceptions.Forbidden, "permission denied"):
            client(NARROW).secrets.kv.v2.read_secret_version("vpn", mount_point="kv")
        with self.assertRaises(exceptions.InvalidPath):
            client(NARROW).secrets.kv.v2.read_secret_version("other", mount_point="kv")

    def test_a_namespace_is_a_vault_of_its_own(self):
        with self.assertRaisesRegex(exceptions.InvalidPath, "no handler for route"):
            client(ROOT, OUTSIDE).secrets.kv.v2.read_secret_version("vpn", mount_point="kv")


class VersionOne(unittest.TestCase):
    def test_all_of_it(self):
        kv = client(ROOT).secrets.kv.v1
        with self.assertRaises(exceptions.InvalidPath):
            kv.read_secret("hvac", mount_point="old")
        for value in ("one", "two"):
            kv.create_or_update_secret("hvac", {"secret_key": value}, mount_point="old")
            self.assertEqual(kv.read_secret("hvac", mount_point="old")["data"], {"secret_key": value})
        kv.delete_secret("hvac", mount_point="old")
        with self.assertRaises(exceptions.InvalidPath):
            kv.read_secret("hvac", mount_point="old")

    def test_a_version_two_engine_says_what_it_is(self):
        with self.assertRaises(exceptions.InvalidPath) as caught:
            client(ROOT).secrets.kv.v1.read_secret("vpn", mount_point="kv")
        self.assertIn("Invalid path for a versioned K/V secrets engine", caught.exception.text)


class Seal(unittest.TestCase):
    def test_sealed_and_unsealed(self):
        vault = client(ROOT, namespace=None)
        self.assertFalse(vault.sys.is_sealed())
        vault.sys.seal()
        self.assertTrue(vault.sys.is_sealed())
        for ask in (
            lambda: client(ROOT).secrets.kv.v2.read_secret_version("vpn", mount_point="kv"),
            lambda: client().auth.approle.login("role", "secret"),
        ):
            with self.assertRaisesRegex(exceptions.VaultDown, "Vault is sealed"):
                ask()
        self.assertTrue(vault.sys.submit_unseal_key("00ff")["sealed"])
        self.assertFalse(vault.sys.submit_unseal_key(os.environ["UNSEAL_KEY"])["sealed"])
        self.assertTrue(client(ROOT).is_authenticated())


if __name__ == "__main__":
    unittest.main()
