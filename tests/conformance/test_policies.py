"""Policies, groups, settings and administrators' login methods by Duo's Python client, and its own examples."""

import contextlib
import getpass
import io
import pathlib
import runpy
import sys
import unittest.mock

import duo_client

from sandbox import CA_FILE, HOST, KEYS, PORT, Case, admin

EXAMPLES = pathlib.Path(__file__).parent / "examples"

# Every section of Duo's 2026 edition, each with a value that differs from its default.
SECTIONS = {
    "anonymous_networks": {"anonymous_access_behavior": "deny"},
    "authentication_methods": {"blocked_auth_list": ["phonecall", "sms"], "verified_push_digits": 6},
    "authentication_policy": {"user_auth_behavior": "deny"},
    "authorized_networks": {"no_2fa_required": {"ip_list": ["192.0.2.0/24"], "require_enrollment": False}},
    "browsers": {"blocked_browsers_list": ["ie"], "out_of_date_behavior": "warn-and-block"},
    "duo_desktop": {"requires_duo_desktop": ["macos", "windows"], "enforce_encryption": ["windows"]},
    "duo_mobile_app": {"require_updates": True},
    "full_disk_encryption": {"require_encryption": True},
    "health_checks": {"enforce_firewall": ["macos"], "macos_remediation_note": "Switch it on"},
    "mobile_device_biometrics": {"require_biometrics": True},
    "new_user": {"new_user_behavior": "deny"},
    "operating_systems": {
        "block_os_list": ["blackberry", "windowsphone"],
        "os_restrictions": {
            "ios": {
                "warn_policy": "no-remediation",
                "warn_version": "",
                "warn_remediation_days": 0,
                "block_policy": "less-than-version",
                "block_version": "17.0",
                "block_remediation_days": 14,
            }
        },
    },
    "plugins": {"flash": "block-all", "java": "warn-only", "java_max_ood_days": 30},
    "remembered_devices": {"windows_logon": {"enabled": True, "max_time_units": "hours", "max_time_value": 8}},
    "risk_based_factor_selection": {"limit_to_risk_based_auth_methods": False},
    "screen_lock": {"require_screen_lock": False},
    "tampered_devices": {"block_tampered_devices": False},
    "trusted_endpoints": {"trusted_endpoint_checking": "require-trusted"},
    "user_location": {"default_action": "deny-access", "require_mfa_countries_list": ["DE", "FR"]},
}


class Policies(Case):
    def setUp(self):
        self.admin = admin()

    def run_example(self, name, answers):
        """Runs one of Duo's examples as it is: it asks for a key and connects by its own client."""
        answers = iter(answers)
        client = lambda **keys: duo_client_admin(port=PORT, ca_certs=CA_FILE, **keys)
        duo_client_admin = duo_client.Admin
        with (
            unittest.mock.patch.object(duo_client, "Admin", client),
            unittest.mock.patch.object(sys, "argv", [name]),
            unittest.mock.patch("builtins.input", lambda prompt: next(answers)),
            unittest.mock.patch.object(getpass, "getpass", lambda prompt: next(answers)),
            contextlib.redirect_stdout(io.StringIO()) as printed,
        ):
            runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return printed.getvalue()

    def test_the_official_examples(self):
        for name in ("policies.py", "policies_advanced.py"):
            with self.subTest(name):
                before = {policy["policy_key"] for policy in self.admin.get_policies_v2()}
                key = KEYS["operator"]
                printed = self.run_example(name, [key["integration_key"], key["secret_key"], HOST])
                made = [policy for policy in self.admin.get_policies_v2() if policy["policy_key"] not in before]
                sections = {policy["policy_name"][-1]: policy["sections"] for policy in made}
                self.assertEqual(sorted(sections), ["a", "b", "d", "e", "f"])
                self.assertEqual((sections["a"], sections["e"], sections["f"]), ({}, {}, {}))
                self.assertEqual(sections["b"]["duo_desktop"]["windows_endpoint_security_list"], ["cisco-amp"])
                self.assertEqual(sections["d"]["browsers"]["blocked_browsers_list"], ["ie"])
                self.assertIn("Global Policy", printed)
                for policy in made:
                    self.admin.delete_policy_v2(policy["policy_key"])

    def test_every_section(self):
        shown = self.admin.get_policy_v2("global")["sections"]
        self.assertEqual(sorted(shown), sorted(SECTIONS))
        key = self.admin.create_policy_v2({"policy_name": "every section"})["policy_key"]
        self.addCleanup(self.admin.delete_policy_v2, key)
        for name, fields in SECTIONS.items():
            with self.subTest(name):
                answer = self.admin.update_policy_v2(key, {"sections": {name: fields}})
                self.assertEqual(answer, self.admin.get_policy_v2(key))
                section = answer["sections"][name]
                self.assertEqual({**section, **fields}, section)
                self.assertNotEqual({field: shown[name][field] for field in fields}, fields)
        # What it shows can be sent back, to this policy and to a new one.
        whole = self.admin.get_policy_v2(key)
        self.assertEqual(sorted(whole["sections"]), sorted(SECTIONS))
        self.assertEqual(self.admin.update_policy_v2(key, whole), whole)
        self.admin.update_policies_v2({}, list(SECTIONS), [key])
        self.assertEqual(self.admin.get_policy_v2(key)["sections"], {})
        restored = self.admin.update_policy_v2(key, {"sections": whole["sections"]})
        self.assertEqual(restored, whole)

    def test_a_policy_for_groups_on_an_application(self):
        group = self.admin.create_group("with a policy")["group_id"]
        self.addCleanup(self.admin.delete_group, group)
        user = self.admin.add_user("with-a-policy")["user_id"]
        self.addCleanup(self.admin.delete_user, user)
        self.admin.add_user_group(user, group)
        ikey = self.admin.create_integration("with policies", "rdp", user_access="ALL_USERS")["integration_key"]
        self.addCleanup(self.admin.delete_integration, ikey)
        bind = {
            "group_policy_apply_order": "existing",
            "apply_group_policies_list": [{"app_integration_key": ikey, "group_id_list": [group]}],
        }
        sections = {"new_user": SECTIONS["new_user"]}
        made = self.admin.create_policy_v2(
            {"policy_name": "for a group", "sections": sections, "apply_to_groups_in_apps": bind}
        )
        self.addCleanup(self.admin.delete_policy_v2, made["policy_key"])
        expected = {
            "app_integration_key": ikey,
            "app_name": "with policies",
            "apply_type": "group_app",
            "group_position": 1,
            "groups": [{"group_id": group, "group_name": "with a policy"}],
        }
        self.assertEqual(made["policy_applies_to"], [expected])
        summary = self.admin.get_policy_summary_v2()["policies"]
        own = [policy for policy in summary if policy["policy_key"] == made["policy_key"]]
        self.assertEqual(own[0]["policy_applies_to"], [expected])
        effective = self.admin.calculate_policy(ikey, user)
        self.assertEqual(effective["sections"]["new_user"], SECTIONS["new_user"])
        first = effective["policy_elements"][0]
        self.assertEqual((first["policy_key"], first["sections"]), (made["policy_key"], ["new_user"]))

    def test_settings(self):
        before = self.admin.get_settings()
        off = {"inactive_user_expiration": None, "lockout_expire_duration": None, "log_retention_days": None}
        answer = self.admin.update_settings(
            inactive_user_expiration=0,
            lockout_expire_duration=0,
            log_retention_days=0,
            fraud_email_enabled=False,
            minimum_password_length=20,
            security_checkup_enabled=False,
            user_managers_can_put_users_in_bypass=False,
            helpdesk_can_send_enroll_email=True,
            push_activity_notification_enabled=True,
        )
        self.assertEqual({name: answer[name] for name in off}, off)
        self.assertEqual((answer["fraud_email"], answer["minimum_password_length"]), ("", 20))
        self.assert_refused(
            40002, self.admin.update_settings, lockout_threshold=10_000, detail="lockout_threshold"
        )
        with self.assertRaises(TypeError):
            self.admin.update_settings()
        self.admin.update_settings(
            inactive_user_expiration=before["inactive_user_expiration"],
            fraud_email_enabled=True,
            fraud_email=before["fraud_email"],
            minimum_password_length=before["minimum_password_length"],
            security_checkup_enabled=True,
            user_managers_can_put_users_in_bypass=True,
            helpdesk_can_send_enroll_email=False,
            push_activity_notification_enabled=False,
        )
        self.assertEqual(self.admin.get_settings(), before)

    def test_methods_of_administrators(self):
        before = self.admin.get_allowed_admin_auth_methods()
        answer = self.admin.set_allowed_admin_auth_methods(push_enabled=True, verified_push_enabled=True)
        on = [name for name, value in answer.items() if value is True]
        self.assertEqual(on, ["push_enabled", "verified_push_enabled", "webauthn_enabled"])
        before.pop("webauthn_enabled")
        self.admin.set_allowed_admin_auth_methods(**before)
