//! The risk of one changed field, by its row in the table of policies (policies.md, section 6).

use serde_json::{Map, Value};

use super::reasons::{
    DEPENDS, NO_EFFECT, NOT_COMPARABLE, UNKNOWN_DEFAULT, UNKNOWN_FIELD, UNKNOWN_VALUE, WRITTEN_BY_DUO, worst,
};
use super::value::{Way, hours, items, way};
use super::walk::Leaf;
use super::{countries, methods, networks};
use crate::duo::policy::{Field, Risk as Row, Rule, Shape};
use crate::kinds::risk::{Assessment, NEUTRAL, Risk};

/// The risk of a field that differs, and how many countries it concerns if it is about countries. The whole section on both
/// sides is needed because some fields are judged together.
pub(super) fn assess(
    leaf: &Leaf<'_>,
    section: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> (Assessment, Option<usize>) {
    let Some(field) = leaf.field else { return (UNKNOWN_FIELD, None) };
    if section == networks::SECTION
        && let Some(assessment) = networks::assess(&leaf.path(), before, after)
    {
        return (assessment, None);
    }
    match (field.risk, leaf.applies) {
        (Row::Neutral | Row::Inner, _) => (NEUTRAL, None),
        (Row::ReadOnly, _) => (WRITTEN_BY_DUO, None),
        (_, (false, false)) => (NO_EFFECT, None),
        // The field that starts or ends its effect is compared as well, and is the one that tells what that does.
        (_, (true, false) | (false, true)) => (DEPENDS, None),
        (Row::By(Rule::Countries), _) => {
            let (assessment, count) = countries::assess(before, after);
            (assessment, Some(count))
        }
        (Row::By(Rule::AuthMethods), _) if field.name == methods::BLOCKED => {
            (methods::assess(before, after), None)
        }
        (Row::By(Rule::AuthMethods), _) => ((Risk::Neutral, "it only informs"), None),
        (risk, _) => match (leaf.one, leaf.other) {
            (Some(one), Some(other)) => (values(field, risk, leaf, one, other), None),
            _ => (UNKNOWN_DEFAULT, None),
        },
    }
}

fn values(field: &Field, risk: Row, leaf: &Leaf<'_>, before: &Value, after: &Value) -> Assessment {
    match risk {
        Row::UpNarrows | Row::UpWidens if field.name == "remember_method" => {
            worst([directed(field, risk, before, after), remembered(leaf.siblings.0, leaf.siblings.1)])
        }
        Row::UpNarrows | Row::UpWidens => directed(field, risk, before, after),
        Row::By(Rule::Remediation) => remediation(field, before, after),
        Row::By(Rule::Agents) => agents(before, after),
        Row::By(Rule::Duration) => lengths(hours(leaf.siblings.0), hours(leaf.siblings.1)),
        Row::By(Rule::Trusted) => enforced(field, before, after, |value| value == "require-trusted"),
        Row::By(Rule::OpenEnum) => enforced(field, before, after, |value| value.starts_with("enforce")),
        Row::By(Rule::AuthMethods | Rule::Networks | Rule::Countries)
        | Row::Neutral
        | Row::ReadOnly
        | Row::Inner => UNKNOWN_VALUE,
    }
}

/// A field whose values have an order.
fn directed(field: &Field, risk: Row, before: &Value, after: &Value) -> Assessment {
    match (way(field.shape, before, after), risk) {
        (None, _) => UNKNOWN_VALUE,
        (Some(Way::Up), Row::UpNarrows) => (Risk::NarrowsAccess, "more is required"),
        (Some(_), Row::UpNarrows) => (Risk::WidensAccess, "less is required"),
        (Some(Way::Down), _) => (Risk::NarrowsAccess, "less is allowed"),
        (Some(_), _) => (Risk::WidensAccess, "more is allowed"),
    }
}

fn known<'v>(field: &Field, value: &'v Value) -> Option<&'v str> {
    let Shape::Enum(values) = field.shape else { return None };
    value.as_str().filter(|text| values.contains(text))
}

fn remediation(field: &Field, before: &Value, after: &Value) -> Assessment {
    let (Some(before), Some(after)) = (known(field, before), known(field, after)) else {
        return UNKNOWN_VALUE;
    };
    let blocks = |value: &str| !matches!(value, "no-remediation" | "warn-only");
    match (blocks(before), blocks(after)) {
        (_, _) if after == "no-remediation" => {
            (Risk::WidensAccess, "outdated software is no longer warned about or blocked")
        }
        (true, false) => (Risk::WidensAccess, "outdated software is no longer blocked"),
        (true, true) => NOT_COMPARABLE,
        (false, true) => (Risk::NarrowsAccess, "outdated software is blocked"),
        (false, false) => NEUTRAL,
    }
}

/// Any agent of the list satisfies the check, and an empty list ends it.
fn agents(before: &Value, after: &Value) -> Assessment {
    let (before, after) = (items(before), items(after));
    match (before.is_empty(), after.is_empty()) {
        (true, true) => NEUTRAL,
        (true, false) => (Risk::NarrowsAccess, "a security agent is required"),
        (false, true) => (Risk::WidensAccess, "a security agent is no longer required"),
        (false, false) if after.is_subset(&before) => {
            (Risk::NarrowsAccess, "fewer security agents are accepted")
        }
        (false, false) => (Risk::WidensAccess, "another security agent is accepted"),
    }
}

/// Only some values of the enumeration block anyone.
fn enforced(field: &Field, before: &Value, after: &Value, enforces: fn(&str) -> bool) -> Assessment {
    let (Some(before), Some(after)) = (known(field, before), known(field, after)) else {
        return UNKNOWN_VALUE;
    };
    match (enforces(before), enforces(after)) {
        (true, false) => (Risk::WidensAccess, "a check is no longer enforced"),
        (false, true) => (Risk::NarrowsAccess, "a check is enforced"),
        (true, true) | (false, false) => NEUTRAL,
    }
}

fn lengths(before: Option<i64>, after: Option<i64>) -> Assessment {
    match (before, after) {
        (Some(before), Some(after)) if after > before => {
            (Risk::WidensAccess, "devices are remembered for longer")
        }
        (Some(before), Some(after)) if after < before => {
            (Risk::NarrowsAccess, "devices are remembered for a shorter time")
        }
        (Some(_), Some(_)) => NEUTRAL,
        _ => UNKNOWN_VALUE,
    }
}

/// The time for which browsers are remembered when the method changes.
fn remembered(before: &Map<String, Value>, after: &Map<String, Value>) -> Assessment {
    let in_force = |browser: &Map<String, Value>| {
        let branch = match browser.get("remember_method")?.as_str()? {
            "user-based" => "user_based",
            "risk-based" => "risk_based",
            _ => return None,
        };
        hours(browser.get(branch)?.as_object()?)
    };
    lengths(in_force(before), in_force(after))
}
