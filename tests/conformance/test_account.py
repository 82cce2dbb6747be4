"""The objects that applications refer to, and more: groups, policies, units, users, information, settings, logs."""

import time

from sandbox import Case, admin


class Account(Case):
    def setUp(self):
        self.admin = admin()

    def test_groups(self):
        groups = self.admin.get_groups()
        self.assertGreaterEqual(len(groups), 8)
        self.assertLessEqual({"VPN Users", "Contractors"}, {group["name"] for group in groups})
        made = self.admin.create_group("conformance", desc="d", status="active")
        self.assertEqual(self.admin.get_group(made["group_id"], api_version=2)["name"], "conformance")
        self.admin.modify_group(made["group_id"], name="renamed", status="disabled")
        by_id = self.admin.get_groups_by_group_ids([made["group_id"], groups[0]["group_id"]])
        self.assertEqual([group["name"] for group in by_id], ["renamed", groups[0]["name"]])
        self.assertEqual(by_id[0]["status"], "Disabled")
        self.assert_refused(40003, self.admin.create_group, "renamed")
        self.admin.delete_group(made["group_id"])
        self.assert_refused(40401, self.admin.get_group, made["group_id"], api_version=2)

    def test_members(self):
        users = self.admin.get_users()
        self.assertGreaterEqual(len(users), 40)
        self.assertTrue(any(not user["email"] for user in users))
        group = users[0]["groups"][0]["group_id"]
        members = list(admin(paging_limit=5).get_group_users_iterator(group))
        self.assertIn(users[0]["user_id"], [member["user_id"] for member in members])

    def test_policies(self):
        policies = self.admin.get_policies_v2()
        names = {policy["policy_name"] for policy in policies}
        self.assertLessEqual({"Global Policy", "Require trusted endpoints"}, names)
        self.assertIs(self.admin.get_policy_v2("global")["is_global_policy"], True)
        sections = {"new_user": {"new_user_behavior": "deny"}}
        made = self.admin.create_policy_v2({"policy_name": "conformance", "sections": sections})
        key = made["policy_key"]
        self.assertEqual(made["sections"], sections)
        changed = self.admin.update_policy_v2(key, {"policy_name": "renamed"})
        self.assertEqual((changed["policy_name"], changed["sections"]), ("renamed", sections))
        copies = self.admin.copy_policy_v2(key, ["copy 1", "copy 2"])["policies"]
        self.assertEqual([copy["sections"] for copy in copies], [sections, sections])
        self.admin.update_policies_v2({"screen_lock": {"require_screen_lock": True}}, ["new_user"], [key])
        self.assertEqual(list(self.admin.get_policy_v2(key)["sections"]), ["screen_lock"])
        summary = self.admin.get_policy_summary_v2()
        self.assertEqual(summary["policy_count"], len(summary["policies"]))
        user = self.admin.get_users(limit=1)[0]["user_id"]
        ikey = self.admin.get_integrations(limit=1)[0]["integration_key"]
        self.assertIn("new_user", self.admin.calculate_policy(ikey, user)["sections"])
        for policy in (made, *copies):
            self.admin.delete_policy_v2(policy["policy_key"])
        self.assert_refused(40401, self.admin.get_policy_v2, key)

    def test_a_policy_attaches_to_an_application(self):
        ikey = self.admin.create_integration("with policy", "rdp", user_access="NO_USERS")["integration_key"]
        self.addCleanup(self.admin.delete_integration, ikey)
        key = next(
            policy["policy_key"] for policy in self.admin.get_policies_v2() if not policy["is_global_policy"]
        )
        path = "/admin/v3/integrations/" + ikey
        self.assertEqual(self.admin.json_api_call("POST", path, {"policy_key": key})["policy_key"], key)
        self.assertNotIn("policy_key", self.admin.json_api_call("POST", path, {"policy_key": ""}))

    def test_units_and_administrators(self):
        units = self.admin.get_administrative_units()
        self.assertGreaterEqual(len(units), 2)
        full = self.admin.json_api_call("GET", "/admin/v1/administrative_units/" + units[0]["admin_unit_id"], {})
        self.assertEqual(len(full["integrations"]), 1)
        found = self.admin.get_administrative_units(integration_key=full["integrations"][0])
        self.assertEqual([unit["admin_unit_id"] for unit in found], [units[0]["admin_unit_id"]])
        self.assertGreaterEqual(len(self.admin.get_admins()), 3)

    def test_information_and_settings(self):
        summary = self.admin.get_info_summary()
        self.assertEqual(summary["edition"], "Duo Advantage")
        self.assertEqual(summary["integration_count"], len(self.admin.get_integrations()))
        settings = self.admin.get_settings()
        changed = self.admin.update_settings(lockout_threshold=7, helpdesk_bypass="deny")
        self.assertEqual((changed["lockout_threshold"], changed["helpdesk_bypass"]), (7, "deny"))
        self.admin.update_settings(lockout_threshold=settings["lockout_threshold"], helpdesk_bypass="limit")
        self.assertEqual(self.admin.get_settings(), settings)

    def test_devices(self):
        self.assertGreater(len(self.admin.get_phones()), 10)
        self.assertGreater(len(self.admin.get_tokens()), 0)
        self.assertGreater(len(self.admin.get_endpoints()), 0)

    def test_logs(self):
        first = self.admin.get_authentication_log(api_version=2, limit="10")
        self.assertEqual(len(first["authlogs"]), 10)
        cursor = ",".join(first["metadata"]["next_offset"])
        second = self.admin.get_authentication_log(api_version=2, limit="10", next_offset=cursor)
        ids = [row["txid"] for row in first["authlogs"] + second["authlogs"]]
        self.assertEqual(len(set(ids)), 20)
        self.assertGreater(len(self.admin.get_authentication_log(mintime=int(time.time()) - 86400)), 10)
        self.assertGreater(len(self.admin.get_telephony_log(api_version=2)["items"]), 0)
        self.assertGreater(len(self.admin.get_telephony_log()), 0)
        self.assertEqual(len(self.admin.get_offline_log()), 3)
        self.assert_refused(
            40001, self.admin.json_api_call, "GET", "/admin/v2/logs/authentication", {}, detail="mintime"
        )

    def test_the_log_says_who_changed_an_application(self):
        ikey = self.admin.create_integration("logged", "rdp", user_access="NO_USERS")["integration_key"]
        self.admin.delete_integration(ikey)
        rows = self.admin.get_activity_logs(maxtime=int(time.time() * 1000) + 60_000, limit=1000)["items"]
        own = [row for row in rows if row["target"]["key"] == ikey]
        self.assertEqual({row["action"]["name"] for row in own}, {"integration_create", "integration_delete"})
        self.assertEqual({row["actor"]["key"] for row in own}, {self.admin.ikey})
        old = self.admin.get_administrator_log(mintime=int(time.time()) - 3600)
        self.assertIn("logged", [row["object"] for row in old])
