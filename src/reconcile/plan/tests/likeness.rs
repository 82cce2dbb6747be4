use serde_json::{Value, json};

use crate::diagnostic::{Code, Severity};
use crate::kinds::address::Address;
use crate::reconcile::delivery::{Held, HeldKeys};
use crate::reconcile::observation::Observation;
use crate::reconcile::plan::{Plan, Prune, plan};
use crate::reconcile::testing::{App, FakeDuo, app, codes, desired, marked, options, outline, plan_of};

/// The number of steps, and the severity, message and help of each possible duplicate.
fn found(plan: &Plan) -> (usize, Vec<(Severity, String, String)>) {
    let found = plan.problems().iter().filter(|problem| problem.code == Code::PossibleDuplicate);
    let found =
        found.map(|problem| (problem.severity, problem.message.clone(), problem.help.clone().unwrap()));
    (plan.steps().len(), found.collect())
}

fn severities(apps: impl IntoIterator<Item = App>, duo: &FakeDuo) -> (usize, Vec<Severity>) {
    let (steps, found) = found(&plan_of(&desired(apps), duo));
    (steps, found.into_iter().map(|(severity, ..)| severity).collect())
}

fn saml(entity: &str, rest: &Value) -> Value {
    let mut config = json!({"entity_id": entity, "acs_urls": [{"url": "https://wiki.example.com/acs"}]});
    config.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    json!({"saml_config": config})
}

const WIKI: &str = "https://wiki.example.com/meta";

fn wiki() -> App {
    app("wiki", "sso-generic", "Wiki").sso(saml(WIKI, &json!({"relaystate": "start"})))
}

#[test]
fn a_copy_of_what_a_service_provider_knows_is_never_created() {
    let held = json!({"sso": saml(WIKI, &json!({"relaystate": "start", "sign_assertion": true}))});
    let duo = FakeDuo::new().with("DI1", "sso-generic", "Wiki (old)", held.clone());
    let (steps, said) = found(&plan_of(&desired([wiki()]), &duo));
    assert_eq!(steps, 0);
    let [(Severity::Error, message, help)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(
        message,
        "applications.wiki: it would be created, but an unmanaged application has the entity id \
         `https://wiki.example.com/meta` and all other settings of this entry: DI1 `Wiki (old)`; perhaps it is the same, \
         renamed in Duo"
    );
    assert_eq!(
        help,
        "if so, run `duoctl adopt applications.wiki DI1`; if not, declare it at its own address with `integration_key`"
    );
    // Both fixes from the help work.
    let (steps, said) = severities([wiki().pin("DI1")], &duo);
    assert_eq!((steps, said), (2, vec![]));
    let other = app("old", "sso-generic", "Wiki (old)").without("user_access").pin("DI1");
    assert_eq!(severities([wiki(), other], &duo), (2, vec![]));
    // An application that this or another workspace owns is ignored.
    for notes in [marked("gone"), "[duoctl other/applications.wiki -]".to_owned()] {
        let mut owned = held.clone();
        owned["notes"] = json!(notes);
        let duo = FakeDuo::new().with("DI1", "sso-generic", "Wiki (old)", owned);
        assert_eq!(severities([wiki()], &duo), (1, vec![]), "{notes}");
    }
    // So is one of another type.
    let duo = FakeDuo::new().with("DI1", "sso-other", "Wiki (old)", held);
    assert_eq!(severities([wiki()], &duo), (1, vec![]));
}

#[test]
fn a_shared_identity_alone_is_a_warning_and_one_of_many_is_none() {
    let other = |access: &str| json!({"user_access": access, "sso": saml(WIKI, &json!({}))});
    let duo = FakeDuo::new().with("DI1", "sso-generic", "Wiki (old)", other("NO_USERS"));
    let (steps, said) = found(&plan_of(&desired([wiki()]), &duo));
    assert_eq!(steps, 1, "it is still created");
    let [(Severity::Warning, message, _)] = said.as_slice() else { panic!("{said:?}") };
    assert!(
        message.contains("also has the entity id `https://wiki.example.com/meta`: DI1 `Wiki (old)`"),
        "{message}"
    );
    // All accounts of one cloud service may use the same entity id.
    let mut duo = duo;
    for number in 2..10 {
        duo.put(&format!("DI{number}"), "sso-generic", &format!("Cloud {number}"), other("NO_USERS"));
    }
    assert_eq!(severities([wiki()], &duo), (1, vec![]));
}

#[test]
fn redirect_uris_and_clients_identify_too() {
    let oidc =
        json!({"oidc_config": {"redirect_uris": ["https://a.example/cb"], "scopes": [{"name": "openid"}]}});
    let oauth = json!({"oauth_config": {"clients": [{"client_id": "c1", "name": "job"}]}});
    for (kind, sso) in [("sso-oidc-generic", oidc), ("sso-oauth-client-credentials", oauth)] {
        let duo = FakeDuo::new().with("DI1", kind, "Renamed", json!({"sso": sso}));
        let wanted = || app("x", kind, "X").sso(sso.clone());
        assert_eq!(severities([wanted()], &duo), (0, vec![Severity::Error]), "{kind}");
    }
}

/// `count` renamed applications with the same group and policy.
fn vpns(count: usize) -> FakeDuo {
    let mut duo = FakeDuo::new();
    for number in 0..count {
        let held = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG1"], "policy_key": "PO1"});
        duo.put(&format!("DI{number}"), "radius", &format!("Branch {number}"), held);
    }
    duo
}

fn vpn(key: &str) -> App {
    app(key, "radius", key).groups(&["VPN Users"]).text("policy", "Strict")
}

#[test]
fn the_only_one_that_is_set_the_same_is_worth_a_warning() {
    let (steps, said) = found(&plan_of(&desired([vpn("vpn")]), &vpns(1)));
    let [(Severity::Warning, message, help)] = said.as_slice() else { panic!("{said:?}") };
    assert!(
        message.contains("an unmanaged application has all settings of this entry: DI0 `Branch 0`"),
        "{message}"
    );
    assert!(help.contains("`duoctl adopt applications.vpn DI0`"), "{help}");
    assert_eq!(steps, 1);
    // People rewrite notes, so they do not count as evidence.
    let duo = vpns(1);
    assert_eq!(severities([vpn("vpn").text("notes", "ours")], &duo), (1, vec![Severity::Warning]));
}

#[test]
fn many_that_are_alike_are_no_likeness() {
    for count in [2, 5, 6, 300] {
        assert_eq!(severities([vpn("vpn")], &vpns(count)), (1, vec![]), "{count} alike");
    }
    // An application that fits several created addresses is ignored.
    assert_eq!(severities([vpn("a"), vpn("b")], &vpns(1)), (2, vec![]));
    // Who may log in and one more value are not enough evidence.
    let wanted = || app("vpn", "radius", "vpn").groups(&["VPN Users"]);
    let held = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG1"]});
    assert_eq!(severities([wanted()], &FakeDuo::new().with("DI0", "radius", "Other", held)), (1, vec![]));
    let plain = app("vpn", "radius", "vpn");
    assert_eq!(severities([plain], &FakeDuo::new().with("DI0", "radius", "Other", json!({}))), (1, vec![]));
    // An application that differs in any setting is a different one.
    let mut duo = vpns(1);
    duo.edit("DI0", "policy_key", json!("PO2"));
    assert_eq!(severities([vpn("vpn")], &duo), (1, vec![]));
    let mut duo = vpns(1);
    duo.edit("DI0", "user_access", json!("ALL_USERS"));
    assert_eq!(severities([vpn("vpn")], &duo), (1, vec![]));
}

fn holding(duo: &FakeDuo, ikey: &str) -> Observation {
    let keys = HeldKeys { ikey: ikey.to_owned(), ..HeldKeys::default() };
    let mut observation = duo.observation();
    observation.held.insert(Address::application("vpn"), Held::Keys(keys));
    observation
}

#[test]
fn an_application_whose_keys_are_delivered_already_is_not_made_again() {
    let duo = FakeDuo::new().with("DI1", "radius", "Remote access", json!({})).with(
        "DI2",
        "unix",
        "Jump",
        json!({}),
    );
    let wanted = desired([app("vpn", "radius", "VPN").text("greeting", "Hello").delivered(false)]);
    let (steps, said) = found(&plan(&wanted, &holding(&duo, "DI1"), &options(Prune::No)));
    let [(Severity::Error, message, help)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(steps, 0);
    assert!(
        message.contains("its secret store holds the keys of DI1 `Remote access`, which is unmanaged"),
        "{message}"
    );
    assert!(help.contains("`duoctl adopt applications.vpn DI1`"), "{help}");
    // Keys of a deleted application are ignored; those of another type are not overwritten.
    let planned = plan(&wanted, &holding(&duo, "DI9"), &options(Prune::No));
    assert_eq!(found(&planned).1, vec![], "{}", outline(&planned));
    assert!(outline(&planned).starts_with("create applications.vpn"), "{}", outline(&planned));
    let planned = plan(&wanted, &holding(&duo, "DI2"), &options(Prune::No));
    assert_eq!(codes(&planned), [Code::StoreDisagrees], "{}", outline(&planned));
}
