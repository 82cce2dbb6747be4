"""Applications of several types from creation to deletion, with Duo's own client."""

from sandbox import Case, admin

SAML = {
    "saml_config": {
        "entity_id": "https://wiki.example.com/meta",
        "acs_urls": [{"url": "https://wiki.example.com/acs"}],
        "nameid_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        "nameid_attribute": "mail",
        "sign_assertion": "True",
        "sign_response": "False",
        "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    }
}
OIDC = {
    "oidc_config": {
        "grant_types": {"authorization_code": True},
        "redirect_uris": ["https://portal.example.com/cb"],
        "scopes": [{"name": "openid"}],
    }
}
OAUTH = {
    "oauth_config": {
        "scopes": [{"id": "5f0c7c1a", "name": "read"}],
        "clients": [{"client_id": "c-1", "name": "job", "assigned_scopes_ids": ["5f0c7c1a"]}],
    }
}


class Integrations(Case):
    def setUp(self):
        self.admin = admin()

    def live(self, kind, **properties):
        """Creates, reads, modifies and deletes an application; returns it as created."""
        name = f"conformance {kind} é"
        made = self.admin.create_integration(name, kind, user_access="NO_USERS", **properties)
        ikey = made["integration_key"]
        self.addCleanup(lambda: self.admin.delete_integration(ikey) if ikey in self.ikeys() else None)
        self.assertEqual((made["name"], made["type"], made["user_access"]), (name, kind, "NO_USERS"))
        self.assertEqual(self.without_secrets(self.admin.get_integration(ikey)), self.without_secrets(made))

        changed = self.admin.update_integration(ikey, name=name + " 2", notes="noted")
        self.assertEqual((changed["name"], changed["notes"]), (name + " 2", "noted"))
        self.assertEqual(changed["type"], kind)

        secret = self.admin.get_secret_key(ikey)["secret_key"]
        if kind.startswith(("sso-oidc", "sso-oauth")):
            self.assertEqual(secret, "")
        else:
            self.assertRegex(secret, r"^[A-Za-z0-9]{40}$")
            self.assertEqual(made["secret_key"], "*" * 36 + secret[-4:])
            self.admin.update_integration(ikey, reset_secret_key=1)
            self.assertNotEqual(self.admin.get_secret_key(ikey)["secret_key"], secret)

        self.admin.delete_integration(ikey)
        self.assertNotIn(ikey, self.ikeys())
        self.assert_refused(40401, self.admin.get_integration, ikey)
        return made

    def ikeys(self):
        return [row["integration_key"] for row in self.admin.get_integrations()]

    @staticmethod
    def without_secrets(app):
        """Client secrets of an OAuth application are shown once, when it is created."""
        clients = app.get("sso", {}).get("oauth_config", {}).get("clients", [])
        for client in clients:
            client.pop("client_secret", None)
        return app

    def test_types(self):
        for kind in ("authapi", "websdk", "radius"):
            with self.subTest(kind):
                made = self.live(kind, self_service_allowed=True, greeting="hello")
                self.assertEqual((made["greeting"], made["self_service_allowed"]), ("hello", 1))

    def test_admin_api(self):
        made = self.live("adminapi", adminapi_info=True, adminapi_read_log=True)
        self.assertEqual((made["adminapi_info"], made["adminapi_read_log"], made["adminapi_settings"]), (1, 1, 0))

    def test_single_sign_on(self):
        made = self.live("sso-generic", sso=SAML)
        self.assertIs(made["sso"]["saml_config"]["sign_assertion"], True)
        made = self.live("sso-oidc-generic", sso=OIDC)
        self.assertTrue(made["sso"]["idp_metadata"]["discovery_url"].startswith("https://"))
        self.live("sso-oauth-client-credentials", sso=OAUTH)

    def test_client_secrets(self):
        made = self.admin.create_integration("secrets", "sso-oidc-generic", sso=OIDC, user_access="NO_USERS")
        ikey = made["integration_key"]
        self.addCleanup(self.admin.delete_integration, ikey)
        path = f"/admin/v2/integrations/oidc/{ikey}/client_secret"
        first = self.admin.json_api_call("GET", path, {})["client_secret"]
        self.assertRegex(first, r"^[A-Za-z0-9]{40}$")
        self.assertNotEqual(self.admin.json_api_call("POST", path, {})["client_secret"], first)

    def test_paging(self):
        made = [
            self.admin.create_integration(f"page {n}", "rdp", user_access="NO_USERS")["integration_key"]
            for n in range(7)
        ]
        for ikey in made:
            self.addCleanup(self.admin.delete_integration, ikey)
        small = admin(paging_limit=3)
        rows = [row["integration_key"] for row in small.get_integrations_generator()]
        self.assertEqual(len(rows), len(set(rows)))
        self.assertLessEqual(set(made), set(rows))
        self.assertEqual(len(self.admin.get_integrations(limit=2, offset=1)), 2)

    def test_access_by_groups(self):
        group = self.admin.get_groups()[0]["group_id"]
        made = self.admin.create_integration(
            "groups", "websdk", user_access="PERMITTED_GROUPS", groups_allowed=group
        )
        ikey = made["integration_key"]
        self.addCleanup(self.admin.delete_integration, ikey)
        self.assertEqual(made["groups_allowed"], [group])
        opened = self.admin.update_integration(ikey, user_access="ALL_USERS")
        self.assertEqual(opened["user_access"], "ALL_USERS")
        self.assert_refused(
            40002, self.admin.update_integration, ikey, groups_allowed=group, detail="groups_allowed"
        )

    def test_refusals(self):
        create = self.admin.create_integration
        self.assert_refused(40002, create, "x", "azure-ca", detail="type")
        self.assert_refused(40002, create, "x", "no-such-type", detail="type")
        self.assert_refused(40001, create, None, "rdp", detail="name")
        self.assert_refused(40401, self.admin.get_secret_key, "DI000000000000000000")
