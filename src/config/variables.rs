//! `vars`: values set by the caller that replace `${vars.NAME}` in the values of the YAML.
//!
//! They are replaced in the merged tree before any check, so later steps see the values as if they were written there. The
//! caller sets them with `--var` or an environment variable whose name is derived from the declared one. So the YAML cannot
//! choose an arbitrary environment variable that a plan would show.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;

use serde_json::Value;

use super::language::FILE;
use super::language::variables::NAME;
use crate::diagnostic::{Code, Diagnostic, Fix, Help, Sources, Span};
use crate::language::shape::{Findings, Key, Shape};
use crate::language::similar::{did_you_mean, nearest, suggested};
use crate::text::shown;
use crate::yaml::{self, Data, Entry, Node, find, plain};

/// The prefix of environment variables that set variables.
pub const ENVIRONMENT: &str = "DUOCTL_VAR_";

/// The maximum length of a value in bytes.
const MAX_VALUE: usize = 64 * 1024;

/// The maximum total length of all expanded values in bytes.
const MAX_EXPANDED: usize = 32 * 1024 * 1024;

/// The values set by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    set: BTreeMap<String, String>,
    /// Keyed by the part after [`ENVIRONMENT`].
    environment: BTreeMap<String, OsString>,
}

impl Assigned {
    /// Values from `--var`, of which the last one counts, and from the environment. Empty environment variables are ignored,
    /// like duoctl's other ones.
    pub fn new(
        set: impl IntoIterator<Item = (String, String)>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let own = |(name, value): (OsString, OsString)| {
            let name = name.to_str()?.strip_prefix(ENVIRONMENT)?.to_owned();
            (!value.is_empty()).then_some((name, value))
        };
        let environment = environment.into_iter().filter_map(own).collect();
        Self { set: set.into_iter().collect(), environment }
    }
}

/// Parses the argument of `--var`.
///
/// # Errors
///
/// Describes what is wrong with it.
pub fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as region=emea")?;
    (NAME.check)(name).map_err(|problem| format!("{} {}: {}", shown(name), problem.message, problem.help))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Escapes a value of the account for the YAML, so that nothing in it is read as a variable.
pub fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.replace("${", "$${")),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), escaped(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Whether a text contains a variable, or an invalid one.
pub fn is_variable(text: &str) -> bool {
    parts(text).is_ok_and(|parts| parts.iter().any(|part| matches!(part, Part::Variable(_))))
}

/// The result of expanding the variables of a workspace.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    /// Problems with variables.
    findings: Findings,
    /// The places of values that could not be resolved. Other findings at these places are follow-up errors.
    unknown: HashSet<Span>,
    /// For places of values from variables: the place of the declaration, and the source of the value.
    places: HashMap<Span, (Span, &'static str)>,
}

impl Expanded {
    /// Adds the problems with variables to the findings about the expanded tree. A finding about a value of a variable gets
    /// a note about the source of the value.
    pub(super) fn report(self, findings: &mut Findings) {
        let Self { findings: own, unknown, places } = self;
        findings.retain(|found| found.span.is_none_or(|span| !unknown.contains(&span)));
        for found in findings.iter_mut() {
            if let Some((place, set_by)) = found.span.and_then(|span| places.get(&span)) {
                found.related.push((*place, format!("the value comes from this variable, {set_by}")));
            }
        }
        findings.extend(own);
    }
}

/// Replaces every variable in the top-level entries. `complete` is true if every file could be read.
pub(super) fn expand(entries: &mut [Entry], assigned: &Assigned, complete: bool) -> Expanded {
    let mut run = Run { declared: declared(entries), ..Run::default() };
    run.assign(assigned, complete);
    for entry in entries.iter_mut().filter(|entry| mentions(&entry.value)) {
        // Unknown top-level keys are ignored or reported as errors.
        if FILE.keys.iter().any(|key| key.name == entry.key.value) {
            run.entry(entry, FILE.keys);
        }
    }
    if complete {
        run.report_unused(assigned);
    }
    run.expanded
}

/// A declared variable.
struct Declared {
    span: Span,
    default: Option<String>,
    required: bool,
    /// Its value and the source of the value; `None` if it has no value.
    value: Option<(String, &'static str)>,
    used: bool,
}

fn declared(entries: &[Entry]) -> BTreeMap<String, Declared> {
    let Some(Data::Mapping(entries)) = find(entries, "vars").map(|entry| &entry.value.data) else {
        return BTreeMap::new();
    };
    let declared = |entry: &Entry| {
        let keys: &[Entry] = match &entry.value.data {
            Data::Mapping(keys) => keys,
            _ => &[],
        };
        let default = find(keys, "default").and_then(|default| scalar(&default.value));
        let required =
            find(keys, "required").is_some_and(|required| matches!(required.value.data, Data::Flag(true)));
        let declared = Declared { span: entry.key.span, default, required, value: None, used: false };
        (entry.key.value.clone(), declared)
    };
    entries.iter().map(declared).collect()
}

/// The declared variables with their descriptions, even if the files have errors.
pub(crate) fn declarations(sources: &Sources) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (index, file) in sources.files().iter().enumerate() {
        let tree = yaml::parse(index, &file.text, &mut Vec::new());
        let Some(Node { data: Data::Mapping(entries), .. }) = tree else { continue };
        let Some(Data::Mapping(entries)) = find(&entries, "vars").map(|entry| &entry.value.data) else {
            continue;
        };
        for entry in entries.iter().filter(|entry| (NAME.check)(&entry.key.value).is_ok()) {
            let description = match &entry.value.data {
                Data::Mapping(keys) => find(keys, "description").and_then(|key| scalar(&key.value)),
                _ => None,
            };
            found.push((entry.key.value.clone(), description.unwrap_or_default()));
        }
    }
    found
}

/// A default as text; the place where it is used decides its type.
fn scalar(node: &Node) -> Option<String> {
    match &node.data {
        Data::Text(text) | Data::Number(_, text) => Some(text.clone()),
        Data::Flag(flag) => Some(flag.to_string()),
        Data::Null | Data::List(_) | Data::Mapping(_) => None,
    }
}

#[derive(Default)]
struct Run {
    declared: BTreeMap<String, Declared>,
    expanded: Expanded,
    /// The number of bytes inserted so far.
    size: usize,
}

impl Run {
    /// Gives each variable its value: from `--var`, from the environment, or its default.
    fn assign(&mut self, assigned: &Assigned, complete: bool) {
        for (name, declared) in &mut self.declared {
            let variable = name.to_uppercase();
            let from_environment = assigned.environment.get(&variable);
            let text = from_environment.map(|value| value.to_str());
            if text == Some(None) && !assigned.set.contains_key(name) {
                let message = format!("the environment variable {ENVIRONMENT}{variable} is not valid UTF-8");
                let found = Diagnostic::error(Code::MissingVariable, declared.span, message);
                self.expanded
                    .findings
                    .push(found.help(format!("set it to valid UTF-8, or use --var {name}=VALUE")));
                continue;
            }
            let given = assigned.set.get(name).map(|value| (value.clone(), "set by --var"));
            let environment =
                || text.flatten().map(|value| (value.to_owned(), "set by an environment variable"));
            let default = || declared.default.clone().map(|value| (value, "by its default"));
            declared.value = given.or_else(environment).or_else(default);
            let found = match &declared.value {
                // Its declaration is invalid, which is reported already.
                None if !declared.required => continue,
                None => Diagnostic::error(
                    Code::MissingVariable,
                    declared.span,
                    format!("the variable {} has no value", shown(name)),
                )
                .help(format!("use --var {name}=VALUE or set {ENVIRONMENT}{variable}")),
                Some((value, _)) if value.len() > MAX_VALUE => {
                    let message = format!("the value of the variable {} is too large", shown(name));
                    Diagnostic::error(Code::TooLarge, declared.span, message)
                        .help(format!("the limit is {MAX_VALUE} bytes"))
                }
                Some(_) => continue,
            };
            declared.value = None;
            self.expanded.findings.push(found);
        }
        let unknown = assigned.set.keys().filter(|name| !self.declared.contains_key(*name));
        for name in unknown.filter(|_| complete) {
            let help = did_you_mean(name, self.declared.keys().map(String::as_str))
                .unwrap_or_else(|| format!("declare it: `vars: {{{name}: {{required: true}}}}`"));
            let message = format!("--var sets {}, which the YAML does not declare", shown(name));
            self.expanded.findings.push(Diagnostic::error(Code::UnknownVariable, None, message).help(help));
        }
    }

    fn report_unused(&mut self, assigned: &Assigned) {
        let names: Vec<String> = self.declared.keys().map(|name| name.to_uppercase()).collect();
        for name in assigned.environment.keys().filter(|name| !name.is_empty() && !names.contains(name)) {
            let message =
                format!("the YAML declares no variable for {}", shown(&format!("{ENVIRONMENT}{name}")));
            let near = nearest(name, names.iter().map(String::as_str));
            let help = near.map_or_else(
                || format!("declare `{}` in `vars`, or unset it", name.to_lowercase()),
                |near| format!("did you mean `{ENVIRONMENT}{near}`?"),
            );
            self.expanded.findings.push(Diagnostic::warning(Code::UnusedVariable, None, message).help(help));
        }
        for (name, declared) in self.declared.iter().filter(|(_, declared)| !declared.used) {
            let message = format!("the variable {} is not used", shown(name));
            let found = Diagnostic::warning(Code::UnusedVariable, declared.span, message);
            self.expanded.findings.push(found.help(Help::removing("remove it, or use it as `${vars.NAME}`")));
        }
    }

    /// Expands the value of a key of a table.
    fn entry(&mut self, entry: &mut Entry, keys: &[Key]) {
        match keys.iter().find(|key| key.name == entry.key.value) {
            Some(key) if key.literal => self.literal(&entry.value, key.name),
            found => self.node(&mut entry.value, found.map(|key| key.shape)),
        }
    }

    /// Expands a value; its shape may be unknown.
    fn node(&mut self, node: &mut Node, shape: Option<Shape>) {
        let at_hand = |fits: fn(&Shape) -> bool| match shape {
            Some(Shape::Either(shapes)) => shapes.iter().copied().find(fits),
            other => other,
        };
        match &mut node.data {
            Data::Mapping(_) | Data::Text(_) if matches!(shape, Some(Shape::Source { .. })) => {
                self.literal(node, "the source of a value");
            }
            Data::Text(text) => {
                if let Some(value) = self.text(text, node.span) {
                    node.data = typed(value, shape);
                }
            }
            Data::List(items) => {
                let item = match at_hand(|shape| matches!(shape, Shape::List(..))) {
                    Some(Shape::List(item, ..)) => Some(*item),
                    _ => None,
                };
                items.iter_mut().for_each(|node| self.node(node, item));
            }
            Data::Mapping(entries) => {
                self.keys(entries);
                match at_hand(|shape| {
                    matches!(shape, Shape::Object(_) | Shape::Entries(..) | Shape::Source { .. })
                }) {
                    Some(Shape::Object(table)) => {
                        entries.iter_mut().for_each(|entry| self.entry(entry, table.keys));
                    }
                    Some(Shape::Source { .. }) => self.literal(node, "the source of a value"),
                    Some(Shape::Entries(_, item)) => {
                        entries.iter_mut().for_each(|entry| self.node(&mut entry.value, Some(*item)));
                    }
                    _ => entries.iter_mut().for_each(|entry| self.node(&mut entry.value, None)),
                }
            }
            Data::Null | Data::Flag(_) | Data::Number(..) => {}
        }
    }

    /// Reports variables in keys chosen by the user.
    fn keys(&mut self, entries: &[Entry]) {
        for entry in entries.iter().filter(|entry| is_variable(&entry.key.value)) {
            let message =
                format!("{} is a key, but variables are allowed only in values", shown(&entry.key.value));
            let found = Diagnostic::error(Code::InvalidValue, entry.key.span, message);
            self.refuse(entry.key.span, found.help("write the name itself"));
        }
    }

    /// Reports variables in a literal value, such as the source of a secret.
    fn literal(&mut self, node: &Node, place: &str) {
        match &node.data {
            Data::Text(text) if is_variable(text) => {
                let message = format!("variables are not allowed in `{place}`");
                let found = Diagnostic::error(Code::InvalidValue, node.span, message);
                let help = "write the value itself: secrets and the workspace must not depend on the caller";
                self.refuse(node.span, found.help(help));
            }
            Data::List(items) => items.iter().for_each(|item| self.literal(item, place)),
            Data::Mapping(entries) => {
                self.keys(entries);
                entries.iter().for_each(|entry| self.literal(&entry.value, place));
            }
            Data::Null | Data::Flag(_) | Data::Number(..) | Data::Text(_) => {}
        }
    }

    /// The expanded text; `None` if it stays unchanged.
    fn text(&mut self, text: &str, span: Span) -> Option<String> {
        if !text.contains("${") {
            return None;
        }
        let parts = match parts(text) {
            Ok(parts) => parts,
            Err(message) => {
                let found = Diagnostic::error(Code::UnknownVariable, span, message);
                self.refuse(
                    span,
                    found.help("write `${vars.NAME}` for a variable, or `$${` for a literal `${`"),
                );
                return None;
            }
        };
        // Look up all of them, so that all problems are reported at once.
        let values: Vec<Option<String>> = parts
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => Some(text),
                Part::Variable(name) => self.value(name, span),
            })
            .collect();
        let value = values.into_iter().collect::<Option<String>>()?;
        self.size += value.len();
        if self.size > MAX_EXPANDED {
            let found = Diagnostic::error(Code::TooLarge, span, "the variables expand to too much text");
            self.refuse(span, found.help(format!("the limit is {MAX_EXPANDED} bytes in total")));
            return None;
        }
        Some(value)
    }

    /// The value of a variable used at a place.
    fn value(&mut self, name: &str, span: Span) -> Option<String> {
        let Some(declared) = self.declared.get_mut(name) else {
            let known = || self.declared.keys().map(String::as_str);
            let help = match (suggested(name, known()), known().next()) {
                (Some(Help { text, .. }), _) => {
                    let near = nearest(name, known()).map(|near| format!("${{vars.{near}}}"));
                    let fix = near.map(|near| Fix::Replace(format!("${{vars.{name}}}"), near));
                    Help { text, fixes: fix.into_iter().collect() }
                }
                (None, None) => format!("declare it: `vars: {{{name}: {{required: true}}}}`").into(),
                (None, Some(_)) => format!("`vars` has {}", known().collect::<Vec<_>>().join(", ")).into(),
            };
            let message = format!("there is no variable {}", shown(name));
            let found = Diagnostic::error(Code::UnknownVariable, span, message).help(help);
            self.refuse(span, found);
            return None;
        };
        declared.used = true;
        let Some((value, set_by)) = declared.value.clone() else {
            self.expanded.unknown.insert(span);
            return None;
        };
        self.expanded.places.insert(span, (declared.span, set_by));
        Some(value)
    }

    fn refuse(&mut self, span: Span, found: Diagnostic) {
        self.expanded.unknown.insert(span);
        self.expanded.findings.push(found);
    }
}

/// Converts a value to the type of its place: as unquoted YAML, or as text if the place accepts text.
fn typed(text: String, shape: Option<Shape>) -> Data {
    let takes = |plain: &Data| {
        let one = |shape: &Shape| match shape {
            Shape::Flag => matches!(plain, Data::Flag(_)),
            Shape::Whole(..) | Shape::Numbers(_) => matches!(plain, Data::Number(..)),
            _ => false,
        };
        match shape {
            Some(Shape::Either(shapes)) => shapes.iter().any(one),
            Some(shape) => one(&shape),
            None => false,
        }
    };
    let plain = plain(text.as_str().into());
    if takes(&plain) { plain } else { Data::Text(text) }
}

/// A piece of a text.
enum Part<'t> {
    Text(String),
    Variable(&'t str),
}

/// Splits a text into its parts; the error describes what is wrong.
fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            plain.push_str(before);
            plain.push_str("${");
            rest = from.strip_prefix("${").unwrap_or_default();
            continue;
        }
        plain.push_str(before);
        let inner = from.strip_prefix("${").unwrap_or_default();
        let (inner, after) =
            inner.split_once('}').ok_or("a variable starts with `${` but has no closing `}`")?;
        let name = inner.strip_prefix("vars.").filter(|name| (NAME.check)(name).is_ok());
        let name = name.ok_or_else(|| format!("{} is not a variable", shown(&format!("${{{inner}}}"))))?;
        parts.push(Part::Text(std::mem::take(&mut plain)));
        parts.push(Part::Variable(name));
        rest = after;
    }
    plain.push_str(rest);
    parts.push(Part::Text(plain));
    Ok(parts)
}

/// Whether a value contains anything that could be a variable.
fn mentions(node: &Node) -> bool {
    match &node.data {
        Data::Text(text) => text.contains("${"),
        Data::List(items) => items.iter().any(mentions),
        Data::Mapping(entries) => {
            entries.iter().any(|entry| entry.key.value.contains("${") || mentions(&entry.value))
        }
        Data::Null | Data::Flag(_) | Data::Number(..) => false,
    }
}

#[cfg(test)]
mod tests;
