"""Every call of the official clients, once: it gets the answer that Duo would give, or 501 if it is not simulated, and never a
server error or another format."""

import inspect
import time
import unittest
import warnings

import duo_client

from sandbox import admin, client

LEFT_OUT = "501"
NOW = int(time.time())

# The result of a call: a list whose rows have a property, an object that has it, or "" for a change that answers nothing.
ROWS, ROW = (lambda name: (list, name)), (lambda name: (dict, name))

# By what they are called with. `$name` is an object of the account, see `objects`.
CALLS = [
    # Lists
    ("get_users", [], ROWS("user_id")),
    ("get_users_iterator", [], ROWS("user_id")),
    ("get_groups", [], ROWS("group_id")),
    ("get_groups_generator", [], ROWS("group_id")),
    ("get_integrations", [], ROWS("integration_key")),
    ("get_integrations_generator", [], ROWS("integration_key")),
    ("get_policies_v2", [], ROWS("policy_key")),
    ("get_policies_v2_iterator", [], ROWS("policy_key")),
    ("get_administrative_units", [], ROWS("admin_unit_id")),
    ("get_administrative_units_iterator", [], ROWS("admin_unit_id")),
    ("get_admins", [], ROWS("admin_id")),
    ("get_admins_iterator", [], ROWS("admin_id")),
    ("get_phones", [], ROWS("phone_id")),
    ("get_phones_generator", [], ROWS("phone_id")),
    ("get_tokens", [], ROWS("token_id")),
    ("get_tokens_generator", [], ROWS("token_id")),
    ("get_endpoints", [], ROWS("epkey")),
    ("get_endpoints_iterator", [], ROWS("epkey")),
    ("get_external_password_mgmt_statuses", [], (list, None)),
    ("get_trust_monitor_events_iterator", [(NOW - 3600) * 1000, NOW * 1000], (list, None)),
    ("get_trust_monitor_events_by_offset", [(NOW - 3600) * 1000, NOW * 1000], ROW("events")),
    # Logs
    ("get_administrator_log", [], ROWS("username")),
    ("get_offline_log", [], ROWS("username")),
    ("get_authentication_log", [], ROWS("txid")),
    ("get_activity_logs", [], ROW("items")),
    ("get_telephony_log", [], ROWS("phone")),
    # By an id or a filter
    ("get_user_by_id", ["$user"], ROW("username")),
    ("get_user_by_email", ["$email"], ROWS("user_id")),
    ("get_users_by_name", ["$username"], ROWS("user_id")),
    ("get_users_by_names", [["$username"]], ROWS("user_id")),
    ("get_users_by_ids", [["$user"]], ROWS("user_id")),
    ("get_user_groups", ["$user"], ROWS("group_id")),
    ("get_user_groups_iterator", ["$user"], ROWS("group_id")),
    ("get_user_phones", ["$user"], ROWS("phone_id")),
    ("get_user_phones_iterator", ["$user"], ROWS("phone_id")),
    ("get_user_tokens", ["$user"], ROWS("token_id")),
    ("get_user_tokens_iterator", ["$user"], ROWS("token_id")),
    ("get_endpoint", ["$endpoint"], ROW("epkey")),
    ("get_phone_by_id", ["$phone"], ROW("number")),
    ("get_phones_by_number", ["$number"], ROWS("phone_id")),
    ("get_token_by_id", ["$token"], ROW("serial")),
    ("get_tokens_by_serial", ["h6", "$serial"], ROWS("token_id")),
    ("get_group", ["$group"], ROW("name")),
    ("get_group_users", ["$group"], ROWS("user_id")),
    ("get_group_users_iterator", ["$group"], ROWS("user_id")),
    ("get_groups_by_group_ids", [["$group"]], ROWS("group_id")),
    ("get_integration", ["$application"], ROW("integration_key")),
    ("get_secret_key", ["$application"], ROW("secret_key")),
    ("get_admin", ["$admin"], ROW("admin_id")),
    ("get_policy_v2", ["$policy"], ROW("policy_key")),
    ("get_policy_summary_v2", [], ROW("policy_count")),
    ("calculate_policy", ["$application", "$user"], ROW("sections")),
    # Of the account
    ("get_settings", [], ROW("lockout_threshold")),
    ("get_allowed_admin_auth_methods", [], ROW("push_enabled")),
    ("get_info_summary", [], ROW("integration_count")),
    ("get_info_telephony_credits_used", [], ROW("telephony_credits_used")),
    ("get_authentication_attempts", [], ROW("authentication_attempts")),
    ("get_user_authentication_attempts", [], ROW("user_authentication_attempts")),
    # Changes
    ("add_user", ["every-call"], ROW("user_id")),
    ("update_user", ["$own_user"], ROW("user_id")),
    ("add_user_group", ["$own_user", "$own_group"], ""),
    ("delete_user_group", ["$own_user", "$own_group"], ""),
    ("delete_user", ["$own_user"], ""),
    ("create_group", ["every call"], ROW("group_id")),
    ("modify_group", ["$own_group"], ROW("group_id")),
    ("delete_group", ["$own_group"], ""),
    ("create_integration", ["every call", "rdp"], ROW("integration_key")),
    ("update_integration", ["$own_application", "renamed"], ROW("integration_key")),
    ("delete_integration", ["$own_application"], ""),
    ("create_policy_v2", [{"policy_name": "every call"}], ROW("policy_key")),
    ("update_policy_v2", ["$own_policy", {"policy_name": "every call again"}], ROW("policy_key")),
    ("update_policies_v2", [{"new_user": {"new_user_behavior": "deny"}}, [], ["$own_policy"]], (object, None)),
    ("copy_policy_v2", ["$own_policy", ["every copy"]], ROW("policies")),
    ("delete_policy_v2", ["$own_policy"], ""),
    ("update_settings", [7], ROW("lockout_threshold")),
    ("set_allowed_admin_auth_methods", [True], ROW("push_enabled")),
]

# Calls that are not simulated.
CALLS += [
    (name, arguments, LEFT_OUT)
    for name, arguments in {
        "activate_admin": ["a@example.com"],
        "activate_desktoptoken": ["$any"],
        "add_admin": ["a", "a@example.com", "+1", "p"],
        "add_desktoptoken": ["mac"],
        "add_hotp6_token": ["1", "ab"],
        "add_hotp8_token": ["1", "ab"],
        "add_phone": [],
        "add_totp6_token": ["1", "ab"],
        "add_totp8_token": ["1", "ab"],
        "add_user_bypass_codes": ["$user"],
        "add_user_phone": ["$user", "$phone"],
        "add_user_token": ["$user", "$token"],
        "add_yubikey_token": ["1", "ab", "cd"],
        "cancel_idv": ["$user", "$any"],
        "create_activation_url": ["$phone"],
        "delete_admin": ["$admin"],
        "delete_bypass_code_by_id": ["$any"],
        "delete_desktoptoken": ["$any"],
        "delete_logo": [],
        "delete_phone": ["$phone"],
        "delete_registered_device": ["$any"],
        "delete_token": ["$token"],
        "delete_u2ftoken": ["$any"],
        "delete_user_phone": ["$user", "$phone"],
        "delete_user_token": ["$user", "$token"],
        "delete_webauthncredential": ["$any"],
        "enroll_user": ["a", "a@example.com"],
        "get_bypass_codes": [],
        "get_bypass_codes_generator": [],
        "get_desktoptoken_by_id": ["$any"],
        "get_desktoptokens": [],
        "get_desktoptokens_generator": [],
        "get_external_password_mgmt_status_for_admin": ["$admin"],
        "get_idv_status": ["$user"],
        "get_logo": [],
        "get_passport_config": [],
        "get_registered_device_by_id": ["$any"],
        "get_registered_devices": [],
        "get_registered_devices_generator": [],
        "get_u2ftoken_by_id": ["$any"],
        "get_u2ftokens": [],
        "get_u2ftokens_iterator": [],
        "get_user_bypass_codes": ["$user"],
        "get_user_bypass_codes_iterator": ["$user"],
        "get_user_u2ftokens": ["$user"],
        "get_user_u2ftokens_iterator": ["$user"],
        "get_user_webauthncredentials": ["$user"],
        "get_user_webauthncredentials_iterator": ["$user"],
        "get_verification_push_response": ["$user", "$any"],
        "get_webauthncredential_by_id": ["$any"],
        "get_webauthncredentials": [],
        "get_webauthncredentials_iterator": [],
        "reset_admin": ["$admin"],
        "resync_hotp_token": ["$token", "1", "2", "3"],
        "send_sms_activation_to_phone": ["$phone"],
        "send_sms_installation": ["$phone"],
        "send_verification_push": ["$user", "$phone"],
        "start_idv": ["$user"],
        "sync_user": ["a", "$any"],
        "update_admin": ["$admin"],
        "update_admin_password_mgmt_status": ["$admin"],
        "update_desktoptoken": ["$any"],
        "update_logo": [b"png"],
        "update_passport_config": ["enabled"],
        "update_phone": ["$phone"],
        "update_token": ["$token"],
    }.items()
]


def public(kind):
    """The names of the calls that a client adds to the common ones."""
    common = dir(duo_client.client.Client)
    functions = inspect.getmembers(kind, inspect.isfunction)
    return {name for name, _ in functions if not name.startswith("_") and name not in common}


class EveryCall(unittest.TestCase):
    def setUp(self):
        warnings.simplefilter("ignore")
        self.admin = admin()

    def objects(self):
        found = next(
            user
            for user in self.admin.get_users()
            if user["phones"] and user["tokens"] and user["groups"] and user["email"]
        )
        policy = next(row for row in self.admin.get_policies_v2() if not row["is_global_policy"])
        return {
            "$admin": self.admin.get_admins()[0]["admin_id"],
            "$any": "DX00000000000000000X",
            "$application": self.admin.get_integrations()[0]["integration_key"],
            "$email": found["email"],
            "$endpoint": self.admin.get_endpoints()[0]["epkey"],
            "$group": found["groups"][0]["group_id"],
            "$number": found["phones"][0]["number"],
            "$phone": found["phones"][0]["phone_id"],
            "$policy": policy["policy_key"],
            "$serial": found["tokens"][0]["serial"],
            "$token": found["tokens"][0]["token_id"],
            "$user": found["user_id"],
            "$username": found["username"],
            # Separate ones, so that they may be changed and deleted.
            "$own_application": self.admin.create_integration("own", "rdp")["integration_key"],
            "$own_group": self.admin.create_group("own")["group_id"],
            "$own_policy": self.admin.create_policy_v2({"policy_name": "own"})["policy_key"],
            "$own_user": self.admin.add_user("own")["user_id"],
        }

    def test_the_table_has_every_call_of_the_client(self):
        names = [name for name, *_ in CALLS]
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual(set(names), public(duo_client.Admin) - {"api_call"})

    def test_every_call_is_answered_in_its_shape_or_left_out(self):
        objects = self.objects()

        def filled(argument):
            if isinstance(argument, list):
                return [filled(part) for part in argument]
            return objects.get(argument, argument) if isinstance(argument, str) else argument

        made = []
        for name, arguments, expected in CALLS:
            with self.subTest(name):
                if expected == LEFT_OUT:
                    with self.assertRaises(RuntimeError) as caught:
                        self.result(name, filled(arguments))
                    self.assertEqual(caught.exception.status, 501)
                    continue
                result = self.result(name, filled(arguments))
                made.append((name, result))
                if expected == "":
                    self.assertEqual(result, "")
                    continue
                kind, key = expected
                self.assertIsInstance(result, kind)
                if key is None:
                    continue
                rows = result if kind is list else [result]
                self.assertTrue(rows)
                for row in rows:
                    self.assertIn(key, row)
        self.filters(dict(made), objects)
        self.clean(dict(made))

    def result(self, name, arguments):
        result = getattr(self.admin, name)(*arguments)
        return list(result) if inspect.isgenerator(result) else result

    def filters(self, made, objects):
        """An ignored filter would show everything."""
        for name, key in (
            ("get_user_by_email", "$user"),
            ("get_users_by_name", "$user"),
            ("get_users_by_names", "$user"),
            ("get_users_by_ids", "$user"),
            ("get_phones_by_number", "$phone"),
            ("get_tokens_by_serial", "$token"),
            ("get_groups_by_group_ids", "$group"),
        ):
            ids = [row.get(key[1:] + "_id") for row in made[name]]
            self.assertEqual(ids, [objects[key]], name)

    def clean(self, made):
        self.admin.delete_user(made["add_user"]["user_id"])
        self.admin.delete_group(made["create_group"]["group_id"])
        self.admin.delete_integration(made["create_integration"]["integration_key"])
        for policy in [made["create_policy_v2"], *made["copy_policy_v2"]["policies"]]:
            self.admin.delete_policy_v2(policy["policy_key"])

    def test_the_calls_of_an_auth_api_key(self):
        auth = client(duo_client.Auth, "auth")
        username = self.admin.get_users()[0]["username"]
        self.assertIn("time", auth.ping())
        self.assertIn("time", auth.check())
        self.assertTrue(auth.logo().startswith(b"\x89PNG"))
        self.assertIn("result", auth.preauth(username=username))
        self.assertEqual(auth.auth("push", username=username, device="auto")["result"], "deny")
        self.assertEqual(auth.enroll_status("DUXXXXXXXXXXXXXXXXXX", "code"), "invalid")
        with self.assertRaises(RuntimeError) as caught:
            auth.enroll()
        self.assertEqual(caught.exception.status, 501)

    def test_the_calls_of_an_accounts_api_key(self):
        found = next(row for row in self.admin.get_integrations() if row["type"] == "accountsapi")
        key = {
            "integration_key": found["integration_key"],
            "secret_key": self.admin.get_secret_key(found["integration_key"])["secret_key"],
        }
        accounts = client(duo_client.Accounts, key)
        made = accounts.create_account("every call")
        self.assertIn(made["account_id"], [row["account_id"] for row in accounts.get_child_accounts()])
        child = client(duo_client.admin.AccountAdmin, key, account_id=made["account_id"])
        for call in (child.get_edition, child.get_telephony_credits, child.get_users):
            with self.assertRaises(RuntimeError) as caught:
                call()
            self.assertEqual(caught.exception.status, 501)
        accounts.delete_account(made["account_id"])
