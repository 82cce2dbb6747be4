//! Rotations while people edit in Duo what duoctl relies on: whatever they clear, cut, rewrite, rename or delete, every key
//! stays tracked, and none leaves or re-enters a store without evidence or consent.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use crate::diagnostic::{Code, Diagnostic, has_errors};
use crate::duo::object::{Ikey, ObjectId};
use crate::kinds::address::Address;
use crate::reconcile::delivery::{Held, HeldKeys};
use crate::reconcile::desired::Desired;
use crate::reconcile::plan::Plan;
use crate::reconcile::rotation::Orders;
use crate::reconcile::testing::{App, desired, outline};

use super::rotation::{RENAMED, World, vpn};

/// The application whose notes, name, access or existence an edit changes.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Old,
    Successor,
}

/// A change in Duo, or of the entry's name in the YAML.
#[derive(Clone, Debug)]
enum Edit {
    Notes(&'static str),
    Cut(usize),
    Access(&'static str),
    Name,
    Delete,
    RenameEntry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Nothing,
    Begin,
    Confirm,
    Abort,
}

#[derive(Clone, Debug)]
enum Event {
    Edit(Whose, Edit),
    /// A run that is killed after this number of requests.
    Run(Order, usize),
}

/// Notes after an edit: `O` and `S` are placeholders for the keys of the old application and its successor.
const NOTES: [&str; 16] = [
    "",
    "by hand",
    "[duoctl acme/applications.vpn -]",
    "[duoctl acme/applications.vpn - creating:2026-11-24T12:00:00Z]",
    "[duoctl acme/applications.vpn - replaced]",
    "[duoctl acme/applications.vpn - abandoned of:O]",
    "[duoctl acme/applications.vpn - successor:2026-11-24T12:00:00Z of:O]",
    "[duoctl acme/applications.vpn - delivered:2026-11-24T12:00:00Z,2026-11-24T12:00:00Z of:O]",
    "[duoctl acme/applications.vpn - successor:2026-11-24T12:00:00Z of:DIGONE]",
    "[duoctl acme/applications.vpn - rotating:S]",
    "[duoctl acme/applications.vpn - rotating:DIGONE]",
    "[duoctl acme/applications.vpn - retired:2026-11-20T12:00:00Z]",
    "[duoctl acme/applications.vpn - quarantined:2026-11-20T12:00:00Z]",
    "[duoctl acme/applications.gone -]",
    "[duoctl other/applications.vpn -]",
    "[duoctl acme/applications.vpn - successor:2026-11-24T12:00:00Z]",
];

fn events() -> impl Strategy<Value = Vec<Event>> {
    let edit = prop_oneof![
        6 => select(&NOTES[..]).prop_map(Edit::Notes),
        2 => (1_usize..60).prop_map(Edit::Cut),
        1 => select(vec!["NO_USERS", "ALL_USERS"]).prop_map(Edit::Access),
        1 => Just(Edit::Name),
        1 => Just(Edit::Delete),
        1 => Just(Edit::RenameEntry),
    ];
    let order = select(vec![Order::Nothing, Order::Nothing, Order::Begin, Order::Confirm, Order::Abort]);
    let requests = prop_oneof![3 => Just(usize::MAX), 1 => 0_usize..6];
    let event = prop_oneof![
        (select(vec![Whose::Old, Whose::Successor]), edit).prop_map(|(whose, edit)| Event::Edit(whose, edit)),
        (order, requests.clone()).prop_map(|(order, requests)| Event::Run(order, requests)),
    ];
    let begun = requests.prop_map(|requests| Event::Run(Order::Begin, requests));
    (begun, prop::collection::vec(event, 1..10))
        .prop_map(|(begun, events)| std::iter::once(begun).chain(events).collect())
}

/// An account, and the people around it.
struct Story {
    world: World,
    key: &'static str,
    pin: Option<String>,
    renamed: bool,
    /// The last rotation in a plan.
    pair: Option<(String, String)>,
    /// Applications that a person removed from the workspace.
    let_go: BTreeSet<String>,
}

impl Story {
    fn new(write_only: bool) -> Self {
        let world = World { write_only, ..World::new() };
        Self { world, key: "vpn", pin: None, renamed: false, pair: None, let_go: BTreeSet::new() }
    }

    fn desired(&self) -> Desired {
        let mut entry = vpn();
        entry.0.address = Address::application(self.key);
        if let Some(secret) = &mut entry.0.secret {
            secret.write_only = self.world.write_only;
        }
        desired([self.pin.iter().fold(entry, |entry: App, pin| entry.pin(pin))])
    }

    fn plan(&self, order: Order) -> Plan {
        let mut orders = Orders::default();
        let address = Address::application(self.key);
        match order {
            Order::Nothing => false,
            Order::Begin => orders.begin.insert(address),
            Order::Confirm => orders.confirmed.insert(address),
            Order::Abort => orders.abort.insert(address),
        };
        self.world.plan(&self.desired(), orders)
    }

    fn kept(&self) -> HeldKeys {
        match &self.world.held {
            Held::Keys(keys) => keys.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn exists(&self, ikey: &str) -> bool {
        self.world.duo.applications.contains_key(ikey)
    }

    fn is_retired(&self, ikey: &str) -> bool {
        let duo = &self.world.duo;
        duo.notes(ikey).contains(" retired:") && duo.property(ikey, "user_access") == "NO_USERS"
    }

    fn edit(&mut self, whose: Whose, edit: &Edit) {
        let Some((old, successor)) = self.pair.clone() else { return };
        let renames = matches!(edit, Edit::Name | Edit::RenameEntry);
        // An entry with another address and another name is another entry, unless the store identifies it.
        if renames && self.world.write_only && std::mem::replace(&mut self.renamed, true) {
            return;
        }
        if matches!(edit, Edit::RenameEntry) {
            self.key = RENAMED;
            return;
        }
        let (ikey, other) = match whose {
            Whose::Old => (&old, &successor),
            Whose::Successor => (&successor, &old),
        };
        if !self.exists(ikey) {
            return;
        }
        // Skip edits after which neither the store nor the other application would identify it.
        let kept = self.kept();
        let told = !self.world.write_only && kept.ikey == successor && kept.previous.as_ref() == Some(&old);
        let partner = self.world.state(other).and_then(|state| state.partner().cloned());
        if !told && partner != Some(Ikey::new(ikey.as_str())) {
            return;
        }
        let duo = &mut self.world.duo;
        match edit {
            Edit::Notes(notes) => {
                let notes =
                    notes.replace(":O]", &format!(":{old}]")).replace(":S]", &format!(":{successor}]"));
                duo.edit(ikey, "notes", json!(notes));
            }
            Edit::Cut(length) => {
                let notes: String = duo.notes(ikey).chars().take(*length).collect();
                duo.edit(ikey, "notes", json!(notes));
            }
            Edit::Access(access) => duo.edit(ikey, "user_access", json!(access)),
            Edit::Name => duo.edit(ikey, "name", json!("Renamed in Duo")),
            Edit::Delete => {
                duo.applications.remove(ikey);
            }
            Edit::RenameEntry => {}
        }
    }

    fn run(&mut self, order: Order, requests: usize) -> Result<Plan, TestCaseError> {
        let plan = self.plan(order);
        let before = self.kept();
        self.world.apply(&plan, requests);
        self.check_store(&before, order, &plan)?;
        self.look()?;
        Ok(plan)
    }

    /// Keys leave the store or replace another only for a reason.
    fn check_store(&self, before: &HeldKeys, order: Order, plan: &Plan) -> Result<(), TestCaseError> {
        let after = self.kept();
        let keys = |held: &HeldKeys| -> BTreeSet<String> {
            std::iter::once(held.ikey.clone()).chain(held.previous.clone()).collect()
        };
        for gone in keys(before).difference(&keys(&after)) {
            let allowed = !self.exists(gone)
                || self.let_go.contains(gone)
                || self.is_retired(gone)
                || (order == Order::Abort && *gone == before.ikey);
            prop_assert!(allowed, "{gone} left the store: {before:?} -> {after:?}\n{}", outline(plan));
        }
        let taken = before.ikey == after.ikey
            || !self.exists(&before.ikey)
            || after.previous.as_ref() == Some(&before.ikey)
            || matches!(order, Order::Abort | Order::Confirm)
            || self.let_go.contains(&before.ikey)
            || self.is_retired(&before.ikey);
        prop_assert!(taken, "{before:?} -> {after:?}\n{}", outline(plan));
        if before.ikey != after.ikey {
            prop_assert!(self.exists(&after.ikey), "a dead key was delivered: {after:?}");
        }
        Ok(())
    }

    /// The plan mentions every application that duoctl created or adopted.
    fn look(&mut self) -> Result<(), TestCaseError> {
        let plan = self.plan(Order::Nothing);
        if let [rotation] = plan.rotations() {
            self.pair = Some((rotation.old.to_string(), rotation.successor.to_string()));
        } else if !has_errors(plan.problems()) {
            self.pair = None;
        }
        let mut named: BTreeSet<&Ikey> = plan.matched().values().collect();
        named.extend(plan.rotations().iter().flat_map(|rotation| [&rotation.old, &rotation.successor]));
        named.extend(plan.orphans().iter().chain(plan.retired()).map(|orphan| &orphan.ikey));
        named.extend(plan.steps().iter().flat_map(|step| step.targets()).filter_map(ObjectId::ikey));
        let said: Vec<String> = plan.problems().iter().map(|found| format!("{found:?}")).collect();
        let ours = self.world.duo.applications.keys().filter(|ikey| *ikey != "DIOPERATOR");
        // Applications retired by an earlier rotation may be missing.
        let over = |ikey: &String| self.let_go.contains(ikey) || self.is_retired(ikey);
        for ikey in ours.filter(|ikey| !over(ikey)) {
            let is_named =
                named.contains(&Ikey::new(ikey.as_str())) || said.iter().any(|said| said.contains(ikey));
            prop_assert!(
                is_named,
                "{ikey} is orphaned: {:?}\n{}\n{said:?}",
                self.world.duo.applications,
                outline(&plan)
            );
        }
        Ok(())
    }

    /// Does what the plan asks a person to do; false if it asks for nothing.
    fn follow(&mut self, plan: &Plan) -> bool {
        let asks = |problem: &&Diagnostic| {
            let aborted = problem.code == Code::RotationUnderWay;
            aborted || has_errors(std::slice::from_ref(*problem))
        };
        let Some(problem) = plan.problems().iter().find(asks) else { return false };
        let help = problem.help.clone().unwrap_or_default();
        let keys = |text: &str| -> Vec<String> {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric());
            words.filter(|word| self.exists(word)).map(str::to_owned).collect()
        };
        let named = keys(&problem.message);
        if let Some(rest) = help.split("remove that marker from the notes of ").nth(1) {
            self.world.duo.edit(&keys(rest)[0], "notes", json!(""));
        } else if help.contains("remove the marker, ") || help.contains("release it in `") {
            // From now on the person is responsible for all of them.
            self.world.duo.edit(named.last().unwrap(), "notes", json!(""));
            self.let_go.extend(named);
        } else if help.contains("remove `integration_key`") || help.contains("correct `integration_key`") {
            self.pin = None;
        } else if let Some(rest) = help.split("to use ").nth(1) {
            let damaged = keys(rest)[0].clone();
            if self.pin.as_ref().is_some_and(|pin| *pin != damaged) {
                // The other one is pinned already.
                self.world.duo.edit(&damaged, "notes", json!(""));
                self.let_go.extend([damaged]);
            } else {
                self.pin = Some(damaged);
            }
        } else if let Some(rest) = help.split("duoctl adopt ").nth(1) {
            self.pin = Some(keys(rest)[0].clone());
        } else if help.starts_with("choose one: ") {
            let mut named = keys(&help);
            self.pin = named.pop();
            self.let_go.extend(named);
        } else if help.contains("set `integration_key` to it") {
            // Clients keep using the key in the store.
            self.pin = Some(self.kept().ikey);
        } else if help.contains("until the rotation ends") {
            self.key = "vpn";
        } else if help.contains("keys abort") {
            let plan = self.plan(Order::Abort);
            self.world.apply(&plan, usize::MAX);
        } else {
            panic!("the help does not say what to do: {problem:?}");
        }
        true
    }

    fn converges(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..16 {
            let plan = self.plan(Order::Nothing);
            let followed = self.follow(&plan);
            if !followed && plan.steps().is_empty() {
                let kept = self.kept();
                // For a write-only store only the marker shows what it holds, and here people edit markers.
                let is_alive = self.world.write_only || self.exists(&kept.ikey);
                prop_assert!(is_alive, "the store holds a dead key: {kept:?}");
                let matched = plan.matched().values().next().filter(|_| !self.world.write_only);
                let Some(matched) = matched else { return Ok(()) };
                prop_assert_eq!(matched.as_str(), kept.ikey.as_str());
                return Ok(());
            }
            if !followed {
                self.run(Order::Nothing, usize::MAX)?;
            }
        }
        let plan = self.plan(Order::Nothing);
        Err(TestCaseError::fail(format!("no end: {}\n{:?}", outline(&plan), plan.problems())))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_edited_while_a_key_is_rotated_no_key_is_lost(events in events(), write_only in any::<bool>()) {
        let mut story = Story::new(write_only);
        for event in &events {
            match event {
                Event::Edit(whose, edit) => story.edit(*whose, edit),
                Event::Run(order, requests) => {
                    story.run(*order, *requests)?;
                }
            }
            story.look()?;
        }
        story.converges()?;
    }
}
