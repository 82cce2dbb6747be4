//! The cost of a plan: as many declared applications as live ones, a tenth of which differ.
//!
//! `cargo bench --bench plan` measures 100 to 100,000; `-- '10000$'` only one size, whose memory `/usr/bin/time -v` then
//! shows.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use divan::Bencher;
use divan::counter::ItemsCount;
use serde_json::json;

use duoctl::config::model::Guards;
use duoctl::diagnostic::{Span, Spanned};
use duoctl::duo::object::{Ikey, Kind, Object};
use duoctl::kinds::address::Address;
use duoctl::kinds::marker::Notes;
use duoctl::kinds::reference::Reference;
use duoctl::kinds::value::Setting;
use duoctl::reconcile::desired::{Desired, Wanted};
use duoctl::reconcile::observation::Observation;
use duoctl::reconcile::observed::{Objects, Observed};
use duoctl::reconcile::plan::{Options, Prune, plan};
use duoctl::reconcile::rotation::Orders;
use duoctl::reconcile::selection::Selection;
use duoctl::reconcile::takedown::TakedownSpec;

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
const HERE: Span = Span { file: 0, start: 0, end: 0 };
const GROUPS: usize = 200;

fn main() {
    divan::main();
}

fn desired(size: usize) -> Desired {
    let text = |text: String| Spanned::new(Setting::Text(text), HERE);
    let application = |n: usize| Wanted {
        address: Address::application(&format!("app-{n:06}")),
        span: Some(HERE),
        kind: Kind::Application,
        variant: Some("radius".to_owned()),
        name: Some(Spanned::new(format!("Application {n}"), HERE)),
        pin: None,
        settings: BTreeMap::from([
            ("user_access".to_owned(), text("permitted_groups".to_owned())),
            (
                "groups_allowed".to_owned(),
                Spanned::new(
                    Setting::References(
                        (0..3).map(|g| Spanned::new(Reference::Name(group_name(n + g)), HERE)).collect(),
                    ),
                    HERE,
                ),
            ),
            (
                "policy".to_owned(),
                Spanned::new(Setting::Reference(Reference::Name("Strict".to_owned())), HERE),
            ),
            ("greeting".to_owned(), text(format!("Welcome to {n}"))),
            ("notes".to_owned(), text("Owned by the network team".to_owned())),
            ("self_service_allowed".to_owned(), Spanned::new(Setting::Flag(false), HERE)),
            ("username_normalization_policy".to_owned(), text("simple".to_owned())),
        ]),
        protect: false,
        authoritative: false,
        definition: BTreeMap::new(),
        ignore: Vec::new(),
        secret: None,
        max_age: None,
        group_policies: Vec::new(),
    };
    Desired {
        workspace: "acme".to_owned(),
        objects: (0..size).map(application).collect(),
        formerly: None,
        suppress: Vec::new(),
        handoffs: Vec::new(),
        removed: BTreeMap::new(),
        removed_policies: BTreeMap::new(),
        takedown: TakedownSpec::default(),
        guards: Guards::default(),
        plan: None,
        recovery_key: false,
        yaml_hash: String::new(),
    }
}

fn group_name(n: usize) -> String {
    format!("Group {}", n % GROUPS)
}

fn observation(size: usize) -> Observation {
    let application = |n: usize| {
        let ids: Vec<String> = (0..3).rev().map(|g| format!("DG{}", (n + g) % GROUPS)).collect();
        // A tenth has a different greeting, another tenth is not owned yet.
        let greeting = if n % 10 == 3 { "edited".to_owned() } else { format!("Welcome to {n}") };
        let marker = format!("\n[duoctl acme/applications.app-{n:06} nQ4TaA7BgZ3Kp00Zs1YMu5N5tHT1o48T]");
        let notes = format!("Owned by the network team{}", if n % 10 == 7 { "" } else { &marker });
        assert!(n % 10 == 7 || Notes::parse(&notes).marker.is_some());
        let application = json!({"integration_key": format!("DI{n:018}"), "type": "radius",
            "name": format!("Application {n}"), "greeting": greeting, "notes": notes, "policy_key": "PO1",
            "user_access": "PERMITTED_GROUPS", "groups_allowed": ids, "self_service_allowed": 0,
            "username_normalization_policy": "Simple", "secret_key": "************************************9fQx"});
        Object::decode(Kind::Application, application).unwrap()
    };
    let group = |n: usize| {
        let group = json!({"group_id": format!("DG{n}"), "name": group_name(n), "status": "Active"});
        Object::decode(Kind::Group, group).unwrap()
    };
    let policy = json!({"policy_key": "PO1", "policy_name": "Strict", "sections": {}});
    let policy = Object::decode(Kind::Policy, policy).unwrap();
    Observation {
        objects: Objects::from([
            (Kind::Application, Observed::Present((0..size).map(application).collect())),
            (Kind::Group, Observed::Present((0..GROUPS).map(group).collect())),
            (Kind::Policy, Observed::Present(vec![policy])),
        ]),
        ..Observation::new(
            "api-1a2b3c4d.duosecurity.com",
            Ikey::new("DIOPERATOR"),
            jiff::Timestamp::UNIX_EPOCH,
        )
    }
}

#[divan::bench(args = SIZES, max_time = 5)]
fn as_many_declared_as_live(bencher: Bencher, size: usize) {
    let (desired, observation) = (desired(size), observation(size));
    let options = Options {
        prune: Prune::No,
        selection: Selection::default(),
        hold_back: false,
        allow: Vec::new(),
        now: jiff::Timestamp::UNIX_EPOCH,
        rotation: Orders::default(),
    };
    let sample = plan(&desired, &observation, &options);
    assert!(sample.problems().is_empty() && sample.steps().len() == size / 5);
    bencher.counter(ItemsCount::new(size)).bench(|| plan(&desired, &observation, &options));
}
