//! The content of a new account. Ids are the same in every sandbox; secret keys never are.

use std::collections::BTreeSet;
use std::io;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::application::{Access, Application};
use super::collections::{ADMINS, GROUPS, INTEGRATIONS, POLICIES, SETTINGS, UNITS, USERS};
use super::integrations::sso;
use super::logs::written::{self, Login, Target};
use super::state::Account;
use super::{groups, ids, permissions, policies, recorded, settings, units, users};

/// Groups by name. Two have the same name, and one came from a directory (duo-api.md, section 7.1).
const GROUP_NAMES: &[(&str, &str)] = &[
    ("Employees", "Everybody on the payroll"),
    ("VPN Users", "May use the VPN"),
    ("Contractors", "External staff"),
    ("Engineering", "Product development"),
    ("Finance", "Accounting and controlling"),
    ("Help Desk", "First level support"),
    ("IT Administrators", "Own the servers"),
    ("Staff (from AD sync \"HQ\")", "Synchronised from the directory of the headquarters"),
    ("Interns", "Interns of the headquarters"),
    ("Interns", "Interns of the branch offices"),
];

#[rustfmt::skip]
const FIRST_NAMES: &[&str] = &[
    "Ada", "Alan", "Barbara", "Clara", "Donald", "Edsger", "Frances", "Grace", "Hedy", "Ivan", "Jean", "Katherine",
    "Leslie", "Margaret", "Niklaus", "Ole", "Peter", "Radia", "Shafi", "Tim", "Ursula", "Vint",
];
const LAST_NAMES: &[&str] = &["Albrecht", "Bianchi", "Castillo", "Dvorak"];
const USER_COUNT: usize = 44;

/// The full seed of a new sandbox.
pub(super) fn everything(account: &mut Account) -> io::Result<()> {
    let now = Timestamp::now().as_second();
    operator_only(account)?;
    let groups = seed_groups(account)?;
    let policies = seed_policies(account)?;
    let users = seed_users(account, &groups, now)?;
    seed_devices(account, &users)?;
    seed_keys(account)?;
    let applications = seed_applications(account, &groups, &policies)?;
    seed_people(account, &groups, &applications, now)?;
    let users: Vec<String> = users.into_iter().map(|person| person.id).collect();
    seed_logs(account, &users, &applications, now)
}

/// The operator's application, the global policy and the settings: an account with nothing else.
pub(super) fn operator_only(account: &mut Account) -> io::Result<()> {
    account.store.put(SETTINGS, SETTINGS, settings::defaults())?;
    let key = account.next_id("PO", POLICIES)?;
    account.store.put(
        POLICIES,
        &key,
        policies::policy(&key, "Global Policy", true, policies::of_global_policy()),
    )?;
    let operator = Application {
        notes: "Keys of the pipeline that keeps this account".to_owned(),
        permissions: permissions::every().map(str::to_owned).collect(),
        ..application("adminapi", "Configuration pipeline")
    };
    seed_key(account, "operator", operator)
}

fn seed_key(account: &mut Account, name: &str, application: Application) -> io::Result<()> {
    let ikey = save(account, application)?;
    account.name_key(name, &ikey)
}

fn application(kind: &str, name: &str) -> Application {
    Application { kind: kind.to_owned(), name: name.to_owned(), ..Application::default() }
}

fn save(account: &mut Account, mut application: Application) -> io::Result<String> {
    application.integration_key = account.next_id("DI", INTEGRATIONS)?;
    application.secret_key = ids::secret()?;
    sso::complete(&mut application, &account.switches)?;
    application.save(&mut account.store)?;
    Ok(application.integration_key)
}

fn seed_groups(account: &mut Account) -> io::Result<Vec<String>> {
    let mut seeded = Vec::new();
    for (name, description) in GROUP_NAMES {
        let id = account.next_id("DG", GROUPS)?;
        let mut group = groups::blank(&id, name);
        if let Value::Object(group) = &mut group {
            group.insert("desc".to_owned(), json!(description));
        }
        account.store.put(GROUPS, &id, group)?;
        seeded.push(id);
    }
    Ok(seeded)
}

fn seed_policies(account: &mut Account) -> io::Result<Vec<String>> {
    account.manage_devices(true)?;
    let week = json!({"max_time_units": "days", "max_time_value": 7});
    let policies = [
        (
            "Require trusted endpoints",
            json!({"trusted_endpoints": {"trusted_endpoint_checking": "require-trusted"}}),
        ),
        (
            "Contractors",
            json!({"new_user": {"new_user_behavior": "deny"}, "authentication_methods": {"blocked_auth_list": ["sms", "phonecall"]}}),
        ),
        ("Block anonymous networks", json!({"anonymous_networks": {"anonymous_access_behavior": "deny"}})),
        (
            "Remember devices for a week",
            json!({"remembered_devices": {"browser_apps": {"enabled": true, "remember_method": "user-based", "user_based": week}}}),
        ),
    ];
    let mut seeded = Vec::new();
    for (name, sections) in policies {
        let sections =
            policies::of_new_policy(account, sections).map_err(|_| io::Error::other("bad seed"))?;
        seeded.push(account.place_policy(name, sections)?);
    }
    account.place_policy("Every section", recorded::every_section())?;
    Ok(seeded)
}

/// A person who appears in the logs.
struct Person {
    id: String,
    username: String,
    email: String,
}

fn seed_users(account: &mut Account, groups: &[String], now: i64) -> io::Result<Vec<Person>> {
    let names = LAST_NAMES.iter().flat_map(|last| FIRST_NAMES.iter().map(move |first| (*first, *last)));
    let mut seeded = Vec::new();
    for (number, (first, last)) in names.take(USER_COUNT).enumerate() {
        let id = account.next_id("DU", USERS)?;
        let username = format!("{first}.{last}").to_lowercase();
        let email = if number % 9 == 8 { String::new() } else { format!("{username}@example.com") };
        let status = match number % 20 {
            18 => "bypass",
            19 => "disabled",
            _ => "active",
        };
        // Everyone is in the first group and in one other.
        let member_of: Vec<&String> =
            groups.first().into_iter().chain(groups.get(1 + number % (GROUP_NAMES.len() - 1))).collect();
        let mut user = users::user(&id, &username, now - 86_400 * 200);
        user.extend([
            ("email".to_owned(), json!(email)),
            ("groups".to_owned(), json!(member_of)),
            ("is_enrolled".to_owned(), json!(number % 7 != 6)),
            ("realname".to_owned(), json!(format!("{first} {last}"))),
            ("status".to_owned(), json!(status)),
        ]);
        account.store.put(USERS, &id, Value::Object(user))?;
        seeded.push(Person { id, username, email });
    }
    Ok(seeded)
}

fn seed_devices(account: &mut Account, users: &[Person]) -> io::Result<()> {
    for (number, person) in users.iter().enumerate().filter(|(number, _)| number % 7 != 6) {
        let owner = json!([{"user_id": person.id, "username": person.username}]);
        let id = account.next_id("DP", "phones")?;
        let phone = json!({
            "activated": true, "capabilities": ["auto", "push", "sms", "phone", "mobile_otp"], "encrypted": "Encrypted",
            "extension": "", "fingerprint": "Configured", "last_seen": "2026-11-01T08:00:00", "model": "Phone", "name": "", "number": format!("+1503555{:04}", 100 + number), "phone_id": id,
            "platform": if number % 2 == 0 { "Apple iOS" } else { "Google Android" }, "postdelay": "", "predelay": "",
            "screenlock": "Locked", "sms_passcodes_sent": false, "tampered": "Not tampered", "type": "Mobile", "users": owner,
        });
        account.store.put("phones", &id, phone)?;
        if number % 15 == 0 {
            let id = account.next_id("DH", "tokens")?;
            let token = json!({
                "admins": [], "serial": format!("{:06}", 4200 + number), "token_id": id, "totp_step": null, "type": "h6",
                "users": owner,
            });
            account.store.put("tokens", &id, token)?;
        }
        if number % 11 == 0 {
            let id = account.next_id("EP", "endpoints")?;
            let endpoint = json!({
                "browsers": [{"browser_family": "Firefox", "browser_version": "132.0", "flash_version": "uninstalled", "java_version": "uninstalled"}],
                "device_name": format!("laptop-{number}"), "disk_encryption_status": "On", "email": person.email,
                "epkey": id, "firewall_status": "On", "last_updated": 1_790_000_000, "model": "Laptop",
                "os_family": "Windows", "os_version": "11", "password_status": "Set", "trusted_endpoint": "yes",
                "type": "Desktop", "username": person.username,
            });
            account.store.put("endpoints", &id, endpoint)?;
        }
    }
    Ok(())
}

/// An application as named in a log.
struct Named {
    ikey: String,
    name: String,
}

/// The keys that a rehearsal needs in addition to the operator's.
fn seed_keys(account: &mut Account) -> io::Result<()> {
    let plan_only = Application {
        permissions: flags(&["adminapi_read_resource", "adminapi_settings_read", "adminapi_info"]),
        ..application("adminapi", "Configuration audit")
    };
    seed_key(account, "plan-only", plan_only)?;
    let auth = Application { user_access: Access::All, ..application("authapi", "Help desk verification") };
    seed_key(account, "auth", auth)?;
    seed_key(account, "no-permissions", application("adminapi", "Retired report job"))
}

fn flags(flags: &[&str]) -> BTreeSet<String> {
    flags.iter().map(|flag| (*flag).to_owned()).collect()
}

/// Applications of several types that no YAML declares.
fn unmanaged(groups: &[String], policies: &[String]) -> Vec<Application> {
    let in_groups =
        |places: &[usize]| places.iter().filter_map(|place| groups.get(*place)).cloned().collect();
    let object = |value: Value| value.as_object().cloned();
    vec![
        Application {
            user_access: Access::Groups,
            groups_allowed: in_groups(&[0, 2]),
            policy_key: policies.get(2).cloned(),
            normalization: Some("Simple".to_owned()),
            ..application("radius", "Branch office VPN")
        },
        Application {
            user_access: Access::All,
            frameless: true,
            universal_prompt: true,
            self_service_allowed: true,
            ..application("websdk", "Intranet")
        },
        Application {
            user_access: Access::Groups,
            groups_allowed: in_groups(&[4, 6]),
            policy_key: policies.first().cloned(),
            notes: "Terminal servers of the finance department".to_owned(),
            ..application("rdp", "Finance servers")
        },
        Application {
            user_access: Access::Groups,
            groups_allowed: in_groups(&[6]),
            ..application("unix", "Jump hosts")
        },
        Application {
            user_access: Access::All,
            sso: object(json!({"saml_config": {
                "acs_urls": [{"url": "https://expenses.example.com/saml/acs"}],
                "entity_id": "https://expenses.example.com/saml/metadata",
            }})),
            ..application("sso-generic", "Expenses")
        },
        Application {
            user_access: Access::Groups,
            groups_allowed: in_groups(&[3]),
            sso: object(json!({"oidc_config": {
                "grant_types": {"authorization_code": true},
                "redirect_uris": ["https://portal.example.com/callback"], "scopes": [{"name": "openid"}],
            }})),
            ..application("sso-oidc-generic", "Developer portal")
        },
        Application {
            permissions: flags(&["adminapi_read_log", "adminapi_info"]),
            networks: vec!["192.0.2.0/24".to_owned()],
            ..application("adminapi", "Log collector")
        },
        application("ldapproxy", "Legacy directory proxy"),
    ]
}

fn seed_applications(
    account: &mut Account,
    groups: &[String],
    policies: &[String],
) -> io::Result<Vec<Named>> {
    let mut seeded = Vec::new();
    for application in unmanaged(groups, policies) {
        let name = application.name.clone();
        seeded.push(Named { ikey: save(account, application)?, name });
    }
    Ok(seeded)
}

fn seed_people(account: &mut Account, groups: &[String], applications: &[Named], now: i64) -> io::Result<()> {
    let administrators = [
        ("Olga Owner", "olga@example.com", "Owner", false),
        ("Amir Admin", "amir@example.com", "Administrator", true),
        ("Rita Reader", "rita@example.com", "Read-only", false),
    ];
    let mut admin_ids = Vec::new();
    for (name, email, role, is_restricted) in administrators {
        let id = account.next_id("DE", ADMINS)?;
        let admin = json!({
            "admin_id": id, "admin_units": [], "created": now - 86_400 * 300, "email": email, "hardtoken": null,
            "last_login": now - 3600, "name": name, "password_change_required": false, "phone": "+15035550199",
            "restricted_by_admin_units": is_restricted, "role": role, "status": "Active",
        });
        account.store.put(ADMINS, &id, admin)?;
        admin_ids.push(id);
    }
    for (name, description, application, group) in [
        ("Finance", "Servers and people of accounting", 2, 4),
        ("Network", "Everything about remote access", 0, 1),
    ] {
        let id = account.next_id("DA", UNITS)?;
        let mut unit = units::unit(&id, name, description);
        if let Value::Object(unit) = &mut unit {
            let ikeys: Vec<&String> =
                applications.get(application).map(|named| &named.ikey).into_iter().collect();
            let members: Vec<&String> = groups.get(group).into_iter().collect();
            unit.extend([
                ("admins".to_owned(), json!(admin_ids.get(1).into_iter().collect::<Vec<_>>())),
                ("groups".to_owned(), json!(members)),
                ("integrations".to_owned(), json!(ikeys)),
                ("restrict_by_groups".to_owned(), json!(true)),
                ("restrict_by_integrations".to_owned(), json!(true)),
            ]);
        }
        account.store.put(UNITS, &id, unit)?;
    }
    Ok(())
}

/// Two days of logins, some of them refused, ending ten minutes ago; the creation of the applications, a month ago; offline
/// enrolments of the last week.
fn seed_logs(account: &mut Account, users: &[String], applications: &[Named], now: i64) -> io::Result<()> {
    // The applications that people log in to.
    let targets: Vec<&Named> = applications.iter().take(6).collect();
    let people: Vec<Value> = users.iter().filter_map(|id| account.store.get(USERS, id)).cloned().collect();
    for (number, (user, target)) in (0_i64..).zip(people.iter().cycle().zip(targets.iter().cycle())).take(96)
    {
        // Every record has a different fraction of a second.
        let time = (now - 600 - 1800 * number) * 1000 - 1 - number * 37 % 999;
        let (result, reason) = match number % 12 {
            7 => ("denied", "user_cancelled"),
            11 => ("fraud", "user_marked_fraud"),
            _ => ("success", "user_approved"),
        };
        let login = Login {
            application: (&target.ikey, &target.name),
            user,
            factor: Some("duo_push"),
            reason,
            result,
            address: format!("198.51.100.{}", 1 + number % 250),
        };
        let txid = login.note(account, time)?;
        if number % 24 == 0 {
            written::message(account, time, &txid)?;
        }
    }
    let owner = written::administrator(account);
    for (number, application) in (0_i64..).zip(applications) {
        let time = (now - 86_400 * 30 + 3600 * number) * 1000 + 1 + number * 83;
        let target =
            Target { key: application.ikey.clone(), kind: "integration", name: application.name.clone() };
        written::act(account, time, "integration_create", &owner, "198.51.100.7", &target)?;
    }
    let actions = ["o2fa_user_provisioned", "o2fa_user_reenrolled", "o2fa_user_deprovisioned"];
    for (number, (action, user)) in (1_i64..).zip(actions.into_iter().zip(&people)) {
        let username = user.get("username").and_then(Value::as_str).unwrap_or_default();
        let time = (now - 86_400 * (7 - number)) * 1000 + number * 211;
        written::offline(account, time, action, "Finance servers", username)?;
    }
    Ok(())
}
