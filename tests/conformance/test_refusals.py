"""Wrong keys, keys of the wrong type or without a permission, and wrong times: the documented code and message."""

import email.utils
import time
from unittest import mock

import duo_client

from sandbox import Case, admin, client


class Refusals(Case):
    def test_a_wrong_secret(self):
        body = self.assert_refused(40103, admin(secret_key="x" * 40).get_groups)
        self.assertEqual(body["message"], "Invalid signature in request credentials")

    def test_an_unknown_key(self):
        key = {"integration_key": "DIXXXXXXXXXXXXXXXXXX", "secret_key": "x" * 40}
        body = self.assert_refused(40102, admin(key).get_groups)
        self.assertEqual(body["message"], "Invalid integration key in request credentials")

    def test_the_wrong_kind_of_key(self):
        self.assert_refused(40102, admin("auth").get_groups)
        body = self.assert_refused(
            40301, client(duo_client.Auth, "operator").check, detail="Wrong integration type for this API."
        )
        self.assertEqual(body["message"], "Access forbidden")

    def test_a_missing_permission(self):
        nothing, some = admin("no-permissions"), admin("plan-only")
        self.assert_refused(40301, nothing.get_groups)
        self.assert_refused(40301, nothing.get_info_summary)
        self.assert_refused(40301, some.create_integration, "x", "rdp")
        self.assert_refused(40301, some.get_authentication_log, api_version=2)
        self.assert_refused(40301, some.get_admins)
        self.assertTrue(some.get_integrations() and some.get_policies_v2() and some.get_settings())
        self.assertEqual(some.get_info_summary()["edition"], "Duo Advantage")

    def test_a_write_permission_shows_on_an_object_that_does_not_exist(self):
        path = "/admin/v3/integrations/DI000000000000000000"
        self.assert_refused(40301, admin("plan-only").json_api_call, "POST", path, {"notes": ""})
        self.assert_refused(40401, admin().json_api_call, "POST", path, {"notes": ""})

    def test_a_skewed_clock(self):
        for offset in (-90, 90):
            date = email.utils.formatdate(time.time() + offset)
            with mock.patch("email.utils.formatdate", return_value=date):
                body = self.assert_refused(40105, admin().get_groups)
            self.assertEqual(body["message"], "Bad request timestamp")

    def test_older_signatures_where_version_5_is_required(self):
        self.assert_refused(40103, admin(sig_version=2).get_integrations)
        self.assertTrue(admin(sig_version=2).get_groups())

    def test_another_accounts_name_does_not_reach_this_one(self):
        self.assertTrue(admin(host="localhost").get_groups())
        for host in ("api-00000000.duosecurity.com", "api-1a2b3c4d.duofederal.com"):
            self.assert_refused(40103, admin(host=host).get_groups)

    def test_what_is_not_simulated_says_so(self):
        for call in (admin().get_bypass_codes, admin().get_webauthncredentials, admin().get_logo):
            with self.assertRaises(RuntimeError) as caught:
                call()
            self.assertEqual(caught.exception.status, 501, call)
