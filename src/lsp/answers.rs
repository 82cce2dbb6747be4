//! The answers to the client's questions, one function for each method.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use gen_lsp_types as lsp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::format::{FormatError, canonical};
use crate::diagnostic::Span;

use super::completion;
use super::diagnostics::{Places, mark};
use super::fixes::{self, Change};
use super::hints;
use super::hover;
use super::names::Name;
use super::outline;
use super::rename;
use super::state::{Here, State, folder};

/// An answer, and what to tell the user in addition.
#[derive(Debug, Default)]
pub(super) struct Answered {
    pub(super) result: Value,
    pub(super) warning: Option<String>,
}

type Run = fn(&mut State, &Here, &Value) -> Result<Answered, String>;

/// How a method is answered.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    /// Whether the YAML has to be checked first.
    pub(super) fresh: bool,
    pub(super) run: Run,
}

/// The answer to a method; `None` if the method is unknown.
pub(super) fn by_method(method: &str) -> Option<Answer> {
    let (fresh, run): (bool, Run) = match method {
        "textDocument/completion" => (false, complete),
        "textDocument/hover" => (false, explain),
        "textDocument/formatting" => (false, format),
        "textDocument/diagnostic" => (true, diagnose),
        "textDocument/codeAction" => (true, fix),
        "textDocument/codeLens" => (true, lens),
        "textDocument/inlayHint" => (true, hint),
        "textDocument/documentSymbol" => (true, outline_of),
        "textDocument/foldingRange" => (true, fold),
        "textDocument/definition" => (true, define),
        "textDocument/references" => (true, refer),
        "textDocument/prepareRename" => (true, prepare),
        "textDocument/rename" => (true, rename_all),
        _ => return None,
    };
    Some(Answer { fresh, run })
}

#[allow(clippy::unnecessary_wraps, reason = "the end of every answer")]
fn ok(value: impl Serialize) -> Result<Answered, String> {
    Ok(Answered { result: serde_json::to_value(value).unwrap_or_default(), warning: None })
}

fn complete(state: &mut State, here: &Here, _: &Value) -> Result<Answered, String> {
    let can = state.client.can;
    let found = state.with_world(here, |text, world| completion::complete(text, here.offset, world, can));
    let (items, more) = found.unwrap_or_default();
    ok(json!({"isIncomplete": more, "items": items}))
}

fn explain(state: &mut State, here: &Here, _: &Value) -> Result<Answered, String> {
    let encoding = state.client.can.encoding;
    // Names have places only in a text that is checked already.
    let name = if state.workspaces.is_stale() { None } else { state.name(here) };
    let found =
        state.with_world(here, |text, world| hover::hover(text, here.offset, name.as_ref(), world, encoding));
    ok(found.flatten())
}

fn format(state: &mut State, here: &Here, _: &Value) -> Result<Answered, String> {
    let Some(text) = state.text(here) else { return ok(Value::Null) };
    match canonical(0, &text.text) {
        Ok(formatted) if formatted == text.text => ok(Value::Array(Vec::new())),
        Ok(formatted) => {
            let edit = fixes::difference(&text.text, &formatted);
            let range = text.lines.range(&text.text, edit.range, state.client.can.encoding);
            ok([lsp::TextEdit { range, new_text: edit.text }])
        }
        // The findings say why.
        Err(FormatError::Invalid(_)) => ok(Value::Null),
        Err(error @ FormatError::Unsafe) => Err(error.to_string()),
    }
}

fn diagnose(state: &mut State, here: &Here, params: &Value) -> Result<Answered, String> {
    let Some((found, number)) = state.findings.of(&here.file) else {
        return ok(json!({"kind": "full", "items": []}));
    };
    let number = number.to_string();
    let known = params.get("previousResultId").and_then(Value::as_str) == Some(number.as_str());
    ok(if known {
        json!({"kind": "unchanged", "resultId": number})
    } else {
        json!({"kind": "full", "resultId": number, "items": found})
    })
}

fn lens(state: &mut State, here: &Here, _: &Value) -> Result<Answered, String> {
    ok(hints::lenses(state.findings.of(&here.file).map_or(&[], |(found, _)| found)))
}

fn fix(state: &mut State, here: &Here, params: &Value) -> Result<Answered, String> {
    let Some(wanted) = params.get("range").and_then(|it| lsp::Range::deserialize(it).ok()) else {
        return ok(Value::Null);
    };
    let Some((part, index)) = state.part(here) else { return ok(Value::Null) };
    let Some(source) = part.sources.file(index) else { return ok(Value::Null) };
    let tree = state.tree(here);
    let mut places = Places {
        part,
        documents: &state.documents,
        encoding: state.client.can.encoding,
        lines: BTreeMap::new(),
    };
    let mut actions = Vec::new();
    for found in part.diagnostics.iter().filter(|found| !found.fixes.is_empty()) {
        let Some(span) = found.span.filter(|span| span.file == index) else { continue };
        let range = places.range(span);
        if range.end < wanted.start || wanted.end < range.start {
            continue;
        }
        let changes: Vec<Change> =
            found.fixes.iter().filter_map(|fix| fixes::change(fix, span, &source.text, tree)).collect();
        let only = changes.len() == 1;
        for Change { title, edit } in changes {
            let range = places.range(Span { file: index, start: edit.range.start, end: edit.range.end });
            let edits = [lsp::TextEdit { range, new_text: edit.text }];
            let Some(uri) = state.documents.uri(&here.file) else { continue };
            actions.push(json!({
                "title": title,
                "kind": "quickfix",
                "isPreferred": only,
                "diagnostics": [places.diagnostic(found)],
                "edit": {"changes": {uri.as_str(): edits}},
            }));
        }
    }
    ok(actions)
}

fn hint(state: &mut State, here: &Here, params: &Value) -> Result<Answered, String> {
    let encoding = state.client.can.encoding;
    let wanted = params.get("range").and_then(|it| lsp::Range::deserialize(it).ok());
    let Some(plan) = state.reports.plan(folder(&here.root)) else { return ok(Value::Array(Vec::new())) };
    let Some(document) = state.documents.at(&here.file) else { return ok(Value::Null) };
    let Some(names) = state.workspaces.names(&here.root) else { return ok(Value::Null) };
    let mut hints = hints::hints(plan, names, &here.file, &document.content, encoding);
    hints.retain(|hint| {
        wanted.is_none_or(|wanted| {
            wanted.start.line <= hint.position.line && hint.position.line <= wanted.end.line
        })
    });
    ok(hints)
}

fn outline_of(state: &mut State, here: &Here, _: &Value) -> Result<Answered, String> {
    let (Some(text), Some(tree)) = (state.text(here), state.tree(here)) else { return ok(Value::Null) };
    let bare = text.text.get(mark(&text.text)..).unwrap_or_default();
    let lines = super::position::Lines::of(bare);
    ok(outline::symbols(tree, bare, &lines, state.client.can.encoding))
}

fn fold(state: &mut State, here: &Here, _: &Value) -> Result<Answered, String> {
    let Some(text) = state.text(here) else { return ok(Value::Null) };
    ok(outline::folds(state.tree(here), &text.text, &text.lines))
}

/// The locations of places in files of the workspace.
fn locations(state: &State, here: &Here, found: &[(PathBuf, Range<usize>)]) -> Vec<lsp::Location> {
    let Some(unit) = state.workspaces.unit(&here.root) else { return Vec::new() };
    let encoding = state.client.can.encoding;
    let mut parts: Vec<Places<'_>> = unit
        .parts
        .iter()
        .map(|part| Places { part, documents: &state.documents, encoding, lines: BTreeMap::new() })
        .collect();
    let mut indices: HashMap<&Path, Option<(usize, usize)>> = HashMap::new();
    let mut locations = Vec::new();
    for (file, range) in found {
        let index = *indices.entry(file).or_insert_with(|| {
            parts.iter().enumerate().find_map(|(at, places)| Some((at, places.part.file(file)?)))
        });
        let Some((at, index)) = index else { continue };
        let Some(places) = parts.get_mut(at) else { continue };
        let range = places.range(Span { file: index, start: range.start, end: range.end });
        if let Some(uri) = state.documents.uri(file) {
            locations.push(lsp::Location { uri, range });
        }
    }
    locations
}

/// The places of the name at a place, those that are wanted.
fn places(state: &mut State, here: &Here, name: &Name, wanted: impl Fn(bool) -> bool) -> Vec<lsp::Location> {
    let Some(names) = state.names(here) else { return Vec::new() };
    let places = names.places(name).filter(|(_, found)| wanted(found.declares));
    let places: Vec<(PathBuf, Range<usize>)> =
        places.map(|(file, found)| (file.to_owned(), found.range.clone())).collect();
    locations(state, here, &places)
}

fn define(state: &mut State, here: &Here, _: &Value) -> Result<Answered, String> {
    let Some(found) = state.name(here) else { return ok(Value::Null) };
    ok(places(state, here, &rename::declared(&found.name), |declares| declares))
}

fn refer(state: &mut State, here: &Here, params: &Value) -> Result<Answered, String> {
    let Some(found) = state.name(here) else { return ok(Value::Null) };
    let all = params.pointer("/context/includeDeclaration") != Some(&Value::Bool(false));
    ok(places(state, here, &rename::declared(&found.name), |declares| all || !declares))
}

fn prepare(state: &mut State, here: &Here, _: &Value) -> Result<Answered, String> {
    let Some(found) = state.name(here) else { return ok(Value::Null) };
    let written = state.written(&here.root, &here.file, found.range.clone()).unwrap_or_default();
    let declared = state.names(here).is_some_and(|names| names.declares(&rename::declared(&found.name)));
    let part = rename::part(&found.name, &written, found.range.clone()).filter(|_| declared);
    let Some(part) = part else {
        return Err("this workspace declares nothing of this name".to_owned());
    };
    let text = state.written(&here.root, &here.file, part.clone());
    let range = locations(state, here, &[(here.file.clone(), part)]).pop().map(|location| location.range);
    ok(json!({"range": range, "placeholder": text}))
}

fn rename_all(state: &mut State, here: &Here, params: &Value) -> Result<Answered, String> {
    let new = params.get("newName").and_then(Value::as_str).unwrap_or_default();
    let Some(found) = state.name(here) else {
        return Err("this is not a name that can be changed".to_owned());
    };
    // The names are needed while the texts are read.
    state.names(here);
    let texts: HashMap<(PathBuf, usize, usize), String> = written(state, here, &found.name);
    let text_of =
        |file: &Path, range: Range<usize>| texts.get(&(file.to_owned(), range.start, range.end)).cloned();
    let Some(names) = state.names(here) else { return ok(Value::Null) };
    let rename::Renaming { edits, consequence } = rename::rename(names, &found.name, new, text_of)?;
    let places: Vec<(PathBuf, Range<usize>)> =
        edits.iter().map(|(file, range, _)| (file.clone(), range.clone())).collect();
    let mut by_uri: BTreeMap<String, (lsp::Uri, Vec<lsp::TextEdit>)> = BTreeMap::new();
    for (location, (_, _, text)) in locations(state, here, &places).into_iter().zip(&edits) {
        let edit = lsp::TextEdit { range: location.range, new_text: text.clone() };
        by_uri.entry(location.uri.to_string()).or_insert_with(|| (location.uri, Vec::new())).1.push(edit);
    }
    let annotated = consequence.as_ref().filter(|_| state.client.annotations);
    let result = match annotated {
        Some(consequence) => annotated_edit(state, by_uri, consequence),
        None => {
            json!({"changes": by_uri.into_values().map(|(uri, edits)| (uri.to_string(), edits)).collect::<BTreeMap<_, _>>()})
        }
    };
    let warning = if annotated.is_some() { None } else { consequence };
    Ok(Answered { result, warning })
}

/// The text of each place of a name.
fn written(state: &mut State, here: &Here, name: &Name) -> HashMap<(PathBuf, usize, usize), String> {
    let declared = rename::declared(name);
    let Some(names) = state.names(here) else { return HashMap::new() };
    let places: Vec<(PathBuf, Range<usize>)> =
        names.places(&declared).map(|(file, found)| (file.to_owned(), found.range.clone())).collect();
    let text = |(file, range): (PathBuf, Range<usize>)| {
        let text = state.written(&here.root, &file, range.clone())?;
        Some(((file, range.start, range.end), text))
    };
    places.into_iter().filter_map(text).collect()
}

/// An edit that the client shows with its consequence, and asks about.
fn annotated_edit(
    state: &State,
    by_uri: BTreeMap<String, (lsp::Uri, Vec<lsp::TextEdit>)>,
    consequence: &str,
) -> Value {
    const ID: &str = "duoctl-rename";
    let changes = by_uri.into_values().map(|(uri, edits)| {
        let version =
            super::documents::path_of(&uri).and_then(|path| Some(state.documents.at(&path)?.version));
        let edits: Vec<Value> = edits
            .into_iter()
            .map(|edit| json!({"range": edit.range, "newText": edit.new_text, "annotationId": ID}))
            .collect();
        json!({"textDocument": {"uri": uri, "version": version}, "edits": edits})
    });
    let changes: Vec<Value> = changes.collect();
    json!({
        "documentChanges": changes,
        "changeAnnotations": {ID: {"label": "Rename the address", "needsConfirmation": true, "description": consequence}},
    })
}
