//! The table of the permissions that the operator needs for a workspace, and what for (duo-api.md, section 5).

use crate::kinds::application::{NETWORKS, PERMISSION_LIST};
use crate::reconcile::desired::{Desired, Wanted};

/// A permission that some command of a workspace needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The permission, e.g. `read_log`.
    pub permission: &'static str,
    /// What needs it, each in a few words starting with the command or the YAML key.
    pub uses: Vec<&'static str>,
}

/// One use of one permission.
struct Row {
    permission: &'static str,
    used: &'static str,
    by: fn(&Desired) -> bool,
}

const fn row(permission: &'static str, used: &'static str, by: fn(&Desired) -> bool) -> Row {
    Row { permission, used, by }
}

/// Every use. A feature that calls another endpoint adds its row.
const TABLE: &[Row] = &[
    row("read_resource", "plan, drift, verify and import read applications", |_| true),
    row("read_resource", "plan reads groups", |desired| any(desired, Wanted::names_groups)),
    row("read_resource", "plan reads policies", |desired| any(desired, Wanted::names_policy)),
    row("integrations", "apply creates and changes applications", |desired| any(desired, |_| true)),
    row("integrations", "apply stops managing what left the YAML", |desired| !desired.removed.is_empty()),
    row("integrations", "verify and rotate read secret keys", |desired| any(desired, |_| true)),
    row("allow_to_set_permissions", "apply sets permissions of Admin API applications", |desired| {
        any(desired, is_admin_api)
    }),
    row("info", "the declared plan is compared with the account's", |desired| desired.plan.is_some()),
    row("read_log", "drift --who names who changed an application", |desired| any(desired, |_| true)),
    row("read_log", "apply --prune checks that a quarantined application is unused", |desired| {
        any(desired, |_| true)
    }),
    row("read_log", "rotate waits until a new key is used", |desired| {
        any(desired, |wanted| wanted.secret.is_some())
    }),
    row("read_log", "max_age needs to know when a key was created", |desired| {
        any(desired, |wanted| wanted.max_age.is_some())
    }),
    row("read_log", "verify dates the evidence of Identity Intelligence", |desired| {
        !desired.handoffs.is_empty()
    }),
    row("read_log", "apply looks up where this key calls from before it changes networks", |desired| {
        desired.guards.caller_address.is_none() && any(desired, sets_networks)
    }),
];

/// What the recovery key needs in addition to reading its own application, to change the operator and roll the change
/// back. Without the second permission, Duo might allow a change of permissions but not its rollback.
pub const REPAIR: [&str; 2] = ["integrations", "allow_to_set_permissions"];

/// The permissions that the commands of this workspace need, each once, in the order of the table.
pub fn needs(desired: &Desired) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for row in TABLE.iter().filter(|row| (row.by)(desired)) {
        match needs.iter_mut().find(|need| need.permission == row.permission) {
            Some(need) => need.uses.push(row.used),
            None => needs.push(Need { permission: row.permission, uses: vec![row.used] }),
        }
    }
    needs
}

fn any(desired: &Desired, holds: impl Fn(&Wanted) -> bool) -> bool {
    desired.objects.iter().any(holds)
}

/// A pinned application may omit its type; only this type has permissions.
fn is_admin_api(wanted: &Wanted) -> bool {
    wanted.variant.as_deref() == Some("adminapi") || wanted.settings.contains_key(PERMISSION_LIST)
}

fn sets_networks(wanted: &Wanted) -> bool {
    is_admin_api(wanted) && wanted.settings.contains_key(NETWORKS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load_text;
    use crate::duo::catalogue::permission;
    use crate::intelligence::expand::desired;

    fn of(rest: &str) -> Vec<Need> {
        let head = "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com";
        let loaded = load_text("duo.yaml".into(), format!("{head}{rest}"));
        needs(&desired(loaded.valid().unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))))
    }

    fn names(needs: &[Need]) -> Vec<&str> {
        needs.iter().map(|need| need.permission).collect()
    }

    #[test]
    fn every_row_names_a_permission_of_the_catalogue() {
        for row in TABLE {
            assert!(permission(row.permission).is_some(), "{}", row.permission);
        }
        assert!(REPAIR.iter().all(|name| permission(name).is_some()));
    }

    #[test]
    fn needs_follow_from_what_is_declared() {
        let vpn = "applications: {vpn: {type: radius, name: VPN, user_access: no_users";
        assert_eq!(names(&of("}\n")), ["read_resource"]);
        assert_eq!(names(&of(", plan: advantage}\n")), ["read_resource", "info"]);
        assert_eq!(names(&of(&format!("}}\n{vpn}}}}}\n"))), ["read_resource", "integrations", "read_log"]);
        let siem = "applications: {siem: {type: adminapi, name: SIEM, user_access: no_users";
        let all = ["read_resource", "integrations", "allow_to_set_permissions", "read_log"];
        assert_eq!(names(&of(&format!("}}\n{siem}}}}}\n"))), all);
        let entry =
            "identity_intelligence: {emea: {display_name: Duo, access: read_only, endpoints: true}}\n";
        assert_eq!(names(&of(&format!("}}\n{entry}"))), all);
    }

    #[test]
    fn each_use_of_the_log_is_told_where_the_yaml_has_it() {
        let uses = |rest: &str| {
            let yaml = format!(
                "}}\napplications: {{a: {{type: adminapi, name: A, user_access: no_users{rest}}}}}\n"
            );
            let needs = of(&(yaml + "secret_stores: {local: {type: file, path: kept}}\n"));
            let log = needs.into_iter().find(|need| need.permission == "read_log").unwrap();
            log.uses.iter().map(|used| used.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(uses(""), ["drift", "apply"]);
        assert_eq!(uses(", secret: {store: local, path: a}"), ["drift", "apply", "rotate"]);
        assert_eq!(uses(", max_age: 90d"), ["drift", "apply", "max_age"]);
        assert_eq!(uses(", networks_for_api_access: [192.0.2.0/24]"), ["drift", "apply", "apply"]);
    }
}
