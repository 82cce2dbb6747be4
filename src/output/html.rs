//! Documents as one HTML file that needs nothing else: readable without a script, light and dark, and fit for paper. What
//! is risky and what a person has to do come first, then each change. Where the terminal has a sentence for something,
//! the page has the same one.
//!
//! Nothing from outside is markup: every text goes through `maud`, which escapes it, and [`page`] forbids everything that
//! it did not write itself.

mod apply;
mod graph;
mod lists;
mod page;
mod plan;
mod verify;

use super::document::Document;
use super::human::{self, Style};
use crate::text::safe;
use page::{Page, Tone, problems, section, tool};

/// The document as a page.
pub(super) fn render(document: &Document) -> String {
    match document {
        Document::Plan(plan) => plan::page(plan, "duoctl plan"),
        Document::Drift(plan) => plan::page(plan, "duoctl drift"),
        Document::Apply(apply) => apply::page(apply),
        Document::Verify(verify) => verify::page(verify),
        Document::Doctor(doctor) => verify::doctor(doctor),
        Document::List(list) => lists::objects(list),
        Document::Keys(keys) => lists::keys(keys),
        Document::Rotations(rotations) => Page {
            title: "duoctl keys status".to_owned(),
            sections: vec![section("Rotations", [lists::rotations(&rotations.rotations)])],
            ..plain(document)
        },
        Document::Validate(validate) => Page {
            about: [validate.workspace.as_deref(), None],
            summary: vec![(validate.last_line(), if validate.valid { Tone::Good } else { Tone::Bad })],
            sections: vec![problems(&validate.diagnostics)],
            ..plain(document)
        },
        Document::Failure(failure) => lists::failure(failure),
        Document::KeyChanges(changes) => lists::key_changes(changes),
        Document::Edit(edit) => Page {
            title: format!("duoctl {}", safe(&edit.command)),
            sections: vec![lists::told("Values", &human::whole(document, Style::PLAIN), &edit.last_line())],
            ..plain(document)
        },
        Document::Import(import) => lists::import(import),
        Document::Graph(graph) => graph::page(graph),
        Document::Handoff(handoffs) => Page {
            sections: handoffs.handoffs.iter().map(|handoff| plan::sheet(handoff, true)).collect(),
            ..plain(document)
        },
    }
    .text()
}

/// A page that only has its last line.
fn plain(document: &Document) -> Page<'_> {
    Page {
        title: format!("duoctl {}", document.kind()),
        about: [None, None],
        summary: document.last_line().into_iter().map(|line| (line, Tone::Calm)).collect(),
        tiles: Vec::new(),
        sections: Vec::new(),
        foot: tool(),
    }
}
