//! A change of the operator's own application that can be undone: its previous state, kept in its notes until the change
//! is proven, and the body that restores it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use crate::duo::object::Object;

use crate::kinds::application::fields::{FIELDS, held_permissions, known_permissions};
use crate::kinds::application::{PERMISSION_PREFIX, PERMITTED_GROUPS, UNCERTAIN_PERMISSION};
use crate::kinds::managed::again;
use crate::kinds::marker::{Before, Marker, MarkerState, NOTES_LIMIT, Notes, room};
use crate::kinds::networks::Networks;
use crate::kinds::value::parts;

const NETWORKS: &str = "networks_for_api_access";
const NOTES: &str = "notes";

/// What lets the key of an application in. If a change of it is not proven yet, the state before that change: the
/// current state was never seen working.
pub fn before(live: &Object) -> Before {
    match untested(live) {
        Some((_, before)) => before,
        None => Before {
            permissions: held_permissions(live),
            networks: live.property(NETWORKS).map(parts).unwrap_or_default().into_iter().collect(),
        },
    }
}

/// The marker of an application whose last change is not proven, and its previous state, as far as it is known.
pub fn untested(live: &Object) -> Option<(Marker, Before)> {
    let marker = Notes::parse(live.notes()).marker?;
    match marker.state.clone() {
        MarkerState::Untested(Some(before)) => Some((marker, before)),
        _ => None,
    }
}

/// The body of a change, with a marker that says that the change is not proven yet and records the previous state. A
/// body whose marker already says something else, or that removes the marker, stays as it is.
pub fn on_trial(body: &Map<String, Value>, live: &Object) -> Map<String, Value> {
    let mut trial = body.clone();
    let notes = body.get(NOTES).and_then(Value::as_str).map(Notes::parse);
    let Some(Notes { text, marker: Some(marker), .. }) = notes.filter(|notes| {
        notes.marker.as_ref().is_some_and(|marker| matches!(marker.state, MarkerState::Owned))
    }) else {
        return trial;
    };
    let marked = |state| Marker { state, ..marker.clone() }.notes(&text);
    // Notes that would not be read back as they were written are of no use.
    let known = |notes: &String| room(notes, NOTES_LIMIT).is_ok() && Notes::parse(notes).marker.is_some();
    let states = [MarkerState::Untested(Some(before(live))), MarkerState::Untested(None)];
    if let Some(notes) = states.into_iter().map(marked).find(known) {
        trial.insert(NOTES.to_owned(), json!(notes));
    }
    trial
}

/// Whether an application has the notes that were sent. Duo may change the text in them, but never the marker (trap 35).
pub fn has_notes(live: &Object, body: &Map<String, Value>) -> bool {
    let sent = body.get(NOTES).and_then(Value::as_str).unwrap_or_default();
    Notes::parse(live.notes()).marker == Notes::parse(sent).marker
}

/// The body that restores the fields that were sent, and everything that lets a key in, as far as they differ now; all
/// of it if the current state is unknown. Empty if nothing differs.
pub fn undo(before: &Object, now: Option<&Object>, sent: &Map<String, Value>) -> Map<String, Value> {
    let concerned =
        |key: &str| sent.contains_key(key) || key.starts_with(PERMISSION_PREFIX) || key == NETWORKS;
    let now = now.map(everything).unwrap_or_default();
    let mut body: Map<String, Value> = everything(before);
    body.retain(|key, value| concerned(key) && now.get(key) != Some(value));
    body.sort_keys();
    if body.contains_key("groups_allowed") {
        // Duo accepts the list only with this access (trap 2).
        body.insert("user_access".to_owned(), json!(PERMITTED_GROUPS));
    }
    body
}

/// Every setting of an application, in the form in which it is sent to set it again.
fn everything(live: &Object) -> Map<String, Value> {
    FIELDS.iter().flat_map(|field| again(field, live)).collect()
}

/// The permissions that a key had before and lacks now.
pub fn missing(before: &Before, now: &Object) -> BTreeSet<String> {
    let held = held_permissions(now);
    before.permissions.difference(&held).cloned().collect()
}

/// What is given back to an application. It never takes anything away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GiveBack {
    /// Permissions that are missing now and that the YAML declares.
    pub declared: BTreeSet<String>,
    /// Permissions that are missing now and that someone consented to.
    pub consented: BTreeSet<String>,
    /// The networks that the YAML declares, if they differ now.
    pub networks: Option<BTreeSet<String>>,
    /// Whether those networks are the ones from before the change.
    pub networks_as_before: bool,
}

impl GiveBack {
    /// Whether nothing is missing, or nothing of it may be given back.
    pub fn is_empty(&self) -> bool {
        self.body().is_empty()
    }

    /// What is sent. The marker keeps saying that the application is not proven, so that its next change gets proven.
    pub fn body(&self) -> Map<String, Value> {
        let permissions = self.declared.union(&self.consented);
        let granted = permissions.map(|name| (format!("{PERMISSION_PREFIX}{name}"), json!("1")));
        let networks = self.networks.as_ref().map(|networks| {
            let networks: Vec<&str> = networks.iter().map(String::as_str).collect();
            (NETWORKS.to_owned(), json!(networks.join(",")))
        });
        granted.chain(networks).collect()
    }
}

/// Gives back what let the key in before a change that was never proven and whose run has ended: missing permissions, if
/// the YAML declares them or all of them with consent; and the networks that the YAML declares, if the change moved them
/// and every caller is inside.
pub fn restore(
    now: &Object,
    permissions: &BTreeSet<String>,
    is_consented: bool,
    networks: Option<&BTreeSet<String>>,
    callers: &[IpAddr],
) -> GiveBack {
    let Some((_, before)) = untested(now) else { return GiveBack::default() };
    let known = known_permissions(now);
    let mut back = missing(&before, now);
    back.retain(|name| known.contains(name) && name != UNCERTAIN_PERMISSION);
    let (declared, others): (BTreeSet<_>, _) = back.into_iter().partition(|name| permissions.contains(name));
    let consented = if is_consented { others } else { BTreeSet::new() };
    let live: BTreeSet<String> = now.property(NETWORKS).map(parts).unwrap_or_default().into_iter().collect();
    let lets_in = |declared: &&BTreeSet<String>| {
        let inside =
            |parsed: Networks| !callers.is_empty() && callers.iter().all(|caller| parsed.contains(*caller));
        declared.is_empty() || Networks::parse(declared.iter()).is_ok_and(inside)
    };
    let is_moved = live != before.networks;
    let networks = networks.filter(|declared| is_moved && live != **declared).filter(lets_in).cloned();
    let networks_as_before = networks.as_ref() == Some(&before.networks);
    GiveBack { declared, consented, networks, networks_as_before }
}

/// The fields of a body as text for people.
pub fn in_words(body: &Map<String, Value>) -> String {
    let words = body.iter().map(|(key, value)| match value.as_str() {
        Some("") => format!("{key} empty"),
        Some(text) => format!("{key} = {text}"),
        None => format!("{key} = {value}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::duo::object::Kind;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::{option, sample::select};

    use super::*;
    use crate::kinds::address::Address;
    use crate::kinds::marker::{AppliedFields, NOTES_LIMIT, Shut};

    fn live(properties: Value) -> Object {
        let mut map = Map::from_iter([
            ("integration_key".to_owned(), json!("DIA")),
            ("type".to_owned(), json!("adminapi")),
            ("user_access".to_owned(), json!("NO_USERS")),
        ]);
        map.extend(properties.as_object().unwrap().clone());
        Object::decode(Kind::Application, Value::Object(map)).unwrap()
    }

    fn notes(text: &str, state: MarkerState) -> String {
        let (workspace, address) = ("acme".to_owned(), Address::application("me"));
        let applied = AppliedFields::new();
        Marker {
            workspace,
            address,
            applied,
            state,
            shut: Shut::default(),
            was_shut: None,
            adopted: false,
            protected: false,
        }
        .notes(text)
    }

    fn body(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_was_sent_and_what_lets_the_key_in_are_put_back_and_nothing_else() {
        let was = live(json!({"name": "Ours", "greeting": "Hi", "notes": " text \n", "adminapi_info": 1,
            "adminapi_read_log": 0, "networks_for_api_access": ["192.0.2.0/24", "198.51.100.7"]}));
        let now = live(json!({"name": "Theirs", "greeting": "Bye", "notes": "changed", "adminapi_info": 0,
            "adminapi_read_log": 1, "networks_for_api_access": "203.0.113.0/24", "policy_key": "PO1"}));
        let sent = body(json!({"name": "Theirs", "notes": "changed", "policy_key": "PO1"}));
        assert_eq!(
            Value::Object(undo(&was, Some(&now), &sent)),
            json!({"name": "Ours", "notes": " text \n", "policy_key": "", "adminapi_info": "1",
                "adminapi_read_log": "0", "networks_for_api_access": "192.0.2.0/24,198.51.100.7"})
        );
        assert_eq!(undo(&was, Some(&was), &sent), Map::new());
        assert_eq!(undo(&was, None, &sent), undo(&was, Some(&now), &sent));
        let open = live(json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG2", "DG1"]}));
        let shut = live(json!({"user_access": "ALL_USERS", "groups_allowed": []}));
        let sent = body(json!({"user_access": "ALL_USERS"}));
        // The list is restored with its access, although it was not sent.
        let both = body(json!({"user_access": "ALL_USERS", "groups_allowed": "DG1"}));
        assert_eq!(undo(&open, Some(&shut), &sent).get("user_access"), Some(&json!("PERMITTED_GROUPS")));
        assert_eq!(undo(&open, Some(&shut), &both).get("groups_allowed"), Some(&json!("DG1,DG2")));
    }

    #[test]
    fn a_change_on_trial_remembers_what_was_there_as_long_as_it_fits() {
        let was = live(json!({"adminapi_info": 1, "networks_for_api_access": "192.0.2.0/24"}));
        let sent = body(json!({"adminapi_info": "1", "notes": notes("Ours", MarkerState::Owned)}));
        let trial = on_trial(&sent, &was);
        assert_eq!(trial["notes"], "Ours\n[duoctl acme/applications.me - untested:info;192.0.2.0/24]");
        // A second change on top of the first keeps the state before the first.
        let between = live(json!({"adminapi_info": 0, "notes": trial["notes"]}));
        assert_eq!(on_trial(&sent, &between)["notes"], trial["notes"]);
        assert!(has_notes(&between, &trial) && !has_notes(&between, &sent));
        let long = "x".repeat(NOTES_LIMIT - 85);
        let sent = body(json!({"notes": notes(&long, MarkerState::Owned)}));
        assert!(on_trial(&sent, &was)["notes"].as_str().unwrap().ends_with(" untested:?]"));
        let unreadable = live(json!({"networks_for_api_access": "the office"}));
        let sent = body(json!({"notes": notes("Ours", MarkerState::Owned)}));
        assert!(on_trial(&sent, &unreadable)["notes"].as_str().unwrap().ends_with(" untested:?]"));
        for untouched in [json!({"notes": "no marker"}), json!({"notes": notes("x", MarkerState::Replaced)})]
        {
            assert_eq!(Value::Object(on_trial(&body(untouched.clone()), &was)), untouched);
        }
    }

    #[test]
    fn only_permissions_that_may_come_back_do() {
        let before = Before {
            permissions: ["info".to_owned(), "admins".to_owned()].into(),
            networks: BTreeSet::new(),
        };
        let text = notes("Ours", MarkerState::Untested(Some(before.clone())));
        let now = live(json!({"adminapi_info": 0, "adminapi_admins": 0, "adminapi_settings": 1,
            "networks_for_api_access": "192.0.2.0/24", "notes": text}));
        assert_eq!(missing(&before, &now), before.permissions);
        let names =
            |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let back = restore(&now, &names(&["info", "settings"]), false, None, &[]);
        assert_eq!(Value::Object(back.body()), json!({"adminapi_info": "1"}));
        let back = restore(&now, &names(&["info"]), true, None, &[]);
        assert_eq!((back.declared, back.consented), (names(&["info"]), names(&["admins"])));
        // Networks only as declared, and only if the caller is inside.
        let caller = ["198.51.100.7".parse().unwrap()];
        let networks = |declared: &[&str], callers: &[IpAddr]| {
            let back = restore(&now, &names(&[]), false, Some(&names(declared)), callers);
            back.body().get(NETWORKS).cloned()
        };
        assert_eq!(networks(&["198.51.100.0/24"], &caller), Some(json!("198.51.100.0/24")));
        assert_eq!(networks(&["198.51.100.0/24"], &[]), None, "the caller is not known");
        assert_eq!(networks(&["203.0.113.0/24"], &caller), None, "the caller is not in them");
        assert_eq!(networks(&["192.0.2.0/24"], &caller), None, "they are as declared");
        assert_eq!(networks(&[], &[]), Some(json!("")));
        let settled = live(json!({"adminapi_info": 0, "notes": notes("Ours", MarkerState::Owned)}));
        assert!(restore(&settled, &names(&["info"]), true, None, &[]).is_empty());
    }

    proptest! {
        /// Whatever the notes and the YAML say, flags are only set, and networks are those of the YAML and contain every
        /// caller.
        #[test]
        fn what_is_given_back_takes_nothing_away(
            had in vec(select(vec!["info", "admins", "settings", "unknown"]), 0..4),
            holds in vec(select(vec!["info", "admins", "settings"]), 0..3),
            declared in vec(select(vec!["info", "admins", "settings"]), 0..3),
            consented in any::<bool>(),
            networks in option::of(vec(select(vec!["192.0.2.0/24", "198.51.100.0/24"]), 0..2)),
            live_networks in vec(select(vec!["192.0.2.0/24", "203.0.113.0/24"]), 0..2),
            known in any::<bool>(),
        ) {
            let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
            let before = Before { permissions: set(&had), networks: set(&["192.0.2.0/24"]) };
            let held = |name: &str| i32::from(holds.contains(&name));
            let now = live(json!({"adminapi_info": held("info"), "adminapi_admins": held("admins"),
                "adminapi_settings": held("settings"), "networks_for_api_access": live_networks.join(","),
                "notes": notes("Ours", MarkerState::Untested(Some(before.clone())))}));
            let callers: Vec<IpAddr> = known.then(|| "192.0.2.7".parse().unwrap()).into_iter().collect();
            let wanted = networks.as_ref().map(|networks| set(networks));
            let body = restore(&now, &set(&declared), consented, wanted.as_ref(), &callers).body();
            for (key, value) in &body {
                if key == NETWORKS {
                    let sent: BTreeSet<String> = parts(value).into_iter().collect();
                    prop_assert_eq!(Some(&sent), wanted.as_ref());
                    prop_assert!(sent.is_empty() || known && sent.contains("192.0.2.0/24"));
                } else {
                    let name = key.strip_prefix(PERMISSION_PREFIX).unwrap();
                    prop_assert_eq!(value, "1");
                    prop_assert!(before.permissions.contains(name) && held(name) == 0);
                    prop_assert!(consented || declared.contains(&name));
                }
            }
        }
    }
}
