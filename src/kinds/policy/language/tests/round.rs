//! Sections as Duo could return them, from Duo to the YAML and back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::strategy::ValueTree as _;
use serde_json::{Map, Value, json};

use super::super::back::{from_duo, node};
use super::super::convert::{fills_in, to_duo};
use super::super::names::is_usable;
use super::super::policy;
use super::{HERE, key};
use crate::diagnostic::has_errors;
use crate::duo::policy::{Field as DuoField, Section, amounts, section, sections};
use crate::language::check;

/// Any valid value of a field of Duo's.
fn held(field: &'static DuoField) -> BoxedStrategy<Value> {
    use crate::duo::policy::Shape as Duo;
    let some = |texts: Vec<&'static str>| {
        let most = texts.len();
        subsequence(texts, 0..=most).prop_map(|texts| json!(texts)).boxed()
    };
    match field.shape {
        Duo::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Duo::Integer { min, max } => (min..=max).prop_map(Value::from).boxed(),
        Duo::OneOf(numbers) => select(numbers).prop_map(Value::from).boxed(),
        Duo::PanelDays => (0_i64..366).prop_map(Value::from).boxed(),
        Duo::Enum(texts) => select(texts).prop_map(Value::from).boxed(),
        Duo::Set(texts) => some(texts.to_vec()),
        Duo::Tokens => some(vec!["cisco-amp", "sentinelone"]),
        Duo::Networks => some(vec!["192.0.2.0/24", "192.0.2.7", "2001:db8::-2001:db8::9"]),
        Duo::Countries => some(vec!["AT", "DE", "FR", "US"]),
        Duo::Text => "[a-z: ]{0,8}".prop_map(Value::from).boxed(),
        Duo::Version => "[1-9]\\.[0-9]".prop_map(Value::from).boxed(),
        Duo::Unit => select(vec!["hours", "days"]).prop_map(Value::from).boxed(),
        Duo::Amount => (1_i64..=*amounts("hours").end()).prop_map(Value::from).boxed(),
        Duo::Object(fields) | Duo::Branches(fields) | Duo::Optional(fields) => whole(fields),
    }
}

/// Any object with some of the fields, as Duo could return it.
fn whole(fields: &'static [DuoField]) -> BoxedStrategy<Value> {
    let usable: Vec<&'static DuoField> = fields.iter().filter(|field| field.replaced_by.is_none()).collect();
    let each: Vec<_> =
        usable.iter().map(|field| (Just(field.name), held(field), prop::bool::weighted(0.8))).collect();
    each.prop_map(|fields| {
        let mut map: Map<String, Value> = fields
            .into_iter()
            .filter(|(.., there)| *there)
            .map(|(name, value, _)| (name.to_owned(), value))
            .collect();
        if let (Some(unit), Some(amount)) = (map.get("max_time_units"), map.get("max_time_value")) {
            let most = *amounts(unit.as_str().unwrap_or_default()).end();
            let amount = amount.as_i64().unwrap_or_default().min(most);
            map.insert("max_time_value".to_owned(), json!(amount));
        }
        Value::Object(map)
    })
    .boxed()
}

fn live() -> impl Strategy<Value = (&'static str, Value)> {
    let usable: Vec<&'static Section> =
        sections().iter().filter(|section| section.replaced_by.is_none()).collect();
    (0..usable.len()).prop_flat_map(move |index| (Just(usable[index].name), whole(usable[index].fields)))
}

/// A section without what Duo fills in by itself.
fn declared(fields: &'static [DuoField], value: &Value, hides: bool) -> Value {
    let map = value.as_object().unwrap();
    let field = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
    let kept = map.iter().filter(|(name, _)| !fills_in(field(name), fields, map, hides));
    kept.map(|(name, value)| {
        let inner = field(name).inner();
        let hides = matches!(field(name).shape, policy::Shape::Branches(_));
        (name.clone(), inner.map_or_else(|| value.clone(), |fields| declared(fields, value, hides)))
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_live_section_survives_the_way_into_the_yaml_and_back((name, live) in live()) {
        let section = section(name).unwrap();
        let Some(yaml) = from_duo(section.name, &live) else { return Ok(()) };
        let mut found = Vec::new();
        check::value(&node(&yaml), &key(section.name), HERE, &mut found);
        prop_assert!(!has_errors(&found), "{yaml}: {found:?}");
        let again = to_duo(section.name, &node(&yaml)).unwrap();
        let mut expected = declared(section.fields, &live, false);
        // A method follows from the branch.
        for (branch, switch) in [("browser_apps", "remember_method"), ("windows_logon", "enabled")] {
            if let (Some(Value::Object(expected)), Some(implied)) =
                (expected.get_mut(branch), again.get(branch).and_then(|branch| branch.get(switch)))
            {
                expected.entry(switch).or_insert(implied.clone());
            }
        }
        prop_assert_eq!(again, expected, "{}", yaml);
        prop_assert_eq!(from_duo(section.name, &to_duo(section.name, &node(&yaml)).unwrap()), Some(yaml));
    }

    #[test]
    fn what_is_not_known_is_never_dropped((name, live) in live(), at in any::<Index>()) {
        let section = section(name).unwrap();
        let names: Vec<&str> = section.fields.iter().filter(|field| is_usable(field) && field.inner().is_none()).map(|field| field.name).collect();
        let mut with = live.clone();
        with["brand_new"] = json!(1);
        prop_assert_eq!(from_duo(section.name, &with), None);
        if !names.is_empty() {
            let name = names[at.index(names.len())];
            let map = live.as_object().unwrap();
            let field = section.fields.iter().find(|field| field.name == name).unwrap();
            if map.contains_key(name) && !fills_in(field, section.fields, map, false) {
                let mut with = live.clone();
                with[name] = json!({"brand_new": 1});
                prop_assert_eq!(from_duo(section.name, &with), None, "{}", name);
            }
        }
    }
}

#[test]
fn most_generated_sections_can_be_written() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for _ in 0..2000 {
        let (name, live) = live().new_tree(&mut runner).unwrap().current();
        let count = counts.entry(name).or_default();
        count.0 += 1;
        count.1 += usize::from(from_duo(name, &live).is_some());
    }
    assert_eq!(counts.len(), sections().iter().filter(|section| section.replaced_by.is_none()).count());
    for (name, (all, written)) in counts {
        assert!(written * 50 >= all && written > 0, "{name}: {written} of {all}");
    }
}
