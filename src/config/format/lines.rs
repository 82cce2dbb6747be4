//! Lines of the new text.

use super::source::Remark;

/// The lines of a file that is being written.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<Line>);

#[derive(Debug)]
struct Line {
    text: String,
    comment: Option<String>,
    /// Whether it is part of a text, so that trailing spaces are significant.
    verbatim: bool,
    /// Whether an empty line below it would be part of its text.
    keeps: bool,
}

impl Lines {
    pub(super) fn push(&mut self, text: String, comment: Option<Remark>) {
        let comment = comment.map(|remark| remark.text);
        self.0.push(Line { text, comment, verbatim: false, keeps: false });
    }

    /// A line of a text in `|` or `>`.
    pub(super) fn verbatim(&mut self, text: String) {
        self.0.push(Line { text, comment: None, verbatim: true, keeps: false });
    }

    /// Marks the last line: an empty line below it would be part of its text.
    pub(super) fn keep(&mut self) {
        if let Some(last) = self.0.last_mut() {
            last.keeps = true;
        }
    }

    /// Adds an empty line, unless the text is empty or ends with one.
    pub(super) fn blank(&mut self) {
        if self.0.last().is_some_and(|line| !line.keeps && (line.verbatim || !line.text.is_empty())) {
            self.push(String::new(), None);
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Replaces the indentation of the first line with a dash.
    pub(super) fn dash(&mut self, indent: usize) {
        if let Some(first) = self.0.first_mut() {
            let rest = first.text.trim_start_matches(' ').to_owned();
            first.text = format!("{}- {rest}", " ".repeat(indent));
        }
    }

    /// The text. A trailing comment is one space after its line, where editors put it.
    pub(super) fn text(self) -> String {
        let mut text = String::new();
        for line in self.0 {
            text.push_str(&line.text);
            if let Some(comment) = &line.comment {
                text.push(' ');
                text.push_str(comment);
            }
            text.push('\n');
        }
        text
    }
}
