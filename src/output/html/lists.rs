//! The pages of what lists: objects, keys with their ages, imported applications, and a command that failed.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::page::{
    OFF, Page, Tile, Tone, code, list, problems, prose, said, said_without_signs, section, tag, tool,
};
use super::{apply, plan};
use crate::output::document::{
    COLUMNS, FailureDocument, ImportDocument, KeyChangesDocument, KeysDocument, ListDocument,
    OutcomeDocument, StepStatus, short_row,
};
use crate::output::human::{keys as key_texts, list as lists};
use crate::reconcile::age::KeyAge;
use crate::reconcile::inventory::{Entry, Keeping};
use crate::reconcile::listing::{Listed, State};
use crate::reconcile::rotation::Rotation;
use crate::text::{counted, safe};

/// The page of `list`.
pub(super) fn objects(list: &ListDocument) -> Page<'_> {
    let rows = list.objects.iter().map(object);
    let table = html! {
        div class="wide" {
            table {
                thead { tr { @for column in COLUMNS { th { (column) } } } }
                tbody { @for row in rows { (row) } }
            }
        }
    };
    let state = |listed: &Listed| (listed.state, listed.state.word(), state_tone(listed.state));
    Page {
        title: "duoctl list".to_owned(),
        about: [Some(&list.workspace), Some(&list.api_hostname)],
        summary: vec![(list.last_line(), Tone::Calm)],
        tiles: tally(list.objects.iter().map(state)),
        sections: vec![section("Objects", [table])],
        foot: tool(),
    }
}

/// How many there are of each, in the order of the first of each pair.
fn tally<K: Ord>(all: impl Iterator<Item = (K, &'static str, Tone)>) -> Vec<Tile> {
    let mut counts = std::collections::BTreeMap::new();
    all.for_each(|(key, words, tone)| counts.entry(key).or_insert((0, words, tone)).0 += 1);
    counts.into_values().collect()
}

/// How a column may be broken into lines: a day never, a text from outside anywhere.
fn wrapping(column: &str) -> Option<&'static str> {
    match column {
        "last_use" => Some("day"),
        "name" | "policy" => Some("free"),
        _ => None,
    }
}

fn object(listed: &Listed) -> Markup {
    let [address, middle @ .., _] = short_row(listed);
    html! {
        tr data-address=(safe(&address)) data-kind=(safe(&listed.variant)) data-state=(listed.state.word()) {
            th scope="row" { (code(&address)) }
            @for (column, cell) in COLUMNS.iter().skip(1).zip(&middle) { td class=[wrapping(column)] { (safe(cell)) } }
            td { (tag(listed.state.word(), state_tone(listed.state))) }
        }
    }
}

fn state_tone(state: State) -> Tone {
    match state {
        State::InSync => Tone::Good,
        State::Unmanaged | State::Quarantined => Tone::Faint,
        State::Stopped => Tone::Bad,
        State::Differs | State::ToAdopt | State::Missing | State::Rotating | State::Orphan => Tone::Notice,
    }
}

/// The page of `keys list`: overdue ones first, then those that a consumer may be refused with, then the next due.
pub(super) fn keys(keys: &KeysDocument) -> Page<'_> {
    let mut entries: Vec<&Entry> = keys.applications.iter().collect();
    entries.sort_by_key(|entry| {
        (
            Reverse(entry.overdue == Some(true)),
            Reverse(entry.is_amiss()),
            entry.due_at.unwrap_or(Timestamp::MAX),
        )
    });
    let axis = Axis::of(keys);
    let overdue = keys.applications.iter().filter(|entry| entry.overdue == Some(true)).count();
    let states = keys
        .applications
        .iter()
        .map(|entry| (entry.state.words(), entry.state.words(), keeping_tone(entry.state)));
    let amiss = overdue > 0 || keys.applications.iter().any(Entry::is_amiss);
    let table = html! {
        div class="wide" {
            table {
                thead {
                    tr {
                        th { "Application" } th { "State" } th { "Key" }
                        @if let Some(axis) = &axis { th { div class="axis" { span { (day(axis.begin)) } span { (day(axis.end)) } } } }
                    }
                }
                tbody { @for entry in entries { (key(entry, keys, axis.as_ref())) } }
            }
        }
        @if axis.is_some() { (legend()) }
    };
    Page {
        title: "duoctl keys list".to_owned(),
        about: [None, None],
        summary: vec![(keys.last_line(), if amiss { Tone::Bad } else { Tone::Good })],
        tiles: std::iter::once((overdue, "older than max_age", Tone::Bad)).chain(tally(states)).collect(),
        sections: vec![
            section("Rotations", (!keys.rotations.is_empty()).then(|| rotations(&keys.rotations))),
            section("Keys", [table]),
        ],
        foot: tool(),
    }
}

/// The rotations that are in progress.
pub(super) fn rotations(rotations: &[Rotation]) -> Markup {
    html! { div class="sheet" { (said(&lists::status(rotations, OFF))) } }
}

fn keeping_tone(state: Keeping) -> Tone {
    match state {
        Keeping::Current => Tone::Good,
        Keeping::Due | Keeping::NotCreated => Tone::Notice,
        Keeping::Unreadable | Keeping::Stopped => Tone::Bad,
        Keeping::CannotTell | Keeping::NotKept => Tone::Faint,
    }
}

fn key(entry: &Entry, keys: &KeysDocument, axis: Option<&Axis>) -> Markup {
    let overdue = entry.overdue == Some(true);
    let state = if overdue { "overdue".to_owned() } else { entry.state.words().replace(' ', "_") };
    html! {
        tr data-address=(safe(entry.address.as_str())) data-state=(state) {
            th scope="row" {
                (code(entry.address.as_str()))
                @if let Some(ikey) = &entry.integration_key { p class="place" { (safe(ikey.as_str())) } }
            }
            td {
                (tag(entry.state.words(), keeping_tone(entry.state)))
                @if overdue { " " (tag("older than max_age", Tone::Bad)) }
                @if let Some(reason) = &entry.reason { p { (prose(reason)) } }
            }
            td class="known" {
                @if let Some(place) = &entry.place {
                    p { (prose(place)) @if let Some(at) = &entry.delivered_at { ", delivered " (safe(at)) } }
                }
                @if let Some(age) = &entry.age { p { "key " (prose(&age.words())) } }
                @if let (Some(due), Some(now)) = (entry.due_at, keys.read_at) { p { (term(due, now)) } }
                @if let Some(since) = entry.rotating_since { p { "being rotated since " (since) } }
                @if let Some(proof) = &entry.proof { p class="soft" { (prose(proof)) } }
            }
            @if let Some(axis) = axis { td { (axis.bar(entry, keys)) } }
        }
    }
}

/// When a key becomes too old.
fn term(due: Timestamp, now: Timestamp) -> String {
    let days = due.duration_since(now).as_hours() / 24;
    let count = counted(usize::try_from(days.unsigned_abs()).unwrap_or_default(), "day", "days");
    if due <= now {
        format!("due since {}, {count}", day(due))
    } else {
        format!("due on {}, in {count}", day(due))
    }
}

fn day(at: Timestamp) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}

fn legend() -> Markup {
    html! {
        p class="key soft" {
            i class="age" {} "age" i class="over" {} "beyond max_age" i class="open" {} "created before" i class="due" {} "due"
            i class="sent" {} "delivered" i class="turn" {} "rotation begun, new key delivered" i class="last" {} "last use of the old key"
            i class="first" {} "last use of the new key" i class="now" {} "time of this report"
        }
    }
}

/// What the bars are drawn along.
struct Axis {
    begin: Timestamp,
    end: Timestamp,
    now: Timestamp,
}

/// How wide a bar is, in units of its own.
const WIDTH: i64 = 1000;

/// How far the axis goes into the future: a key that is due in ten years must not shrink all others.
const AHEAD: SignedDuration = SignedDuration::from_hours(365 * 24);

impl Axis {
    /// From the oldest key to the last that becomes due; `None` where no age is known.
    fn of(keys: &KeysDocument) -> Option<Self> {
        let now = keys.read_at?;
        let begin =
            keys.applications.iter().filter_map(|entry| made(entry).map(|(at, _)| at)).min()?.min(now);
        let furthest = now.checked_add(AHEAD).unwrap_or(now);
        let end = keys.applications.iter().filter_map(|entry| entry.due_at).max().unwrap_or(now);
        Some(Self { begin, end: end.clamp(now, furthest), now })
    }

    fn place(&self, at: Timestamp) -> i64 {
        let whole = self.end.duration_since(self.begin).as_secs().max(1);
        (at.clamp(self.begin, self.end).duration_since(self.begin).as_secs() / 60 * WIDTH)
            / (whole / 60).max(1)
    }

    /// The life of one key.
    fn bar(&self, entry: &Entry, keys: &KeysDocument) -> Markup {
        let Some((begin, exact)) = made(entry) else { return html! {} };
        let (from, now) = (self.place(begin), self.place(self.now));
        let due = entry.due_at.map(|due| (self.place(due), due <= self.end));
        // What is beyond `max_age` is drawn over its age.
        let over = due.map(|(due, _)| due).filter(|due| *due < now);
        let rotation = keys.rotations.iter().find(|rotation| rotation.address == entry.address);
        let turns = rotation.into_iter().flat_map(|it| [it.since, it.delivered_at]).flatten();
        let sent = entry.delivered_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
        let used = rotation.map(|it| (it.evidence.old_used_at, it.evidence.new_used_at)).unwrap_or_default();
        html! {
            svg class="bar" viewBox={ "0 0 " (WIDTH) " 22" } preserveAspectRatio="none" aria-hidden="true" {
                (block("track", 0, WIDTH, 6, 10))
                (block(if exact { "age" } else { "open" }, from, now, 6, 10))
                @if let Some(due) = over { (block("over", due, now, 6, 10)) }
                @if let Some((due, _)) = due { @if due > now { (block("left", now, due, 6, 10)) } }
                @if let Some((due, true)) = due { (block("due", due - 4, due + 1, 2, 18)) }
                @if let Some(sent) = sent { (block("sent", self.place(sent) - 3, self.place(sent) + 2, 4, 14)) }
                @if let (Some(old), _) = used { (block("last", self.place(old) - 5, self.place(old) + 5, 14, 8)) }
                @if let (_, Some(new)) = used { (block("first", self.place(new) - 5, self.place(new) + 5, 0, 8)) }
                @for turn in turns { (block("turn", self.place(turn) - 4, self.place(turn) + 1, 2, 18)) }
                (block("now", now - 2, now, 0, 22))
            }
        }
    }
}

fn block(class: &str, from: i64, to: i64, top: i64, height: i64) -> Markup {
    let from = from.clamp(0, WIDTH - 1);
    html! { rect class=(class) x=(from) y=(top) width=((to - from).max(1)) height=(height) {} }
}

/// When a key was made, and whether that is exact.
fn made(entry: &Entry) -> Option<(Timestamp, bool)> {
    match entry.age.as_ref()? {
        KeyAge::Since { at, .. } => Some((*at, true)),
        KeyAge::Before { at, .. } => Some((*at, false)),
        KeyAge::Unknown { .. } => None,
    }
}

/// The page of `import`.
pub(super) fn import(import: &ImportDocument) -> Page<'_> {
    let rows = import.entries.iter().map(|entry| {
        html! {
            tr data-address=(safe(&entry.address)) data-kind=(safe(&entry.kind)) {
                th scope="row" { (code(&entry.address)) } td { (safe(&entry.kind)) } td class="free" { (safe(&entry.name)) } td { (code(&entry.integration_key)) }
            }
        }
    });
    let table = html! {
        div class="wide" {
            table {
                thead { tr { th { "Address" } th { "Type" } th { "Name" } th { "ID" } } }
                tbody { @for row in rows { (row) } }
            }
        }
    };
    let line = import.last_line();
    Page {
        title: "duoctl import".to_owned(),
        about: [None, None],
        summary: vec![(line.clone(), Tone::Calm)],
        tiles: Vec::new(),
        sections: vec![
            told("Files", &lists::import(import, OFF), &line),
            section("Imported", (!import.entries.is_empty()).then_some(table)),
        ],
        foot: tool(),
    }
}

/// What the terminal shows but for its last line, which stands at the top of the page.
pub(super) fn told(title: &str, text: &str, last_line: &str) -> Markup {
    let text = text.trim_end();
    let text = text.strip_suffix(last_line).unwrap_or(text);
    section(title, (!text.is_empty()).then(|| html! { div class="sheet" { (said_without_signs(text)) } }))
}

/// The page of `keys rotate`, `keys confirm` and `keys abort`.
pub(super) fn key_changes(changes: &KeyChangesDocument) -> Page<'_> {
    let undone = |outcome: &OutcomeDocument| outcome.status != StepStatus::Applied;
    let good = changes.refused() == 0 && !changes.steps.iter().any(undone);
    let (line, planned) = (changes.last_line(), changes.planned.as_slice());
    Page {
        title: format!("duoctl {}", safe(&changes.command)),
        about: [None, None],
        summary: vec![(line.clone(), if good { Tone::Good } else { Tone::Bad })],
        tiles: Vec::new(),
        sections: vec![
            problems(&changes.diagnostics),
            told("Refused", &key_texts::refusals(changes, OFF), ""),
            apply::outcomes(&changes.steps, planned, "Not done", undone),
            told("Rotations", &key_texts::changed(changes, OFF), &line),
            apply::outcomes(&changes.steps, planned, "Done", |outcome| !undone(outcome)),
            plan::steps(planned, "Planned changes"),
        ],
        foot: tool(),
    }
}

/// The page of a command that could not do its work.
pub(super) fn failure(failure: &FailureDocument) -> Page<'_> {
    let help = failure.help.iter().map(|line| html! { li { (prose(line)) } });
    Page {
        title: format!("duoctl {}", safe(&failure.command)),
        about: [failure.workspace.as_deref(), None],
        summary: vec![
            (failure.last_line(), Tone::Bad),
            (format!("exit code {}", failure.exit_code), Tone::Faint),
        ],
        tiles: Vec::new(),
        sections: vec![list("What to do", help), problems(&failure.diagnostics)],
        foot: tool(),
    }
}
