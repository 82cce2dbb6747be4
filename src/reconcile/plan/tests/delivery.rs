use serde_json::json;

use crate::diagnostic::Code;
use crate::kinds::address::Address;
use crate::kinds::marker::MarkerState;
use crate::reconcile::consent::Allowed;
use crate::reconcile::delivery::{Held, HeldKeys};
use crate::reconcile::desired::Desired;
use crate::reconcile::plan::{Action, Options, Plan, Prune, plan};
use crate::reconcile::testing::{
    App, FakeDuo, app, codes, desired, marked, marked_as, now, options, outline, problems, requests,
};

const HOST: &str = "api-1a2b3c4d.duosecurity.com";

/// An owned application as Duo shows it, with the last characters of its key.
fn live() -> FakeDuo {
    with_notes(&marked("vpn"))
}

fn with_notes(notes: &str) -> FakeDuo {
    let key = format!("{}9fQx", "*".repeat(36));
    FakeDuo::new().with(
        "DI1",
        "radius",
        "VPN",
        json!({"notes": notes, "secret_key": key, "user_access": "ALL_USERS"}),
    )
}

fn wanted() -> App {
    app("vpn", "radius", "VPN").delivered(false)
}

fn keys(end: &str) -> Held {
    Held::Keys(HeldKeys {
        ikey: "DI1".to_owned(),
        api_hostname: HOST.to_owned(),
        secret_end: Some(end.to_owned()),
        ..HeldKeys::default()
    })
}

fn planned(desired: &Desired, duo: &FakeDuo, held: Held) -> Plan {
    let mut observation = duo.observation();
    observation.host = HOST.to_owned();
    observation.held.insert(Address::application("vpn"), held);
    plan(desired, &observation, &options(Prune::No))
}

/// The actions in order, and the reasons of deliveries.
fn deliveries(plan: &Plan) -> Vec<(&'static str, Option<&str>)> {
    let reason = |step: &'_ crate::reconcile::plan::Step| step.action.name();
    plan.steps()
        .iter()
        .map(|step| (reason(step), step.delivery.as_ref().map(|delivery| delivery.reason.as_str())))
        .collect()
}

#[test]
fn what_the_store_holds_is_compared_with_what_duo_shows() {
    let desired = desired([wanted()]);
    assert!(planned(&desired, &live(), keys("9fQx")).is_empty());
    let stale = planned(&desired, &live(), keys("abcd"));
    let reason = "the store holds a key ending in abcd, but the key in Duo ends in 9fQx";
    assert_eq!(deliveries(&stale), [("deliver", Some(reason))]);
    assert_eq!(requests(&stale), "deliver Some(Id(\"DI1\"))");
    assert_eq!(stale.summary().deliveries, 1);
    let missing = planned(&desired, &live(), Held::Nothing);
    assert_eq!(deliveries(&missing), [("deliver", Some("the store holds nothing yet"))]);
    let other =
        Held::Keys(HeldKeys { ikey: "DI2".to_owned(), api_hostname: HOST.to_owned(), ..HeldKeys::default() });
    let other = planned(&desired, &live(), other);
    assert_eq!(deliveries(&other), [("deliver", Some("the store holds the keys of DI2"))]);
}

#[test]
fn an_application_without_a_place_gets_no_delivery() {
    let desired = desired([app("vpn", "radius", "VPN")]);
    assert!(planned(&desired, &live(), Held::Nothing).is_empty());
}

#[test]
fn unreadable_is_neither_missing_nor_current_and_stops_nothing_else() {
    let desired = desired([wanted().text("greeting", "hello")]);
    let unreadable =
        Held::Unreadable { reason: "it is sealed".to_owned(), help: Some("unseal it".to_owned()) };
    let plan = planned(&desired, &live(), unreadable);
    assert_eq!(deliveries(&plan), [("update", None)]);
    assert_eq!(
        problems(&plan),
        [(Code::StoreUnreadable, "applications.vpn: its keys cannot be delivered: it is sealed")]
    );
    assert_eq!(plan.problems()[0].help.as_deref(), Some("unseal it"));
}

#[test]
fn an_unreadable_store_does_not_keep_an_application_from_being_created() {
    let unreadable = Held::Unreadable { reason: "it is sealed".to_owned(), help: None };
    let plan = planned(&desired([wanted()]), &FakeDuo::new(), unreadable);
    assert_eq!((deliveries(&plan), codes(&plan)), (vec![("create", None)], vec![Code::StoreUnreadable]));
}

/// An application lost its marker and its name, and the store with its key cannot be read.
#[test]
fn an_apply_creates_nothing_beside_what_an_unreadable_store_may_know() {
    let unreadable = || Held::Unreadable { reason: "it is sealed".to_owned(), help: None };
    let apply = |duo: &FakeDuo, held: Held, allow: &[&str]| {
        let mut observation = duo.observation();
        observation.held.insert(Address::application("vpn"), held);
        let allow = allow.iter().map(|text| Allowed::parse(text).unwrap()).collect();
        plan(&desired([wanted()]), &observation, &Options { hold_back: true, allow, ..options(Prune::No) })
    };
    let with = |kind, notes: String| FakeDuo::new().with("DI1", kind, "Renamed", json!({"notes": notes}));
    for notes in [String::new(), marked("former"), "[duoctl other/applications.vpn -]".to_owned()] {
        let duo = with("radius", notes);
        let held = apply(&duo, unreadable(), &[]);
        assert_eq!((outline(&held), held.blocked().len()), (String::new(), 1));
        let said = held.problems().iter().find(|problem| problem.message.contains("not created")).unwrap();
        assert!(said.help.as_ref().unwrap().contains("--allow replaces:applications.vpn"), "{said:?}");
        for allow in ["replaces:applications.vpn", "replaces"] {
            assert_eq!(deliveries(&apply(&duo, unreadable(), &[allow])), [("create", None)]);
        }
        assert!(outline(&apply(&duo, unreadable(), &["replaces:applications.x"])).is_empty());
    }
    for (duo, held) in [
        (with("unix", String::new()), unreadable()),
        (FakeDuo::new(), unreadable()),
        (with("radius", String::new()), Held::CannotTell),
        (with("radius", String::new()), Held::Nothing),
    ] {
        assert_eq!(apply(&duo, held, &[]).steps()[0].action, Action::Create);
    }
}

#[test]
fn a_new_application_is_created_whole_before_its_keys_are_delivered() {
    let desired = desired([wanted().text("policy", "Strict")]);
    let plan = planned(&desired, &FakeDuo::new(), Held::Nothing);
    assert_eq!(deliveries(&plan), [("create", None), ("deliver", Some("the application is new"))]);
    let verbs: Vec<String> =
        requests(&plan).lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(verbs, ["create", "finish", "deliver"]);
}

#[test]
fn what_a_store_gives_nothing_back_of_is_delivered_before_the_marker_says_that_all_is_done() {
    let desired = desired([app("vpn", "radius", "VPN").delivered(true)]);
    let plan = planned(&desired, &FakeDuo::new(), Held::CannotTell);
    assert_eq!(deliveries(&plan), [("create", Some("the application is new"))]);
    let verbs: Vec<String> =
        requests(&plan).lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(verbs, ["create", "finish", "deliver", "finish"]);

    // The store's later contents are unknown, so the plan concludes nothing from them.
    assert!(planned(&desired, &live(), Held::CannotTell).is_empty());
    let unfinished = marked_as("vpn", MarkerState::Creating { since: now() });
    for notes in [unfinished.as_str(), "someone else's"] {
        let plan = planned(&desired, &with_notes(notes), Held::CannotTell);
        assert_eq!(
            deliveries(&plan)[0],
            ("deliver", Some("nothing shows that the keys were ever delivered")),
            "{notes}"
        );
        assert_eq!(plan.steps().len(), 2, "{notes}");
    }
}

#[test]
fn the_old_application_goes_only_after_the_new_keys_have_arrived() {
    let desired = desired([app("vpn", "ldapproxy", "VPN").delivered(false)]);
    let plan = planned(&desired, &live(), keys("9fQx"));
    let all = requests(&plan);
    let at = |verb: &str| all.lines().position(|line| line.starts_with(verb)).unwrap();
    assert!(at("create") < at("deliver") && at("deliver") < at("delete"), "{all}");
}

#[test]
fn a_client_that_the_yaml_adds_is_made_first_and_then_its_secret_is_delivered() {
    let client = |id: &str| json!({"client_id": id, "name": id, "assigned_scopes_ids": ["s"]});
    let sso = |clients: &[&str]| {
        let clients: Vec<_> = clients.iter().map(|id| client(id)).collect();
        json!({"oauth_config": {"scopes": [{"id": "s", "name": "read"}], "clients": clients}})
    };
    let kind = "sso-oauth-client-credentials";
    let live =
        json!({"notes": marked("vpn"), "user_access": "ALL_USERS", "sso": sso(&["one"]), "secret_key": ""});
    let duo = FakeDuo::new().with("DI1", kind, "VPN", live);
    let held = || {
        Held::Keys(HeldKeys {
            ikey: "DI1".to_owned(),
            api_hostname: HOST.to_owned(),
            client_ends: [("one".to_owned(), "1111".to_owned())].into(),
            ..HeldKeys::default()
        })
    };
    let wanted = |clients: &[&str]| desired([app("vpn", kind, "VPN").sso(sso(clients)).delivered(false)]);
    assert_eq!(deliveries(&planned(&wanted(&["one"]), &duo, held())), []);
    let plan = planned(&wanted(&["one", "two"]), &duo, held());
    assert_eq!(deliveries(&plan), [("update", None), ("deliver", Some("the client two is new"))]);
}

#[test]
fn a_store_tells_that_the_application_was_deleted_in_duo() {
    let desired = desired([wanted()]);
    let reason = |duo: &FakeDuo, held| {
        let plan = planned(&desired, duo, held);
        deliveries(&plan).iter().find_map(|(_, reason)| *reason).unwrap().to_owned()
    };
    let new = "the application is new";
    let gone = format!("{new}; DI1, whose keys the store holds, was deleted in Duo");
    assert_eq!(reason(&FakeDuo::new(), keys("9fQx")), gone);
    // A key of another account is left alone: that account may be in use.
    let elsewhere = Held::Keys(HeldKeys {
        ikey: "DI1".to_owned(),
        api_hostname: "api-00000000.duosecurity.com".to_owned(),
        ..HeldKeys::default()
    });
    assert_eq!(codes(&planned(&desired, &FakeDuo::new(), elsewhere)), vec![Code::StoreUnreadable]);
    assert_eq!(reason(&FakeDuo::new(), Held::Nothing), new);
    // Clients may be using the application whose key the store holds.
    let other = FakeDuo::new().with("DI1", "websdk", "Other", json!({}));
    let plan = planned(&desired, &other, keys("9fQx"));
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::StoreDisagrees]));
}
