//! The page around what a document says, and the few forms that all of them use.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::diagnostic::Severity;
use crate::output::document::DiagnosticDocument;
use crate::output::paint::Paint;
use crate::text::safe;

/// From how many parts on a browser lays out only those that it shows.
const MANY: usize = 200;

/// Text of the terminal without its colours: the page has its own.
pub(super) const OFF: Paint = Paint { on: false };

/// The page's own rules, and those of the pictures on it.
const STYLE: &str = concat!(include_str!("page.css"), include_str!("../graph/svg.css"));
const SCRIPT: &str = include_str!("page.js");

/// Nothing is loaded or sent, and nothing runs or is styled but what stands here, whatever a name may hold.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
});

/// How something is to be taken; a class of the stylesheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// New, or proven.
    Good,
    /// To be looked at.
    Notice,
    /// A loss, a risk, a failure.
    Bad,
    /// A fact.
    Calm,
    /// What matters less.
    Faint,
}

impl Tone {
    /// The class.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Notice => "notice",
            Self::Bad => "bad",
            Self::Calm => "calm",
            Self::Faint => "faint",
        }
    }
}

/// A number with what it counts.
pub(super) type Tile = (usize, &'static str, Tone);

/// A page before it is put together.
pub(super) struct Page<'d> {
    /// What the document is of.
    pub(super) title: String,
    /// The workspace, and the account's hostname.
    pub(super) about: [Option<&'d str>; 2],
    /// The lines that sum it up.
    pub(super) summary: Vec<(String, Tone)>,
    /// Its numbers; those that are 0 are left out.
    pub(super) tiles: Vec<Tile>,
    /// What it says, the gravest first.
    pub(super) sections: Vec<Markup>,
    /// By what it was made.
    pub(super) foot: Markup,
}

impl Page<'_> {
    /// The whole file.
    pub(super) fn text(&self) -> String {
        let about: Vec<String> = self.about.iter().flatten().map(|text| safe(text)).collect();
        let heading = std::iter::once(self.title.as_str()).chain(about.first().map(String::as_str));
        let heading = heading.collect::<Vec<_>>().join(": ");
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(*POLICY);
                    meta name="referrer" content="no-referrer";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (heading) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        h1 { (self.title) }
                        p class="soft" { @for (index, text) in about.iter().enumerate() { @if index > 0 { " on " } code { (text) } } }
                        @for (line, tone) in &self.summary { p class={ "summary " (tone.class()) } { (line) } }
                        (tiles(&self.tiles))
                    }
                    (filter())
                    main { @for section in &self.sections { (section) } }
                    footer { (self.foot) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string()
    }
}

fn tiles(tiles: &[Tile]) -> Markup {
    let tiles: Vec<&Tile> = tiles.iter().filter(|(count, ..)| *count > 0).collect();
    html! {
        @if !tiles.is_empty() {
            ul class="tiles" { @for (count, words, tone) in tiles { li { b class=(tone.class()) { (count) } (words) } } }
        }
    }
}

/// Shown by the script alone: without it there is nothing to press.
fn filter() -> Markup {
    html! {
        form id="filter" hidden {
            label { "Address" input type="search" name="address"; }
            @for name in ["risk", "kind", "state"] {
                label { (name) select name=(name) { option value="" { "any" } } }
            }
            output {}
        }
    }
}

/// A part under a heading; nothing where it is empty.
pub(super) fn section(title: &str, parts: impl IntoIterator<Item = Markup>) -> Markup {
    let parts: Vec<Markup> = parts.into_iter().collect();
    html! { @if !parts.is_empty() { section class=[(parts.len() > MANY).then_some("many")] { h2 { (title) } @for part in parts { (part) } } } }
}

/// A list under a heading; nothing where it is empty.
pub(super) fn list(title: &str, items: impl IntoIterator<Item = Markup>) -> Markup {
    let items: Vec<Markup> = items.into_iter().collect();
    section(title, (!items.is_empty()).then(|| html! { ul class="items" { @for item in items { (item) } } }))
}

/// What the terminal says, line by line.
pub(super) fn said(text: &str) -> Markup {
    lines(text, true)
}

/// The same for text whose lines may begin with a name, which must not pass for a sign.
pub(super) fn said_without_signs(text: &str) -> Markup {
    lines(text, false)
}

fn lines(text: &str, signs: bool) -> Markup {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    html! {
        @if !lines.is_empty() {
            ul class="said" {
                @for line in lines {
                    @match line.split_once(' ') {
                        Some((sign @ "@", rest)) if signs => li { b class="calm" { (sign) } " " (spans(rest)) },
                        Some((sign @ ("!" | "?"), rest)) if signs => li { b class="notice" { (sign) } " " (spans(rest)) },
                        _ => li { (spans(line)) },
                    }
                }
            }
        }
    }
}

/// A sentence; what it has between backticks is code.
pub(super) fn prose(text: &str) -> Markup {
    spans(&safe(text))
}

fn spans(text: &str) -> Markup {
    html! {
        @for (index, piece) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

/// A name or an ID.
pub(super) fn code(text: &str) -> Markup {
    html! { code { (safe(text)) } }
}

/// A word that stands out.
pub(super) fn tag(text: &str, tone: Tone) -> Markup {
    html! { span class={ "tag " (tone.class()) } { (safe(text)) } }
}

/// The version that wrote a page.
pub(super) fn tool() -> Markup {
    html! { "duoctl " (env!("CARGO_PKG_VERSION")) }
}

/// What was found, the worst first.
pub(super) fn problems(found: &[DiagnosticDocument]) -> Markup {
    let mut sorted: Vec<&DiagnosticDocument> = found.iter().collect();
    sorted.sort_by_key(|found| std::cmp::Reverse(found.severity));
    let items = sorted.into_iter().map(|found| {
        let tone = match found.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Notice,
            Severity::Note => Tone::Calm,
        };
        html! {
            li class=(tone.class()) {
                (tag(&found.severity.to_string(), tone)) " " (code(&found.code)) " " (prose(&found.message))
                @if let Some(place) = &found.place {
                    " " span class="place" { (safe(&place.file)) ":" (place.line) ":" (place.column) }
                }
                @for related in &found.related { p class="soft" { (prose(&related.label)) } }
                @if let Some(help) = &found.help { p { (prose(help)) } }
            }
        }
    });
    list("Problems", items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_as_it_is_cannot_end_its_element() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("</") && !text.contains("<!--") && text.is_ascii(), "{text}");
        }
        // A browser compares the hashes with what stands between the tags.
        assert!(!STYLE.contains('\r') && !SCRIPT.contains('\r'));
    }
}
