//! Diagnostics for people, in the style of rustc: the message, the line, what to do.
//!
//! A source line may hold anything: it is shortened around the marked part, control and direction characters are
//! escaped, and possible secrets are masked.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity, Sources, Span};
use crate::text::{escape, is_secret_key, secret_runs};

use crate::text::counted;

/// What is shown instead of a secret.
const MASK: &str = "********";

/// All diagnostics, each as a block, and a last line that counts them; empty if there are none.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, styled: bool, width: usize) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let text = findings(diagnostics, sources, styled, width);
    format!("{text}{}\n", summary(diagnostics))
}

/// The same without the counts, if more findings may follow.
pub fn findings(diagnostics: &[Diagnostic], sources: &Sources, styled: bool, width: usize) -> String {
    let width = width.clamp(60, 400);
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(width);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let block = renderer.render(&[block(diagnostic, sources, width)]);
        // The place is printed separately, because the shown line may be cut; the snippet's empty place is dropped.
        let empty_place = |line: &&str| anstream::adapter::strip_str(line).to_string().trim() == ":::";
        for line in block.lines().filter(|line| !empty_place(line)) {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

/// The counts: `2 errors, 1 warning`.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    by_severity(diagnostics.iter().map(|diagnostic| diagnostic.severity))
}

/// The same from severities alone.
pub(crate) fn by_severity(found: impl Iterator<Item = Severity> + Clone) -> String {
    let count = |severity: Severity| {
        let count = found.clone().filter(|found| *found == severity).count();
        let word = severity.to_string();
        (count > 0).then(|| counted(count, &word, &format!("{word}s")))
    };
    let counts: Vec<String> =
        [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(count).collect();
    if counts.is_empty() { "no problems".to_owned() } else { counts.join(", ") }
}

fn block<'a>(diagnostic: &Diagnostic, sources: &Sources, width: usize) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(harmless(&diagnostic.message)).id(diagnostic.code.name());
    let mut group = Group::with_title(title);
    if let Some(span) = diagnostic.span {
        group = place(group, span, "", AnnotationKind::Primary, sources, width);
    }
    for (span, label) in &diagnostic.related {
        group = place(group, *span, label, AnnotationKind::Context, sources, width);
    }
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(harmless(help))),
        None => group,
    }
}

fn place<'a>(
    group: Group<'a>,
    span: Span,
    label: &str,
    kind: AnnotationKind,
    sources: &Sources,
    width: usize,
) -> Group<'a> {
    let Some((path, position)) = sources.locate(span) else { return group };
    let path = harmless(&path.display().to_string());
    let origin = Origin::path(path).line(position.line).char_column(position.column);
    let group = group.element(origin);
    let Some((number, begin, line)) = sources.line(span.file, span.start) else { return group };
    let marked = span.start.saturating_sub(begin)..span.end.saturating_sub(begin).min(line.len());
    let (shown, marked) = show(line, marked, &secrets(sources, span.file, begin, line), width);
    if shown.trim().is_empty() {
        return group;
    }
    let mut annotation = kind.span(marked);
    if !label.is_empty() {
        annotation = annotation.label(harmless(label));
    }
    group.element(Snippet::source(shown).line_start(number).annotation(annotation))
}

fn harmless(text: &str) -> String {
    text.chars().flat_map(escape).collect()
}

/// A line as it is shown, cut to a width around the marked part, and the position of that part in it.
fn show(line: &str, marked: Range<usize>, secrets: &[Range<usize>], width: usize) -> (String, Range<usize>) {
    let ahead = line.get(..marked.start).map_or(0, |text| text.chars().count());
    let first = ahead.saturating_sub(width / 2);
    // Leaves room for the line numbers, their border and the dots.
    let last = first + width.saturating_sub(16);
    let mut shown = String::new();
    if first > 0 {
        shown.push_str("...");
    }
    let (mut start, mut end) = (None, None);
    let mut masked = None;
    for (index, (offset, c)) in line.char_indices().enumerate() {
        if index < first {
            continue;
        }
        if offset >= marked.start && start.is_none() {
            start = Some(shown.len());
        }
        if offset >= marked.end && end.is_none() {
            end = Some(shown.len());
        }
        if index > last {
            shown.push_str("...");
            break;
        }
        match secrets.iter().position(|secret| secret.contains(&offset)) {
            Some(secret) if masked == Some(secret) => {}
            Some(secret) => {
                shown.push_str(MASK);
                masked = Some(secret);
            }
            None if c == '\t' => shown.push_str("    "),
            None => shown.extend(escape(c)),
        }
    }
    let start = start.unwrap_or(shown.len());
    let end = end.unwrap_or(shown.len()).max(start);
    (shown, start..end)
}

/// The parts of a line that may be secrets: values of secret keys, and long runs of letters and digits.
fn secrets(sources: &Sources, file: usize, begin: usize, line: &str) -> Vec<Range<usize>> {
    if inside_secret(sources, file, begin, line) {
        return std::iter::once(indentation(line)..line.len()).collect();
    }
    let mut found: Vec<Range<usize>> = keys(line)
        .filter(|(key, _)| is_secret_key(key))
        .filter_map(|(_, value)| secret_value(line, value))
        .collect();
    found.extend(secret_runs(line));
    found
}

/// The keys of a line, with the offset at which the value of each begins.
fn keys(line: &str) -> impl Iterator<Item = (&str, usize)> {
    line.match_indices(':').filter_map(|(colon, _)| {
        let rest = line.get(colon + 1..)?;
        let before = line.get(..colon)?.trim_end().trim_end_matches(['"', '\'']);
        let ends = rest.is_empty() || rest.starts_with([' ', '\t', '"', '\'', '{', '[']);
        let word = before.rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'))).next()?;
        (ends && !word.is_empty()).then(|| (word, colon + 1 + rest.len() - rest.trim_start().len()))
    })
}

/// The range of a value that is a plain-text secret; a mapping names a source, which is not secret.
fn secret_value(line: &str, begin: usize) -> Option<Range<usize>> {
    let value = line.get(begin..)?;
    let first = value.chars().next()?;
    if matches!(first, '{' | '#') || block_scalar(value) {
        return None;
    }
    let in_flow = line.get(..begin)?.contains(['{', '[']);
    let length = match first {
        '"' | '\'' => value.get(1..)?.find(first).map_or(value.len(), |end| end + 2),
        _ if in_flow => value.find([',', '}', ']']).unwrap_or(value.len()),
        _ => value.find(" #").unwrap_or(value.len()),
    };
    let word = value.get(..length)?.trim();
    let harmless = matches!(word, "" | "true" | "false" | "null" | "~");
    (!harmless).then_some(begin..begin + length)
}

fn block_scalar(value: &str) -> bool {
    value.starts_with(['|', '>'])
}

/// Whether a line continues the value of a secret key from a line above.
fn inside_secret(sources: &Sources, file: usize, begin: usize, line: &str) -> bool {
    let own_key = keys(line).next().is_some();
    let mut depth = indentation(line);
    let mut before = begin;
    for _ in 0..300 {
        if depth == 0 || before == 0 {
            return false;
        }
        let Some((_, above_begin, above)) = sources.line(file, before - 1) else { return false };
        before = above_begin;
        let above_depth = indentation(above);
        if above.trim().is_empty() || above_depth >= depth {
            continue;
        }
        depth = above_depth;
        let Some((key, value)) = keys(above).last() else { continue };
        if is_secret_key(key) {
            let value = above.get(value..).unwrap_or_default();
            let names_a_place = value.starts_with('{') || value.is_empty() || value.starts_with('#');
            if !names_a_place || !own_key && !value.starts_with('{') {
                return true;
            }
        }
    }
    false
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    fn masked(text: &str, needle: &str) -> String {
        let mut sources = Sources::default();
        sources.add("duo.yaml".into(), text.to_owned());
        let start = text.find(needle).expect("the needle");
        let span = Span { file: 0, start, end: start + needle.len() };
        let (_, begin, line) = sources.line(0, start).expect("a line");
        let marked = span.start - begin..span.end - begin;
        show(line, marked, &secrets(&sources, 0, begin, line), 200).0
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        assert_eq!(masked("secret_key: hunter2 # mine", "hunter2"), "secret_key: ******** # mine");
        assert_eq!(masked("a: {secret_key: hunter2, x: y}", "hunter2"), "a: {secret_key: ********, x: y}");
        assert_eq!(
            masked("a: {'client_secret': \"hun, ter2\", x: y}", "hun"),
            "a: {'client_secret': ********, x: y}"
        );
        assert_eq!(masked("token: |\n  hunter2\n  more", "more"), "  ********");
        assert_eq!(masked("token:\n  hunter2", "hunter2"), "  ********");
        assert_eq!(masked("token: \"abc\n  hunter2\"", "hunter2"), "  ********");
        assert_eq!(masked("name: abcdefghijklmnopqrstuvwxyz0123456789abcd", "abc"), "name: ********");
        assert_eq!(masked("secret: hunter2", "secret"), "secret: ********");
    }

    #[test]
    fn places_of_secrets_are_shown() {
        for line in [
            "secret_key: {env: DUO_SKEY}",
            "sso: {refresh_token: true}",
            "secret: {store: vault, path: vpn}",
            "token_url: https://login.example.com/token",
            "name: Who may have the secret",
        ] {
            assert_eq!(masked(line, line), line);
        }
        assert_eq!(masked("secret_key:\n  env: DUO_SKEY", "DUO_SKEY"), "  env: DUO_SKEY");
        assert_eq!(masked("secret_key: {\n  env: DUO_SKEY}", "DUO_SKEY"), "  env: DUO_SKEY}");
    }

    #[test]
    fn a_block_shows_message_line_related_place_and_help() {
        let mut sources = Sources::default();
        sources.add("a/duo.yaml".into(), "one: 1\ntwo: \u{202e}x\n".to_owned());
        let diagnostic = Diagnostic::error(
            Code::DuplicateKey,
            Span { file: 0, start: 7, end: 10 },
            "the key appears twice",
        )
        .help("keep one\u{1b}[0m")
        .related(Span { file: 0, start: 0, end: 3 }, "here first");
        insta::assert_snapshot!(render(&[diagnostic], &sources, false, 100), @r"
        error[duplicate-key]: the key appears twice
         --> a/duo.yaml:2:1
          |
        2 | two: \u{202e}x
          | ^^^
         ::: a/duo.yaml:1:1
          |
        1 | one: 1
          | --- here first
          |
          = help: keep one\u{1b}[0m

        1 error
        ");
    }

    #[test]
    fn a_long_line_is_cut_around_what_matters() {
        let mut sources = Sources::default();
        let text = format!("{}needle{}", "x ".repeat(5_000), " y".repeat(5_000));
        sources.add("duo.yaml".into(), text);
        let diagnostic =
            Diagnostic::warning(Code::InvalidValue, Span { file: 0, start: 10_000, end: 10_006 }, "found");
        let text = render(&[diagnostic], &sources, false, 100);
        assert!(text.contains("duo.yaml:1:10001"), "{text}");
        assert!(text.contains("needle") && text.len() < 700, "{text}");
    }
}
