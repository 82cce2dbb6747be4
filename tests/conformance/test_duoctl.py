"""What Duo's own client sees before and after duoctl matches duoctl's report, for each family of applications.

The binary runs against the same sandbox; `DUOCTL_BINARY` says where it is.
"""

import json
import os
import subprocess
import tempfile
import unittest

import yaml
from sandbox import CA_FILE, HOST, KEYS, PORT, Case, admin

SAML = {
    "entity_id": "https://wiki.example.com/meta",
    "acs_urls": [{"url": "https://wiki.example.com/acs"}],
    "nameid_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "nameid_attribute": "mail",
    "sign_assertion": True,
    "sign_response": True,
    "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
}
OIDC = {
    "grant_types": {"authorization_code": True},
    "redirect_uris": ["https://portal.example.com/cb"],
    "scopes": [{"name": "openid"}],
}
OAUTH = {
    "scopes": [{"id": "s1", "name": "read"}],
    "clients": [{"client_id": "c1", "name": "job", "assigned_scopes_ids": ["s1"]}],
}


def group_access(*groups):
    return {"user_access": "permitted_groups", "groups_allowed": list(groups)}


# By family: the type, what is declared first, and what is declared later.
FAMILIES = {
    "adminapi": (
        {"user_access": "no_users", "permissions": ["info", "read_log"], "networks_for_api_access": ["192.0.2.0/24"]},
        {"user_access": "no_users", "permissions": ["info", "settings_read"], "networks_for_api_access": None},
    ),
    "authapi": ({"user_access": "all_users"}, {**group_access("Help Desk"), "policy": "Contractors"}),
    # Only an owner can create it, in the Admin Panel: it is adopted.
    "accountsapi": (
        {"user_access": "no_users"},
        {"user_access": "no_users", "networks_for_api_access": ["192.0.2.7"], "notes": "parent"},
    ),
    "websdk": (
        {**group_access("Employees", "Contractors"), "policy": "Require trusted endpoints", "self_service_allowed": True},
        {**group_access("Employees"), "policy": None, "self_service_allowed": False},
    ),
    "radius": (
        {**group_access("VPN Users"), "username_normalization_policy": "simple", "greeting": "Hello"},
        {"user_access": "no_users", "username_normalization_policy": "none", "greeting": None},
    ),
    "ldapproxy": ({"user_access": "no_users"}, {**group_access("Engineering", "Finance"), "policy": "Contractors"}),
    "rdp": ({**group_access("Finance"), "policy": "Contractors"}, {"user_access": "all_users", "policy": None}),
    "unix": ({"user_access": "all_users"}, {**group_access("IT Administrators"), "name": "renamed unix"}),
    "sso-generic": (
        {**group_access("Employees"), "sso": {"saml_config": {**SAML, "role_attrs": {"role": {"admin": ["Engineering"]}}}}},
        {
            "user_access": "all_users",
            "sso": {"saml_config": {**SAML, "sign_response": False, "role_attrs": {"role": {"admin": ["Help Desk"]}}}},
        },
    ),
    "sso-oidc-generic": (
        {"user_access": "all_users", "policy": "Contractors", "sso": {"oidc_config": OIDC}},
        {
            **group_access("Contractors"),
            "policy": "Contractors",
            "sso": {"oidc_config": {**OIDC, "redirect_uris": ["https://portal.example.com/new"]}},
        },
    ),
    "sso-oauth-client-credentials": (
        {"user_access": "no_users", "sso": {"oauth_config": OAUTH}},
        {"user_access": "no_users", "sso": {"oauth_config": {**OAUTH, "scopes": [{"id": "s1", "name": "write"}]}}},
    ),
}


class Duoctl(Case):
    maxDiff = None

    def setUp(self):
        self.admin = admin()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def duoctl(self, *arguments):
        """Runs the binary and returns the document on its stdout."""
        operator = KEYS["operator"]
        environment = {"DUO_IKEY": operator["integration_key"], "DUO_SKEY": operator["secret_key"], "DUOCTL_SIMULATOR_BACKOFF_MS": "1"}
        way = ["--connect-to", f"127.0.0.1:{PORT}", "--ca-file", CA_FILE]
        command = [os.environ["DUOCTL_BINARY"], *arguments, *way]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return json.loads(done.stdout) if "json" in arguments else done.stdout

    def declare(self, applications):
        keys = {"integration_key": {"env": "DUO_IKEY"}, "secret_key": {"env": "DUO_SKEY"}}
        document = {
            "version": 1,
            "workspace": "evidence",
            "tenant": {"api_hostname": HOST, "credentials": keys},
            "applications": applications,
        }
        with open(os.path.join(self.folder, "duo.yaml"), "w", encoding="utf-8") as file:
            json.dump(document, file)

    def seen(self):
        """Every application as Duo's client reads it, in duoctl's terms, by its key."""
        groups = {group["group_id"]: group["name"] for group in self.admin.get_groups()}
        policies = self.admin.json_api_call("GET", "/admin/v2/policies", {"limit": "100", "offset": "0"})
        policies = {policy["policy_key"]: policy["policy_name"] for policy in policies}
        return {app["integration_key"]: self.in_words(app, groups, policies) for app in self.admin.get_integrations()}

    @staticmethod
    def in_words(app, groups, policies):
        def named(ids):
            return sorted(groups[group] for group in ids)

        words = {"type": app["type"], "name": app["name"], "user_access": app["user_access"].lower()}
        words["groups_allowed"] = named(app["groups_allowed"]) if app["user_access"] == "PERMITTED_GROUPS" else []
        words["policy"] = policies.get(app.get("policy_key"))
        flags = {key.removeprefix("adminapi_"): value for key, value in app.items() if key.startswith("adminapi_")}
        words["permissions"] = sorted(name for name, value in flags.items() if value)
        words["networks_for_api_access"] = sorted(filter(None, app.get("networks_for_api_access", "").split(",")))
        words["self_service_allowed"] = bool(app.get("self_service_allowed"))
        words["username_normalization_policy"] = app["username_normalization_policy"].lower()
        words["greeting"] = app["greeting"]
        text, marker, _ = app["notes"].rpartition("[duoctl ")
        words["notes"] = text.rstrip() if marker else app["notes"]
        words["sso"] = {key: value for key, value in app.get("sso", {}).items() if key != "idp_metadata"}
        for ids in words["sso"].get("saml_config", {}).get("role_attrs", {}).values():
            ids.update({role: named(members) for role, members in ids.items()})
        return words

    def assert_is(self, words, field, value):
        """Checks that one field has the value that duoctl reports."""
        if field.startswith("sso."):
            self.assert_leaf(words["sso"], field.removeprefix("sso.").split("."), value)
            return
        seen = words[field]
        if isinstance(seen, list):
            self.assertEqual(seen, sorted(value or []), field)
        else:
            # An unset value has several forms.
            self.assertEqual(seen or None, value or None, field)

    def assert_leaf(self, document, path, value):
        for key in path:
            if "[" in key or not isinstance(document, dict):
                break
            document = document.get(key)
        else:
            identity = {"acs_urls": "url", "scopes": "name", "clients": "client_id"}.get(path[-1])
            if identity and path[:1] == ["oauth_config"] and path[-1] == "scopes":
                identity = "id"
            if identity and document:
                document = sorted(item[identity] for item in document)
            self.assertEqual(document or None, value or None, path)

    def apply(self, applications):
        """Applies and compares every change that duoctl reports with what the client saw before and sees after."""
        self.declare(applications)
        before = self.seen()
        consent = ["--allow", "widens_access", "--allow", "escalates_privilege", "--max-changes", "100%"]
        report = self.duoctl("apply", "--auto-approve", "--no-verify", *consent, "--format", "json")
        after = self.seen()
        ikeys = {step["address"]: step["integration_key"] for step in report["steps"]}
        touched = set()
        for step in report["plan"]["steps"]:
            ikey = ikeys[step["address"]]
            touched.add(ikey)
            with self.subTest(step["address"], action=step["action"]):
                self.assertEqual(after[ikey]["type"], step["type"])
                if step["action"] == "create":
                    self.assertNotIn(ikey, before)
                for change in step["changes"]:
                    if ikey in before:
                        self.assert_is(before[ikey], change["field"], change["before"])
                    self.assert_is(after[ikey], change["field"], change["after"])
                changed = {change["field"].split(".")[0] for change in step["changes"]}
                if step["action"] == "update":
                    kept = {key: value for key, value in before[ikey].items() if key not in changed}
                    # Groups count only together with the access.
                    if "user_access" in changed:
                        kept.pop("groups_allowed", None)
                    self.assertEqual(kept, {key: after[ikey][key] for key in kept}, "what is not reported has not changed")
        for ikey in before.keys() - touched:
            self.assertEqual(after[ikey], before[ikey], "no other application has changed")
        return report, {address.removeprefix("applications."): after[ikey] for address, ikey in ikeys.items()}

    def test_before_and_after(self):
        names = {kind: f"evidence {kind}" for kind in FAMILIES}
        first = {kind: {"type": kind, "name": names[kind], **fields} for kind, (fields, _) in FAMILIES.items()}
        later = {kind: {"type": kind, "name": names[kind], **fields} for kind, (_, fields) in FAMILIES.items()}
        self.addCleanup(self.tidy, names)

        report, seen = self.apply(first)
        self.assertEqual(report["plan"]["summary"]["add"], len(FAMILIES) - 1)
        self.assertEqual(report["plan"]["summary"]["adopt"], 1)
        self.assert_declared(first, seen)

        report, seen = self.apply(later)
        self.assertEqual(report["plan"]["summary"]["change"], len(FAMILIES))
        self.assert_declared(later, seen)

        report, _ = self.apply(later)
        self.assertEqual(report["plan"]["steps"], [])

    def assert_declared(self, declared, seen):
        """Checks that the client sees what the YAML declares, whatever duoctl reported."""
        for kind, entry in declared.items():
            for field in ("type", "name", "user_access", "groups_allowed", "policy", "permissions"):
                if field in entry:
                    with self.subTest(kind, field=field):
                        self.assert_is(seen[kind], field, entry[field])

    def tidy(self, names):
        for ikey, words in self.seen().items():
            if words["type"] in names and words["name"] in (names[words["type"]], f"renamed {words['type']}"):
                self.admin.delete_integration(ikey)

    def test_import_reads_the_same_elsewhere(self):
        """A YAML 1.1 reader, which reads `no`, `1:30` and dates differently, gets the same values from an import."""
        self.declare({})
        self.duoctl("import", ".", "--split", "type")
        found = {}
        for folder, _, files in os.walk(self.folder):
            for name in files:
                if name.endswith(".yaml"):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        found.update((yaml.safe_load(file) or {}).get("applications", {}))
        # Every name in the account that is a line of text is there, unchanged.
        seen = {ikey: app for ikey, app in self.seen().items() if ikey != KEYS["operator"]["integration_key"]}
        names = sorted((app["type"], app["name"]) for app in seen.values() if app["name"].isprintable())
        read = [(app["type"], app["name"]) for app in found.values() if "name" in app]
        self.assertLessEqual(set(names), set(read))
        groups = {group["group_id"]: group["name"] for group in self.admin.get_groups()}
        by_name = {(app["type"], app["name"]): app for app in seen.values()}
        for entry in found.values():
            words = by_name.get((entry["type"], entry.get("name")))
            self.assertIsNotNone(words, entry)
            for field in ("user_access", "greeting", "notes", "policy", "groups_allowed", "permissions"):
                if field in entry:
                    value = entry[field]
                    if field == "groups_allowed":
                        # A group whose name cannot be read is named by its id.
                        names = [name["id"] if isinstance(name, dict) else name for name in value]
                        value = [groups.get(name, name) for name in names]
                    with self.subTest(entry["name"], field=field):
                        self.assert_is(words, field, value)


if __name__ == "__main__":
    unittest.main()
