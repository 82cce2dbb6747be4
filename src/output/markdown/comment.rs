//! Assembles a comment within GitHub's limit: the riskiest parts first, and omitted parts are counted.

use std::fmt::Write as _;

/// The maximum length of a comment. GitHub refuses more than 65,536 characters; there are never fewer bytes than that.
pub(super) const LIMIT: usize = 65_535;

/// How much of it may be used outside folds.
const OPEN: usize = 40_000;

/// A comment before it is assembled.
#[derive(Debug, Default)]
pub(super) struct Comment {
    /// The hidden line by which a pipeline finds the comment again.
    pub(super) marker: String,
    /// The heading and the summary.
    pub(super) head: String,
    /// Lists outside folds.
    pub(super) sections: Vec<Section>,
    /// The folds.
    pub(super) details: Vec<Detail>,
    /// The last line.
    pub(super) foot: String,
}

/// A list under a heading.
#[derive(Debug)]
pub(super) struct Section {
    /// The heading.
    pub(super) title: &'static str,
    /// The kind of alert that a forge shows around it, e.g. `WARNING`; `None` for a plain list.
    pub(super) alert: Option<&'static str>,
    /// Its items, the most serious first.
    pub(super) items: Vec<String>,
}

/// One fold.
#[derive(Debug)]
pub(super) struct Detail {
    /// How risky it is.
    pub(super) weight: u8,
    /// Its summary, as HTML.
    pub(super) summary: String,
    /// Its content.
    pub(super) body: String,
}

impl Comment {
    /// The text.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", self.marker, self.head);
        for section in self.sections.iter().filter(|section| !section.items.is_empty()) {
            list(&mut text, section);
        }
        let foot = format!("\n{}\n", self.foot);
        // There is always room for a line that counts the omitted parts.
        let room = LIMIT.saturating_sub(text.len() + foot.len() + 200);
        let chosen = self.chosen(room);
        if chosen.iter().any(|chosen| *chosen) {
            text.push_str("\n#### Details\n");
        }
        for (detail, _) in self.details.iter().zip(&chosen).filter(|(_, chosen)| **chosen) {
            text.push_str(&fold(detail));
        }
        match chosen.iter().filter(|chosen| !**chosen).count() {
            0 => {}
            dropped => {
                let _ = writeln!(
                    text,
                    "\n_The details of the {dropped} least risky ones do not fit in a comment; see the log or a JSON report._"
                );
            }
        }
        text.push_str(&foot);
        text
    }

    /// Which details fit, the riskiest first; a riskier one is never omitted in favour of a less risky one.
    fn chosen(&self, room: usize) -> Vec<bool> {
        let mut order: Vec<(usize, &Detail)> = self.details.iter().enumerate().collect();
        order.sort_by_key(|(_, detail)| std::cmp::Reverse(detail.weight));
        let mut chosen = vec![false; self.details.len()];
        let mut used = 0;
        for (index, detail) in order {
            used += fold(detail).len();
            if used > room {
                break;
            }
            if let Some(chosen) = chosen.get_mut(index) {
                *chosen = true;
            }
        }
        chosen
    }
}

fn list(text: &mut String, section: &Section) {
    let _ = write!(text, "\n#### {}\n\n", section.title);
    let mark = if section.alert.is_some() { "> " } else { "" };
    if let Some(alert) = section.alert {
        let _ = writeln!(text, "{mark}[!{alert}]");
    }
    for (index, item) in section.items.iter().enumerate() {
        if text.len() + item.len() > OPEN {
            let _ = writeln!(
                text,
                "{mark}- _and {} more, see the log or a JSON report_",
                section.items.len() - index
            );
            return;
        }
        let _ = writeln!(text, "{mark}- {item}");
    }
}

fn fold(detail: &Detail) -> String {
    format!("\n<details><summary>{}</summary>\n\n{}\n</details>\n", detail.summary, detail.body)
}
