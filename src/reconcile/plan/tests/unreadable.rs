use serde_json::json;

use crate::config::model::DuoPlan;
use crate::diagnostic::{Code, Spanned};
use crate::duo::object::Kind;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Prune, plan};
use crate::reconcile::testing::{FakeDuo, HERE, app, codes, desired, marked, options, outline};

fn duo() -> FakeDuo {
    FakeDuo::new()
        .with(
            "DI1",
            "radius",
            "VPN",
            json!({"notes": marked("vpn"), "user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG1"]}),
        )
        .with("DI2", "radius", "Gone", json!({"notes": marked("gone")}))
}

#[test]
fn unreadable_applications_stop_everything() {
    let desired = desired([app("vpn", "radius", "VPN"), app("new", "radius", "New")]);
    for unread in [Observed::Unreadable("403".to_owned()), Observed::NotRead, Observed::Absent] {
        let mut observation = duo().observation();
        observation.objects.set(Kind::Application, unread);
        let plan = plan(&desired, &observation, &options(Prune::Now));
        assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::AccountUnreadable]));
        assert_eq!(plan.blocked().len(), 2);
        assert!(!plan.is_empty() && plan.orphans().is_empty() && plan.handoffs().is_empty());
    }
}

#[test]
fn unreadable_groups_and_policies_stop_the_addresses_that_name_them() {
    let desired = desired([
        app("vpn", "radius", "VPN").groups(&["Staff"]),
        app("wiki", "radius", "Wiki").text("policy", "Strict"),
        app("portal", "sso-generic", "Portal")
            .sso(json!({"saml_config": {"role_attrs": {"role": {"admin": ["Staff"]}}}})),
        app("plain", "radius", "Plain").clear("policy"),
    ]);
    let mut observation = duo().observation();
    observation.objects.set(Kind::Group, Observed::Unreadable("403".to_owned()));
    observation.objects.set(Kind::Policy, Observed::Unreadable("timed out".to_owned()));
    let plan = plan(&desired, &observation, &options(Prune::No));
    assert!(outline(&plan).starts_with("create applications.plain") && plan.steps().len() == 1);
    assert_eq!(codes(&plan), [Code::AccountUnreadable; 3]);
    assert!(plan.orphans().len() == 1, "a blocked address does not become an orphan: {:?}", plan.orphans());
}

#[test]
fn an_application_of_a_blocked_address_is_not_removed() {
    let desired =
        desired([app("vpn", "radius", "VPN").text("policy", "None such"), app("wiki", "radius", "Wiki")]);
    let plan = plan(&desired, &duo().observation(), &options(Prune::Now));
    assert!(plan.steps().iter().all(|step| !step.deletes().iter().any(|ikey| ikey.as_str() == "DI1")));
    assert!(plan.orphans().iter().all(|orphan| orphan.ikey.as_str() == "DI2"));
}

#[test]
fn a_page_that_repeats_applications_and_groups_changes_nothing() {
    let mut duo = duo();
    let mut observation = duo.observation();
    let desired = desired([app("vpn", "radius", "VPN").groups(&["Staff"])]);
    let once = plan(&desired, &observation, &options(Prune::Quarantine));
    let twice = [duo.integrations(), duo.integrations()].concat();
    observation.objects.set(Kind::Application, Observed::Present(twice));
    duo.groups.extend(duo.groups.clone());
    observation.objects.set(Kind::Group, Observed::Present(duo.groups.clone()));
    let repeated = plan(&desired, &observation, &options(Prune::Quarantine));
    assert_eq!(outline(&once), outline(&repeated));
    assert_eq!((once.owned(), once.summary()), (repeated.owned(), repeated.summary()));
    assert_eq!(once.fingerprint(), repeated.fingerprint());
}

#[test]
fn another_edition_than_the_declared_one_is_a_warning() {
    let mut desired = desired([]);
    desired.plan = Some(Spanned::new(DuoPlan::Premier, HERE));
    let mut observation = FakeDuo::new().observation();
    let mut found = |edition: Option<&str>| {
        observation.account.edition = edition.map(str::to_owned);
        codes(&plan(&desired, &observation, &options(Prune::No)))
    };
    assert_eq!(found(Some("Duo Essentials")), [Code::AccountMismatch]);
    assert_eq!(found(Some("Duo Premier")), []);
    assert_eq!(found(Some("Duo Something New")), []);
    assert_eq!(found(None), []);
}

#[test]
fn a_list_that_is_shorter_than_the_count_deletes_nothing() {
    let desired = desired([app("vpn", "radius", "VPN").clear("policy"), app("wiki", "radius", "Wiki")]);
    let outlined = |counted: Observed<usize>| {
        let mut observation = duo().observation();
        observation.counted = counted;
        plan(&desired, &observation, &options(Prune::Now))
    };
    let listed = outlined(Observed::NotRead);
    assert!(
        listed.deletes() && outline(&listed).contains("delete applications.gone"),
        "{}",
        outline(&listed)
    );
    let count = match duo().observation().objects.of(Kind::Application) {
        Observed::Present(integrations) => integrations.len(),
        other => panic!("{other:?}"),
    };
    for counted in
        [Observed::Present(count), Observed::Present(count - 1), Observed::Unreadable("403".to_owned())]
    {
        assert_eq!(outline(&outlined(counted)), outline(&listed));
    }
    let held_back = outlined(Observed::Present(count + 1));
    assert!(!held_back.deletes() && !held_back.steps().is_empty(), "{}", outline(&held_back));
    assert_eq!(codes(&held_back), [Code::AccountUnreadable]);
    assert_eq!(
        held_back.blocked().iter().map(|address| address.as_str()).collect::<Vec<_>>(),
        ["applications.gone"]
    );
}

#[test]
fn a_replacement_waits_for_the_whole_list_too() {
    let desired = desired([app("vpn", "rdp", "VPN").clear("policy")]);
    let mut observation = duo().observation();
    let before = plan(&desired, &observation, &options(Prune::No));
    assert!(before.deletes(), "{}", outline(&before));
    observation.counted = Observed::Present(1_000);
    let plan = plan(&desired, &observation, &options(Prune::No));
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::AccountUnreadable]));
}
