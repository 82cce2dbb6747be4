//! Findings about text that is not YAML, or not the subset of YAML that the language accepts.

use granit_parser::{ErrorKind, ScanError};

use super::node::MAX_DEPTH;
use crate::diagnostic::{Code, Diagnostic, Span, Spanned};
use crate::text::shown;

/// Turns a parser error into a helpful message.
pub(super) fn error(file: usize, text: &str, error: &ScanError) -> Diagnostic {
    let start = error.marker().byte_offset().unwrap_or_default().min(text.len());
    let first = text.get(start..).and_then(|rest| rest.chars().next());
    let place = Span { file, start, end: start + first.map_or(0, char::len_utf8) };
    if let Some(tab) = tab_in_indentation(text, start) {
        let place = Span { file, start: tab, end: tab + 1 };
        return Diagnostic::error(Code::Syntax, place, "a tab is used for indentation")
            .help("YAML allows only spaces; use two per level");
    }
    match error.kind() {
            ErrorKind::RecursionLimitExceeded => too_deep(place),
            ErrorKind::UnclosedQuotedScalar => {
                Diagnostic::error(Code::Syntax, place, "the quote that opens here is never closed")
                    .help("close it with the same quote; double a single quote inside single quotes, and write \\\" inside double quotes")
            }
            ErrorKind::UnclosedFlowCollection { open } => {
                Diagnostic::error(Code::Syntax, place, format!("the `{open}` that opens here is never closed"))
                    .help("close it, or write one item per line")
            }
            ErrorKind::UnknownAnchor => {
                Diagnostic::error(Code::Syntax, place, "the alias names an anchor that does not exist before it")
                    .help("anchors are per file: write `&name` at an earlier value, or quote the text if it just starts with `*`")
            }
            ErrorKind::UnexpectedCharacter { character } => Diagnostic::error(
                Code::Syntax,
                place,
                format!("unexpected character `{}`", character.escape_debug()),
            )
            .help("quote the text if the character is part of it"),
            _ => {
                let info = error.info();
                Diagnostic::error(Code::Syntax, place, format!("this is not YAML: {info}"))
                    .help("check the indentation and quotes here and in the line above")
            }
        }
}

/// The first tab in the indentation of the line at an offset, or of the next line. The parser reports such a tab as an
/// error in a continued value.
fn tab_in_indentation(text: &str, offset: usize) -> Option<usize> {
    let start = text.get(..offset)?.rfind('\n').map_or(0, |newline| newline + 1);
    let mut line_start = start;
    for line in text.get(start..)?.split_inclusive('\n').take(2) {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line.get(..indentation).and_then(|blank| blank.find('\t'))
            && !line.trim().is_empty()
        {
            return Some(line_start + tab);
        }
        line_start += line.len();
    }
    None
}

pub(super) fn duplicate_key(key: &Spanned<String>, first: Span) -> Diagnostic {
    Diagnostic::error(Code::DuplicateKey, key.span, format!("duplicate key {}", shown(&key.value)))
        .related(first, "first defined here")
}

pub(super) fn bad_key(place: Span) -> Diagnostic {
    Diagnostic::error(Code::Syntax, place, "a key must be plain text")
        .help("quote the text if it starts with one of `[ { & * ! | > % @`")
}

pub(super) fn bad_merge(place: Span, kind: &str) -> Diagnostic {
    Diagnostic::error(Code::WrongType, place, format!("`<<` merges mappings, but this is {kind}"))
        .help("write `<<: *anchor` or `<<: [*first, *second]`; the first one wins")
}

pub(super) fn too_deep(place: Span) -> Diagnostic {
    Diagnostic::error(Code::TooLarge, place, format!("values are nested deeper than {MAX_DEPTH} levels"))
        .help("no setting needs that depth; check the indentation and brackets")
}

pub(super) fn unknown_tag(tag: &str, place: Span) -> Diagnostic {
    Diagnostic::error(Code::Syntax, place, format!("the tag {} is not part of the language", shown(tag)))
        .help("remove it, or quote the text if it just starts with `!`")
}
