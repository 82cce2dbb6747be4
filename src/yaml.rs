//! YAML as a tree in which every key and value has its place. Aliases and merge keys are resolved within a budget.
//!
//! YAML 1.2 with its core schema: only `true` and `false` are booleans, so `no` and `on` are text; `017`, `0o17`, `0x1F` and
//! `.inf` are numbers, and anything with underscores is text.

use crate::diagnostic::Diagnostic;

mod build;
mod node;
mod reparse;
pub(crate) mod scalar;
mod syntax;

pub use node::{Data, Entry, Node, find, size};
pub(crate) use reparse::reparse;
pub use scalar::plain;

/// Parses the text of one file. `None` if it has no value or is not YAML; the diagnostics tell which.
pub fn parse(file: usize, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    build::Builder::new(file, text, diagnostics).run()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::diagnostic::{Code, Span};

    fn read(text: &str) -> Value {
        let mut diagnostics = Vec::new();
        let node = parse(0, text, &mut diagnostics);
        assert_eq!(diagnostics, [], "{text}");
        node.map_or(Value::Null, |node| node.json())
    }

    fn refused(text: &str) -> (Code, usize) {
        let mut diagnostics = Vec::new();
        parse(0, text, &mut diagnostics);
        let first = diagnostics.first().expect("refused");
        (first.code, first.span.expect("a place").start)
    }

    #[test]
    fn plain_values_follow_yaml_1_2() {
        let text = "[no, on, true, ~, 12, -3, 1.5, 0600, 1_000, 1e3, .5, '12', 99999999999999999999, 0x1F, 0o17, 0b1, 1.2.3, 2027-01-01]";
        let value = json!([
            "no",
            "on",
            true,
            null,
            12,
            -3,
            1.5,
            600,
            "1_000",
            1000.0,
            0.5,
            "12",
            99999999999999999999.0,
            31,
            15,
            "0b1",
            "1.2.3",
            "2027-01-01"
        ]);
        assert_eq!(read(text), value);
    }

    #[test]
    fn merges_fill_in_what_is_not_there() {
        let text =
            "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  x: 3\n  <<: [*a, *b]\nd: {<<: *a, '<<': 5}\n";
        let read = read(text);
        assert_eq!(read["c"], json!({"x": 3, "y": 1, "z": 2}));
        assert_eq!(read["d"], json!({"<<": 5, "x": 1, "y": 1}));
    }

    #[test]
    fn spans_cover_what_was_written() {
        let text = "a:\n  - one\n  - {b: 'two'}\n\nc:\n";
        let node = parse(0, text, &mut Vec::new()).expect("a value");
        let Data::Mapping(entries) = node.data else { panic!("a mapping") };
        let slice = |span: Span| text.get(span.start..span.end).expect("inside");
        assert_eq!(slice(entries[0].value.span), "- one\n  - {b: 'two'}");
        let Data::List(items) = &entries[0].value.data else { panic!("a list") };
        assert_eq!(slice(items[1].span), "{b: 'two'}");
        assert_eq!(slice(entries[1].value.span), "c");
    }

    #[test]
    fn bombs_and_depth_are_refused_quickly() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let previous = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{previous}]\n"));
        }
        assert_eq!(refused(&bomb).0, Code::TooLarge);
        assert_eq!(refused(&"[".repeat(100_000)).0, Code::TooLarge);
        let mut chain = String::from("a0: &a0 [x]\n");
        for level in 1..200 {
            chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
        }
        assert_eq!(refused(&chain).0, Code::TooLarge);
        assert_eq!(refused(&format!("a: [{}]\n", "x,".repeat(1_000_000))).0, Code::TooLarge);
        let long = "x".repeat(1 << 20);
        let texts = format!("a: &a {long}\nb: [{}]\n", vec!["*a"; 500].join(", "));
        assert_eq!(refused(&texts).0, Code::TooLarge);
        let nested: String = (0..60).map(|level| format!("&a{level} [")).collect();
        assert_eq!(
            refused(&format!("a: {nested}{}{}\n", "x".repeat(8 << 20), "]".repeat(60))).0,
            Code::TooLarge
        );
        assert_eq!(refused("a: &a [*a]").0, Code::Syntax);
    }

    #[test]
    fn what_is_not_yaml_is_said_where_it_is() {
        assert_eq!(refused("a:\n\tb: c\n"), (Code::Syntax, 3));
        assert_eq!(refused("a: 'x\nb: c\n"), (Code::Syntax, 3));
        assert_eq!(refused("a: b\n---\nc: d\n"), (Code::Syntax, 5));
        assert_eq!(refused("? [a]\n: b\n").0, Code::Syntax);
        assert_eq!(refused("a: !env X\n").0, Code::Syntax);
        assert_eq!(refused("a: 1\nb: 2\na: 3\n"), (Code::DuplicateKey, 10));
        assert_eq!(refused("a: *missing\n").0, Code::Syntax);
        assert_eq!(refused("a: {<<: text}\n").0, Code::WrongType);
    }

    #[test]
    fn a_finding_ends_between_two_characters() {
        for text in [
            "a: {b: 1}\u{1f511}",
            "a: [\u{e9}",
            "a: \"\u{e9}",
            "\u{e9}: b: c",
            "a: *\u{1f511}",
            "a: 'b' \u{e9}",
        ] {
            let mut diagnostics = Vec::new();
            parse(0, text, &mut diagnostics);
            for span in diagnostics.iter().filter_map(|found| found.span) {
                assert!(text.get(span.start..span.end).is_some(), "{text}: {span:?}");
            }
        }
    }

    #[test]
    fn one_anchor_may_be_used_many_times() {
        let mut text = String::from("base: &base {a: 1}\n");
        for index in 0..5_000 {
            text.push_str(&format!("k{index}: {{<<: *base, b: {index}}}\n"));
        }
        assert_eq!(read(&text)["k4999"], json!({"b": 4999, "a": 1}));
    }
}
