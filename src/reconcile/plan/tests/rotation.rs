//! Overlap rotations: every stage, every point where one can stop, and what may happen in between.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::config::model::SecretTarget;
use crate::diagnostic::Code;
use crate::duo::object::Ikey;
use crate::kinds::address::Address;
use crate::kinds::marker::{MarkerState, Notes};
use crate::reconcile::delivery::{DesiredSecret, Held, HeldKeys};
use crate::reconcile::desired::Desired;
use crate::reconcile::observation::Observation;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Action, Options, Plan, Prune, Write, plan};
use crate::reconcile::rotation::{Orders, Stage, Uses};
use crate::reconcile::testing::{
    App, FakeDuo, HERE, app, codes, desired, marked, marked_as, now, options, outline,
};

/// An account and its only stored keys.
#[derive(Clone)]
pub(super) struct World {
    pub(super) duo: FakeDuo,
    pub(super) held: Held,
    pub(super) uses: Observed<Uses>,
    /// Whether the store is write-only.
    pub(super) write_only: bool,
}

pub(super) fn vpn() -> App {
    let target = SecretTarget { store: "s".to_owned(), path: "vpn".to_owned(), format: None };
    let mut vpn = app("vpn", "radius", "VPN").groups(&["VPN Users"]).text("policy", "Strict");
    vpn.0.secret = Some(DesiredSecret { target, span: HERE, place: "s: vpn".to_owned(), write_only: false });
    vpn
}

/// The entry's key after it was renamed.
pub(super) const RENAMED: &str = "net";

fn address() -> Address {
    Address::application("vpn")
}

impl World {
    pub(super) fn new() -> Self {
        let settings = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG1"], "policy_key": "PO1",
            "greeting": "Hello", "notes": marked("vpn")});
        let mut world = Self {
            duo: FakeDuo::new().with("DI1", "radius", "VPN", settings),
            held: Held::Nothing,
            uses: Observed::NotRead,
            write_only: false,
        };
        world.deliver("DI1", None);
        let plan = world.plan(&desired([vpn()]), Orders::default());
        world.apply(&plan, usize::MAX);
        world
    }

    fn deliver(&mut self, ikey: &str, previous: Option<&Ikey>) {
        self.held = Held::Keys(HeldKeys {
            ikey: ikey.to_owned(),
            api_hostname: "api-1a2b3c4d.duosecurity.com".to_owned(),
            secret_end: Some(format!("{:0>4}", ikey.len())),
            previous: previous.map(Ikey::to_string),
            ..HeldKeys::default()
        });
    }

    pub(super) fn observation(&self) -> Observation {
        let seen = if self.write_only { Held::CannotTell } else { self.held.clone() };
        let held = [address(), Address::application(RENAMED)].map(|address| (address, seen.clone())).into();
        Observation { held, rotation_uses: self.uses.clone(), ..self.duo.observation() }
    }

    fn plan_with(&self, desired: &Desired, options: &Options) -> Plan {
        plan(desired, &self.observation(), options)
    }

    pub(super) fn plan(&self, desired: &Desired, rotation: Orders) -> Plan {
        self.plan_with(desired, &Options { rotation, ..options(Prune::No) })
    }

    /// Carries out the first requests of a plan; true if those were all.
    pub(super) fn apply(&mut self, plan: &Plan, requests: usize) -> bool {
        let mut left = requests;
        let mut created = None;
        for step in plan.steps() {
            for write in &step.writes {
                if left == 0 {
                    return false;
                }
                left -= 1;
                self.duo.write(write, &mut created).unwrap();
                if let Write::Deliver(ikey) = write {
                    let ikey = ikey.as_ref().map_or_else(|| created.clone().unwrap(), Ikey::to_string);
                    let previous = step.delivery.as_ref().and_then(|delivery| delivery.previous.clone());
                    self.deliver(&ikey, previous.as_ref());
                }
            }
        }
        true
    }

    pub(super) fn state(&self, ikey: &str) -> Option<MarkerState> {
        Notes::parse(&self.duo.notes(ikey)).marker.map(|marker| marker.state)
    }
}

pub(super) fn orders(order: fn(&mut Orders) -> &mut BTreeSet<Address>) -> Orders {
    let mut orders = Orders::default();
    order(&mut orders).insert(address());
    orders
}

pub(super) fn begin() -> Orders {
    orders(|orders| &mut orders.begin)
}

pub(super) fn confirmed() -> Orders {
    orders(|orders| &mut orders.confirmed)
}

pub(super) fn abort() -> Orders {
    orders(|orders| &mut orders.abort)
}

#[test]
fn a_rotation_copies_every_setting_and_ends_with_one_application() {
    let (wanted, mut world) = (desired([vpn()]), World::new());
    let first = world.plan(&wanted, begin());
    insta::assert_snapshot!(outline(&first), @r#"
    rotate applications.vpn DI1
      rotation: null -> "delivered" (config)
    "#);
    world.apply(&first, usize::MAX);
    for property in ["user_access", "groups_allowed", "policy_key", "greeting", "type", "name"] {
        assert_eq!(world.duo.property("DINEW0", property), world.duo.property("DI1", property), "{property}");
    }
    assert_eq!(
        world.state("DINEW0"),
        Some(MarkerState::Delivered { of: Ikey::new("DI1"), since: now(), at: now() })
    );
    let waiting = world.plan(&wanted, Orders::default());
    assert!(waiting.is_empty() && waiting.problems().is_empty(), "{}", outline(&waiting));
    assert_eq!(waiting.matched()[&address()].as_str(), "DINEW0", "the address moved");
    assert_eq!(waiting.rotations()[0].stage, Stage::Delivered);
    let last = world.plan(&wanted, confirmed());
    insta::assert_snapshot!(outline(&last), @r#"
    rotate applications.vpn DI1
      rotation: "delivered" -> "finished" (config)
      !narrows_access: no user may log in with the old key anymore
    "#);
    world.apply(&last, usize::MAX);
    assert_eq!(world.duo.property("DI1", "user_access"), "NO_USERS");
    let after = world.plan(&wanted, Orders::default());
    assert!(after.is_empty() && after.rotations().is_empty(), "{}", outline(&after));
    assert_eq!(after.retired()[0].ikey.as_str(), "DI1");
    assert!(after.orphans().is_empty());
    let pruned = world.plan_with(&wanted, &options(Prune::Now));
    assert_eq!(outline(&pruned).lines().next(), Some("delete applications.vpn DI1"));
}

#[test]
fn a_successor_that_is_unfinished_gets_the_access_of_now_without_the_groups_of_before() {
    let mut world = World::new();
    world.apply(&world.plan(&desired([vpn()]), begin()), 1);
    let everybody = desired([vpn().text("user_access", "all_users").without("groups_allowed")]);
    let plan = world.plan(&everybody, Orders::default());
    assert!(world.apply(&plan, usize::MAX), "{}", outline(&plan));
    world.apply(&world.plan(&everybody, Orders::default()), usize::MAX);
    assert_eq!(world.duo.property("DINEW0", "user_access"), "ALL_USERS");
}

#[test]
fn wherever_a_rotation_stops_the_next_run_takes_it_up() {
    let wanted = desired([vpn()]);
    for requests in 0.. {
        let mut world = World::new();
        let whole = world.apply(&world.plan(&wanted, begin()), requests);
        // Neither the same command nor an apply creates a second successor.
        let next = world.plan(&wanted, if requests % 2 == 0 { begin() } else { Orders::default() });
        let orders = if requests == 0 { begin() } else { Orders::default() };
        world.apply(&next, usize::MAX);
        if requests % 2 == 1 {
            let again = world.plan(&wanted, orders);
            world.apply(&again, usize::MAX);
        }
        let waiting = world.plan(&wanted, Orders::default());
        assert!(waiting.is_empty(), "after {requests}: {}", outline(&waiting));
        assert_eq!(waiting.rotations().len(), 1, "after {requests}");
        let successor = waiting.matched()[&address()].clone();
        for stop in 0.. {
            let mut world = world.clone();
            let whole = world.apply(&world.plan(&wanted, confirmed()), stop);
            world.apply(&world.plan(&wanted, confirmed()), usize::MAX);
            let after = world.plan(&wanted, Orders::default());
            assert!(after.is_empty() && after.rotations().is_empty(), "after {stop}: {}", outline(&after));
            assert_eq!(after.matched()[&address()], successor);
            assert!(
                matches!(&world.held, Held::Keys(keys) if keys.ikey == successor.as_str() && keys.previous.is_none())
            );
            if whole {
                break;
            }
        }
        if whole {
            break;
        }
    }
}

#[test]
fn wherever_aborting_stops_the_old_application_is_left() {
    let wanted = desired([vpn()]);
    for requests in 1.. {
        let mut world = World::new();
        let whole = world.apply(&world.plan(&wanted, begin()), requests);
        for stop in 0.. {
            let mut world = world.clone();
            let plan = world.plan(&wanted, abort());
            let aborted = world.apply(&plan, stop);
            if !aborted {
                // An apply in between continues the rotation only until the successor's marker says that it is over.
                let is_over = !matches!(
                    world.state("DINEW0"),
                    Some(MarkerState::Successor { .. } | MarkerState::Delivered { .. })
                );
                let next = world.plan(&wanted, Orders::default());
                let revived = next.steps().iter().any(|step| step.action == Action::Rotate);
                assert!(!is_over || !revived, "{requests}, {stop}: {}", outline(&next));
            }
            world.apply(&world.plan(&wanted, abort()), usize::MAX);
            let after = world.plan(&wanted, Orders::default());
            assert!(
                after.is_empty() && after.rotations().is_empty(),
                "{requests}, {stop}: {}",
                outline(&after)
            );
            assert_eq!(world.duo.applications.len(), 2, "the operator and the old one");
            assert!(matches!(&world.held, Held::Keys(keys) if keys.ikey == "DI1" && keys.previous.is_none()));
            if aborted {
                break;
            }
        }
        if whole {
            break;
        }
    }
}

#[test]
fn the_old_key_stays_while_the_store_or_the_settings_are_not_as_they_should_be() {
    let (wanted, mut world) = (desired([vpn()]), World::new());
    world.apply(&world.plan(&wanted, begin()), usize::MAX);
    let finishes = |world: &World, wanted: &Desired| {
        let plan = world.plan(wanted, confirmed());
        plan.steps().iter().any(|step| step.action == Action::Rotate)
    };
    assert!(finishes(&world, &wanted));
    let held = world.held.clone();
    for bad in [
        Held::Nothing,
        Held::Unreadable { reason: "sealed".to_owned(), help: None },
        Held::Keys(HeldKeys { ikey: "DI1".to_owned(), ..HeldKeys::default() }),
    ] {
        world.held = bad.clone();
        assert!(!finishes(&world, &wanted), "{bad:?}");
    }
    world.held = held;
    let narrower = desired([App(vpn().0).text("user_access", "no_users").without("groups_allowed")]);
    let both = world.plan(&narrower, confirmed());
    let changed: Vec<_> = both.steps().iter().map(|step| step.id.as_ref().unwrap().as_str()).collect();
    assert_eq!(changed, ["DI1", "DINEW0"], "both follow the YAML: {}", outline(&both));
    assert!(!finishes(&world, &narrower));
    world.apply(&both, usize::MAX);
    assert!(world.state("DINEW0").unwrap().is_successor(), "an update keeps the stage");
    assert!(finishes(&world, &narrower));
}

#[test]
fn what_the_logs_show_ends_a_rotation_and_what_they_do_not_show_keeps_it() {
    let (wanted, mut world) = (desired([vpn()]), World::new());
    world.apply(&world.plan(&wanted, begin()), usize::MAX);
    let at = |seconds: i64| now() + jiff::SignedDuration::from_secs(seconds);
    let uses = |last: &[(&str, jiff::Timestamp)]| {
        let last: BTreeMap<_, _> = last.iter().map(|(ikey, at)| (Ikey::new(*ikey), *at)).collect();
        Observed::Present(Uses { succeeded: last.clone(), last, read_from: now() })
    };
    let later = Options { now: at(25 * 3600), ..options(Prune::No) };
    for (seen, ends) in [
        (uses(&[("DINEW0", at(60))]), true),
        (uses(&[("DINEW0", at(60)), ("DI1", at(30))]), true),
        (uses(&[("DINEW0", at(60)), ("DI1", at(24 * 3600))]), false),
        (uses(&[("DI1", at(30))]), false),
        (uses(&[]), false),
        (Observed::Unreadable("no permission".to_owned()), false),
        (Observed::NotRead, false),
    ] {
        world.uses = seen.clone();
        let plan = world.plan_with(&wanted, &later);
        assert_eq!(!plan.steps().is_empty(), ends, "{seen:?}");
        assert_eq!(plan.rotations()[0].evidence.suffices(), ends, "{seen:?}");
    }
}

#[test]
fn a_marker_that_fits_no_rotation_is_an_error_and_nothing_is_removed() {
    let since = now();
    let of = |state| json!({"notes": marked_as("vpn", state)});
    // A successor of another type, and two successors.
    let wanted = desired([vpn()]);
    let other = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": marked("vpn")})).with(
        "DI2",
        "authapi",
        "VPN",
        of(MarkerState::Successor { of: Ikey::new("DI1"), since }),
    );
    let world = World { duo: other, held: Held::Nothing, uses: Observed::NotRead, write_only: false };
    assert_eq!(codes(&world.plan(&wanted, abort())), [Code::DuplicateMarker]);
    let twice = FakeDuo::new()
        .with("DI1", "radius", "VPN", json!({"notes": marked("vpn")}))
        .with("DI2", "radius", "VPN", of(MarkerState::Successor { of: Ikey::new("DI1"), since }))
        .with("DI3", "radius", "VPN", of(MarkerState::Successor { of: Ikey::new("DI1"), since }));
    let mut world = World { duo: twice, held: Held::Nothing, uses: Observed::NotRead, write_only: false };
    let plan = world.plan(&wanted, Orders::default());
    assert_eq!((codes(&plan), plan.steps().len()), (vec![Code::RotationUnderWay], 0));
    for left in [3, 2] {
        let plan = world.plan(&wanted, abort());
        assert_eq!(plan.steps().iter().flat_map(|step| step.deletes()).count(), 1, "one after the other");
        world.apply(&plan, usize::MAX);
        assert_eq!(world.duo.applications.len(), left);
    }
    world.apply(&world.plan(&wanted, Orders::default()), usize::MAX);
    let pinned = desired([App(vpn().0).pin("DI1")]);
    world.apply(&world.plan(&wanted, begin()), usize::MAX);
    assert_eq!(codes(&world.plan(&pinned, Orders::default())), [Code::PinMismatch]);
    let retyped = desired([app("vpn", "authapi", "VPN")]);
    assert_eq!(codes(&world.plan(&retyped, Orders::default())), [Code::RotationUnderWay]);
}

#[test]
fn a_successor_alone_is_the_application_of_its_address() {
    let wanted = desired([vpn()]);
    for state in [
        MarkerState::Successor { of: Ikey::new("DIGONE"), since: now() },
        MarkerState::Delivered { of: Ikey::new("DIGONE"), since: now(), at: now() },
        MarkerState::Abandoned { of: Ikey::new("DIGONE") },
    ] {
        let settings = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG1"], "policy_key": "PO1",
            "notes": marked_as("vpn", state)});
        let mut world = World {
            duo: FakeDuo::new().with("DI2", "radius", "VPN", settings),
            held: Held::Nothing,
            uses: Observed::NotRead,
            write_only: false,
        };
        world.apply(&world.plan(&wanted, Orders::default()), usize::MAX);
        assert_eq!(world.state("DI2"), Some(MarkerState::Owned));
        assert!(world.plan(&wanted, Orders::default()).is_empty());
    }
    let retired = json!({"user_access": "NO_USERS", "notes": marked_as("vpn", MarkerState::Retired(now()))});
    let world = World {
        duo: FakeDuo::new().with("DI2", "radius", "VPN", retired),
        held: Held::Nothing,
        uses: Observed::NotRead,
        write_only: false,
    };
    let plan = world.plan(&wanted, Orders::default());
    assert_eq!(plan.steps()[0].action, Action::Create, "what a rotation replaced does not come back");
}
