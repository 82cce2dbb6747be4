//! The canonical form of a YAML file: the language's order of keys, uniform spacing and indentation, no unnecessary
//! quotes. Comments stay with what they belong to.
//!
//! The result is verified: the new text must have the same meaning, contain every comment equally often, and be its own
//! canonical form. Otherwise formatting is refused and the file stays unchanged.

mod attach;
mod lines;
mod order;
mod print;
mod source;

use thiserror::Error;

pub(crate) use print::WIDTH;

use crate::diagnostic::{Code, Diagnostic, Span, has_errors};
use crate::yaml;
use crate::yaml::Data;

/// The maximum number of lines: the layout of each takes about 250 bytes of memory.
const MOST_LINES: usize = 1_000_000;

/// Why a text has no canonical form.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FormatError {
    /// It is not valid YAML of the language; the findings have the places.
    #[error("the file is not valid YAML")]
    Invalid(Vec<Diagnostic>),
    /// The new text would have a different meaning or lose a comment.
    #[error("it cannot be formatted safely; format it by hand")]
    Unsafe,
}

/// The canonical form of a text. `file` is its index in [`crate::diagnostic::Sources`], for the places of findings.
pub fn canonical(file: usize, text: &str) -> Result<String, FormatError> {
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let lines = body.bytes().filter(|byte| *byte == b'\n').count();
    if lines > MOST_LINES {
        let place = Span { file, start: 0, end: 0 };
        let message =
            format!("the file has {lines} lines; only files with up to {MOST_LINES} lines can be formatted");
        let finding = Diagnostic::error(Code::TooLarge, place, message);
        return Err(FormatError::Invalid(vec![finding.help("split it into several `*.duo.yaml` files")]));
    }
    let windows = body.split_once('\n').is_some_and(|(line, _)| line.ends_with('\r'));
    let before = meaning(file, body)?;
    let body = body.replace("\r\n", "\n");
    let formatted = once(&body).ok_or(FormatError::Unsafe)?;
    if formatted != body {
        let after = meaning(file, &formatted).map_err(|_| FormatError::Unsafe)?;
        let stable = once(&formatted).is_some_and(|again| again == formatted);
        let kept = comments(&formatted) == comments(&body);
        if after != before || !stable || !kept {
            return Err(FormatError::Unsafe);
        }
    }
    let formatted = if windows { formatted.replace('\n', "\r\n") } else { formatted };
    Ok(format!("{mark}{formatted}"))
}

fn once(text: &str) -> Option<String> {
    let mut document = source::read(text)?;
    attach::comments(text, &mut document);
    order::sort(&mut document);
    Some(print::document(document))
}

/// The meaning of a text, if it can be a workspace file.
fn meaning(file: usize, text: &str) -> Result<Option<serde_json::Value>, FormatError> {
    let mut findings = Vec::new();
    let tree = yaml::parse(file, text, &mut findings);
    if let Some(tree) = &tree
        && !matches!(tree.data, Data::Mapping(_) | Data::Null)
        && !has_errors(&findings)
    {
        let place = Span { file, start: tree.span.start, end: tree.span.end };
        let message = format!("a file must be a mapping, not {}", tree.kind());
        findings.push(
            Diagnostic::error(Code::WrongType, place, message).help("run `duoctl init` to create an example"),
        );
    }
    if has_errors(&findings) {
        return Err(FormatError::Invalid(findings));
    }
    Ok(tree.map(|tree| tree.json()))
}

/// The texts of all comments, sorted.
fn comments(text: &str) -> Option<Vec<String>> {
    let document = source::read(text)?;
    let mut texts: Vec<String> = document.comments.iter().map(|comment| comment.text.clone()).collect();
    texts.sort();
    Some(texts)
}

#[cfg(test)]
mod tests;
