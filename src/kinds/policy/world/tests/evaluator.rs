//! A second way to tell whether anyone is asked for less, written from policies.md, sections 3 and 6: it plays through every
//! login that the small world allows, and knows nothing of the product's comparison.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

const GROUPS: usize = 3;
const APPLICATIONS: usize = 3;
/// The last policy is the global one.
const POLICIES: usize = 5;
const GLOBAL: usize = POLICIES - 1;

const NEW_USER: [&str; 3] = ["no-mfa", "enroll", "deny"];
const LOCATION: [(&str, &str); 4] = [
    ("allow-access-no-2fa", "allow_access_no_2fa_countries_list"),
    ("ignore-location", "ignore_location_countries_list"),
    ("require-mfa", "require_mfa_countries_list"),
    ("deny-access", "deny_access_countries_list"),
];
const COUNTRIES: [&str; 2] = ["DE", "FR"];
const METHODS: [&str; 3] = ["sms", "duo-push", "webauthn-roaming"];
const NETWORKS: [&str; 2] = ["192.0.2.0/24", "2001:db8::/32"];

/// One section, as small numbers.
#[derive(Clone, Debug, PartialEq)]
enum Section {
    NewUser(usize),
    /// Blocked methods, whether user verification is blocked, and the digits of a verified push.
    Methods([bool; 3], bool, Option<i64>),
    /// Networks without a second factor, with one, and always denied; whether enrolment is required there, and whether
    /// other networks are denied.
    Networks([bool; 2], [bool; 2], [bool; 2], bool, bool),
    /// The action for each country, if a list names it, and for the others.
    Location([Option<usize>; 2], usize),
    /// Whether the method is risk-based, and the hours, if browsers are remembered.
    Remember(Option<(bool, i64)>),
    /// Required desktops.
    Desktop([bool; 2]),
}

/// Policies by number; for each application its policy, and its group policies in order.
#[derive(Clone, Debug)]
struct Model {
    policies: Vec<BTreeMap<usize, Section>>,
    own: [Option<usize>; APPLICATIONS],
    bindings: [Vec<(usize, [bool; GROUPS])>; APPLICATIONS],
}

impl Section {
    fn number(&self) -> usize {
        match self {
            Self::NewUser(_) => 0,
            Self::Methods(..) => 1,
            Self::Networks(..) => 2,
            Self::Location(..) => 3,
            Self::Remember(_) => 4,
            Self::Desktop(_) => 5,
        }
    }

    fn json(&self) -> (&'static str, Value) {
        let chosen = |names: &[&str], mask: &[bool]| -> Value {
            names.iter().zip(mask).filter(|(_, chosen)| **chosen).map(|(name, _)| json!(name)).collect()
        };
        match self {
            Self::NewUser(rank) => ("new_user", json!({"new_user_behavior": NEW_USER[*rank]})),
            Self::Methods(blocked, verification, digits) => {
                let mut blocked = chosen(&METHODS, blocked);
                if *verification {
                    blocked.as_array_mut().unwrap().push(json!("webauthn-require-user-verification"));
                }
                let digits_shown = digits.unwrap_or(4);
                let value = json!({"blocked_auth_list": blocked, "require_verified_push": digits.is_some(), "verified_push_digits": digits_shown});
                ("authentication_methods", value)
            }
            Self::Networks(exempt, required, blocked, enrolled, deny) => {
                let list = |mask| json!({"ip_list": chosen(&NETWORKS, mask)});
                let mut value = json!({"no_2fa_required": list(exempt), "mfa_required": list(required), "blocked": list(blocked), "deny_other_access": deny});
                value["no_2fa_required"]["require_enrollment"] = json!(enrolled);
                ("authorized_networks", value)
            }
            Self::Location(countries, others) => {
                let mut value = json!({"default_action": LOCATION[*others].0});
                for (action, (_, list)) in LOCATION.iter().enumerate() {
                    let named: Vec<&str> =
                        (0..2).filter(|at| countries[*at] == Some(action)).map(|at| COUNTRIES[at]).collect();
                    value[*list] = json!(named);
                }
                ("user_location", value)
            }
            Self::Remember(None) => ("remembered_devices", json!({"browser_apps": {"enabled": false}})),
            Self::Remember(Some((risk_based, hours))) => {
                let (method, branch) =
                    if *risk_based { ("risk-based", "risk_based") } else { ("user-based", "user_based") };
                let (unit, amount) = if hours % 24 == 0 { ("days", hours / 24) } else { ("hours", *hours) };
                let time = json!({"max_time_units": unit, "max_time_value": amount});
                (
                    "remembered_devices",
                    json!({"browser_apps": {"enabled": true, "remember_method": method, branch: time}}),
                )
            }
            Self::Desktop(required) => {
                ("duo_desktop", json!({"requires_duo_desktop": chosen(&["macos", "windows"], required)}))
            }
        }
    }

    /// What each login is asked for, one number for each thing that can be asked; a greater one asks for more.
    fn asks(&self) -> Vec<i64> {
        match self {
            Self::NewUser(rank) => vec![number(*rank)],
            Self::Methods(blocked, verification, digits) => {
                let methods = blocked.iter().map(|blocked| i64::from(*blocked));
                methods.chain([i64::from(!verification), digits.unwrap_or(0)]).collect()
            }
            Self::Networks(exempt, required, blocked, enrolled, deny) => {
                let any_listed = exempt.iter().chain(required).any(|listed| *listed);
                let place = |exempt: bool, required: bool| match (exempt, enrolled) {
                    (true, false) => 0,
                    (true, true) => 1,
                    (false, _) if *deny && any_listed && !required => 3,
                    (false, _) => 2,
                };
                let places = (0..2).flat_map(|at| [place(exempt[at], required[at]), i64::from(blocked[at])]);
                places.chain([place(false, false)]).collect()
            }
            Self::Location(countries, others) => countries
                .iter()
                .map(|action| number(action.unwrap_or(*others)))
                .chain([number(*others)])
                .collect(),
            // A browser that is not remembered is asked every time.
            Self::Remember(None) => vec![2, 0],
            Self::Remember(Some((risk_based, hours))) => vec![i64::from(*risk_based), -hours],
            Self::Desktop(required) => required.iter().map(|required| i64::from(*required)).collect(),
        }
    }
}

impl Model {
    /// The section that decides for a user: the first group policy that has it, else that of the application, else global.
    fn decides(&self, application: usize, user: usize, section: usize) -> &Section {
        let groups = self.bindings[application]
            .iter()
            .filter(|(_, groups)| (0..GROUPS).any(|group| groups[group] && user & (1 << group) != 0))
            .map(|(policy, _)| *policy);
        let mut stack = groups.chain(self.own[application]).chain([GLOBAL]);
        stack.find_map(|policy| self.policies[policy].get(&section)).unwrap()
    }

    fn objects(&self) -> Account {
        let policies = (0..POLICIES).map(|number| {
            let sections: Map<String, Value> = self.policies[number]
                .values()
                .map(Section::json)
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            if number == GLOBAL {
                return global(Value::Object(sections));
            }
            policy(&format!("PO{number}"), Value::Object(sections), self.applies_to(number))
        });
        let own = |at: usize| self.own[at].map(|policy| format!("PO{policy}")).unwrap_or_default();
        Account {
            policies: policies.collect(),
            applications: (0..APPLICATIONS).map(|at| application(&format!("DI{at}"), &own(at))).collect(),
            groups: (0..GROUPS)
                .map(|at| {
                    object(Kind::Group, json!({"group_id": format!("DG{at}"), "name": format!("Group {at}")}))
                })
                .collect(),
        }
    }

    fn applies_to(&self, policy: usize) -> Value {
        let mut entries = Vec::new();
        for (at, bindings) in self.bindings.iter().enumerate() {
            for (position, (_, groups)) in
                bindings.iter().enumerate().filter(|(_, (bound, _))| *bound == policy)
            {
                let groups = (0..GROUPS).filter(|group| groups[*group]);
                let groups: Vec<Value> = groups
                    .map(|group| {
                        if position == 0 {
                            json!(format!("DG{group}"))
                        } else {
                            json!({"group_name": format!("Group {group}")})
                        }
                    })
                    .collect();
                entries.push(json!({"app_integration_key": format!("DI{at}"), "apply_type": "group_app", "group_position": position, "groups": groups}));
            }
        }
        json!(entries)
    }
}

fn number(rank: usize) -> i64 {
    i64::try_from(rank).unwrap()
}

/// Whether some user of an application is asked for less than before.
fn less(before: &Model, after: &Model, application: usize) -> bool {
    (0..1 << GROUPS).any(|user| {
        (0..6).any(|section| {
            let (one, other) =
                (before.decides(application, user, section), after.decides(application, user, section));
            let asked = one.asks().into_iter().zip(other.asks());
            asked.into_iter().any(|(before, after)| after < before)
        })
    })
}

fn section() -> impl Strategy<Value = Section> {
    let remember = proptest::option::of((any::<bool>(), prop_oneof![Just(12), Just(24), Just(48), Just(30)]));
    prop_oneof![
        (0..3_usize).prop_map(Section::NewUser),
        (any::<[bool; 3]>(), any::<bool>(), proptest::option::of(3..=6_i64))
            .prop_map(|(blocked, verification, digits)| Section::Methods(blocked, verification, digits)),
        (any::<[bool; 2]>(), any::<[bool; 2]>(), any::<[bool; 2]>(), any::<bool>(), any::<bool>()).prop_map(
            |(exempt, required, blocked, enrolled, deny)| Section::Networks(
                exempt, required, blocked, enrolled, deny
            )
        ),
        (proptest::array::uniform2(proptest::option::of(0..4_usize)), 0..4_usize)
            .prop_map(|(countries, others)| Section::Location(countries, others)),
        remember.prop_map(Section::Remember),
        any::<[bool; 2]>().prop_map(Section::Desktop),
    ]
}

fn default_sections() -> BTreeMap<usize, Section> {
    let all = [
        Section::NewUser(1),
        Section::Methods([false; 3], false, Some(3)),
        Section::Networks([false; 2], [false; 2], [false; 2], true, false),
        Section::Location([None; 2], 1),
        Section::Remember(None),
        Section::Desktop([false; 2]),
    ];
    all.into_iter().enumerate().collect()
}

fn model() -> impl Strategy<Value = Model> {
    let sections = vec(vec(section(), 0..5), POLICIES);
    let binding =
        (0..GLOBAL, any::<[bool; GROUPS]>().prop_filter("a group", |groups| groups.contains(&true)));
    let bindings = proptest::array::uniform3(vec(binding, 0..4));
    (sections, proptest::array::uniform3(proptest::option::of(0..GLOBAL)), bindings).prop_map(
        |(sections, own, bindings)| {
            let by_number =
                |sections: Vec<Section>| sections.into_iter().map(|section| (section.number(), section));
            let mut policies: Vec<BTreeMap<usize, Section>> =
                sections.into_iter().map(|sections| by_number(sections).collect()).collect();
            for (number, section) in default_sections() {
                policies[GLOBAL].entry(number).or_insert(section);
            }
            Model { policies, own, bindings }
        },
    )
}

/// A change of a model.
#[derive(Clone, Debug)]
enum Edit {
    Set(usize, Section),
    Remove(usize, usize),
    Attach(usize, Option<usize>),
    Bindings(usize, Vec<(usize, [bool; GROUPS])>),
    Reorder(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let groups = any::<[bool; GROUPS]>().prop_filter("a group", |groups| groups.contains(&true));
    prop_oneof![
        4 => (0..POLICIES, section()).prop_map(|(policy, section)| Edit::Set(policy, section)),
        2 => (0..GLOBAL, 0..6_usize).prop_map(|(policy, section)| Edit::Remove(policy, section)),
        1 => (0..APPLICATIONS, proptest::option::of(0..GLOBAL)).prop_map(|(at, policy)| Edit::Attach(at, policy)),
        1 => (0..APPLICATIONS, vec((0..GLOBAL, groups), 0..3)).prop_map(|(at, bindings)| Edit::Bindings(at, bindings)),
        1 => (0..APPLICATIONS).prop_map(Edit::Reorder),
    ]
}

fn edited(mut model: Model, edits: Vec<Edit>) -> Model {
    for edit in edits {
        match edit {
            Edit::Set(policy, section) => drop(model.policies[policy].insert(section.number(), section)),
            Edit::Remove(policy, section) => drop(model.policies[policy].remove(&section)),
            Edit::Attach(at, policy) => model.own[at] = policy,
            Edit::Bindings(at, bindings) => model.bindings[at] = bindings,
            Edit::Reorder(at) => model.bindings[at].reverse(),
        }
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Exactly when someone is asked for less, and for no other application: everything in these worlds can be judged.
    #[test]
    fn who_is_asked_for_less_is_announced(before in model(), edits in vec(edit(), 1..4)) {
        let after = edited(before.clone(), edits);
        let (old, new) = (before.objects(), after.objects());
        let (old, new) = (old.world(), new.world());
        let changes = judge(&old, &new);
        for at in 0..APPLICATIONS {
            let found = changes.get(&id(&format!("DI{at}")));
            let widens = found.is_some_and(|changes| changes.iter().any(|change| change.worst().0 == Widens));
            prop_assert_eq!(widens, less(&before, &after, at), "DI{}: {:?}", at, found);
        }
    }

    #[test]
    fn no_change_is_announced_as_none(model in model()) {
        let (one, other) = (model.objects(), model.objects());
        prop_assert_eq!(judge(&one.world(), &other.world()), BTreeMap::new());
    }
}
