//! Names that the account does not have: where they are reported, and which name is suggested instead.

use serde_json::{Value, json};

use crate::config::load::load_text;
use crate::diagnostic::Code;
use crate::intelligence::expand;
use crate::reconcile::plan::Prune;
use crate::reconcile::plan::plan;
use crate::reconcile::testing::{App, FakeDuo, app, desired, marked, options, plan_of};

/// The plan's help for the one name that the account does not have.
fn advice(apps: impl IntoIterator<Item = App>, duo: &FakeDuo) -> String {
    let plan = plan_of(&desired(apps), duo);
    let found: Vec<_> = plan.problems().iter().filter(|it| it.code == Code::UnknownReference).collect();
    let [found] = found.as_slice() else { panic!("{:?}", plan.problems()) };
    found.help.clone().unwrap()
}

fn live(properties: Value) -> FakeDuo {
    let mut all = json!({"notes": marked("vpn"), "user_access": "PERMITTED_GROUPS"});
    all.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    FakeDuo::new().with("DI1", "radius", "VPN", all)
}

#[test]
fn what_the_application_uses_under_another_name_is_offered() {
    let uses = |what: &str| format!("the application uses {what} in Duo, which the YAML does not name: ");
    let write = "if it was renamed, write its new name here";
    let vpn = || app("vpn", "radius", "VPN");
    // `Help Desk` became `Staff`.
    let duo = live(json!({"groups_allowed": ["DG3"]}));
    assert_eq!(advice([vpn().groups(&["Help Desk"])], &duo), uses("`Staff`") + write);
    // The other groups match, by name or by id.
    let duo = live(json!({"groups_allowed": "DG1,DG2,DG3"}));
    let help = advice([vpn().groups(&["VPN Users", "Help Desk", "DG2"])], &duo);
    assert_eq!(help, uses("`Staff`") + write);
    // A similar name is suggested first.
    let help = advice([vpn().groups(&["Contractor"])], &live(json!({"groups_allowed": ["DG3"]})));
    assert_eq!(help, format!("did you mean `Contractors`? {}{write}", uses("`Staff`")));
    // What another entry names was not renamed.
    let other = app("wiki", "radius", "Wiki").groups(&["Staff"]);
    let help = advice([vpn().groups(&["Help Desk"]), other], &live(json!({"groups_allowed": ["DG3"]})));
    assert!(help.starts_with("correct the name"), "{help}");
    // There is nothing to suggest if the application uses nothing in Duo, or nothing that the account lists.
    for groups in [json!(null), json!([]), json!(["DG999"])] {
        let help = advice([vpn().groups(&["Help Desk"])], &live(json!({"groups_allowed": groups})));
        assert!(help.starts_with("correct the name"), "{help}");
    }
    let help = advice([vpn().text("policy", "Old")], &live(json!({"policy_key": "PO3"})));
    assert_eq!(help, uses("`Browsers`") + write);
    let help = advice([vpn().text("policy", "Old")], &live(json!({"groups_allowed": ["DG3"]})));
    assert!(help.starts_with("correct the name"), "{help}");
}

#[test]
fn groups_of_role_attributes_are_offered_too() {
    let roles = |group: &str| json!({"saml_config": {"role_attrs": {"role": {"admin": [group]}}}});
    let properties = json!({"notes": marked("wiki"), "user_access": "ALL_USERS", "sso": roles("DG4")});
    let duo = FakeDuo::new().with("DI1", "sso-generic", "Wiki", properties);
    let help = advice([app("wiki", "sso-generic", "Wiki").sso(roles("Wiki Admins"))], &duo);
    assert!(help.contains("the application uses `Admins` in Duo"), "{help}");
}

/// Every place in the YAML where a group or a policy is named; `Gone` is a placeholder for the name.
const PLACES: &[&str] = &[
    "applications:\n  a: {type: radius, name: A, user_access: permitted_groups, groups_allowed: [VPN Users, Gone]}\n",
    "applications:\n  a:\n    type: radius\n    name: A\n    user_access: permitted_groups\n    groups_allowed:\n      - Staff\n      - \"Gone\"\n",
    "applications:\n  a: {type: radius, name: A, user_access: no_users, policy: Gone}\n",
    "applications:\n  a:\n    type: sso-generic\n    name: A\n    user_access: no_users\n    sso:\n      saml_config:\n        \
     entity_id: https://a.example.com\n        acs_urls: [{url: \"https://a.example.com/acs\"}]\n        role_attrs:\n          \
     role:\n            admin: [Admins, Gone]\n",
    "applications:\n  a:\n    type: sso-generic\n    name: A\n    user_access: no_users\n    sso: {saml_config: {entity_id: \
     \"https://a.example.com\", acs_urls: [{url: \"https://a.example.com/acs\"}], role_attrs: {\"a/b~c\": {x: [Staff], y: [Gone]}}}}\n",
];

#[test]
fn an_unknown_name_is_shown_at_its_own_place() {
    for rest in PLACES {
        let text = format!(
            "version: 1\nworkspace: acme\ntenant: {{api_hostname: api-1a2b3c4d.duosecurity.com}}\n{rest}"
        );
        let loaded = load_text("duo.yaml".into(), text.clone());
        let workspace = loaded.valid().unwrap_or_else(|| panic!("{:?}\n{text}", loaded.diagnostics));
        let plan = plan(&expand::desired(workspace), &FakeDuo::new().observation(), &options(Prune::No));
        let found: Vec<_> = plan.problems().iter().filter(|it| it.code == Code::UnknownReference).collect();
        let [found] = found.as_slice() else { panic!("{:?}\n{text}", plan.problems()) };
        let span = found.span.unwrap();
        assert_eq!(text[span.start..span.end].trim_matches(['"', '\'']), "Gone", "{text}");
    }
}
