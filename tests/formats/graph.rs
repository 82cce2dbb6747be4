//! The drawings of a graph: no name from outside is more than text in any of their languages.

use duoctl::output::format::Format;
use proptest::prelude::*;
use regex::Regex;

use super::hostile::{config, hostile, rendered};
use super::outside::graph;

/// The drawing without the texts of its nodes; an error is a line or element that a name brought along.
fn skeleton(format: Format, text: &str) -> Result<String, String> {
    // The standard library may know letters of a newer Unicode than the regular expressions do.
    let text: &str = &text.replace(|letter: char| !letter.is_ascii() && letter.is_alphanumeric(), "x");
    let lines = |line: &str, label: &str| -> Result<String, String> {
        let (line, label) = (Regex::new(line).unwrap(), Regex::new(label).unwrap());
        let strange = text.lines().find(|text| !line.is_match(text));
        strange.map_or_else(|| Ok(label.replace_all(text, "").into_owned()), |line| Err(line.to_owned()))
    };
    match format {
        // A label has letters, numbers, blanks, joined words, and entities.
        Format::Mermaid => lines(
            r#"^(%% [^{}%]*|flowchart LR|  n\d+[^\w\s"]+"(#\d+;|[\w .,·…-]|<br>)*"[^\w\s"]+(:::\w+)?|  n\d+ [-.>|+]+ n\d+|  (classDef|linkStyle) [\w #:,-]+)$"#,
            r#""[^"]*""#,
        ),
        Format::Dot => lines(
            r#"^(digraph duoctl \{|\}|  (graph|node|edge) \[.*\];|  label="([^"\\]|\\.)*";|  n\d+ \[label="([^"\\]|\\.)*", tooltip="([^"\\]|\\.)*"(, \w+="[\w#,]+"|, penwidth=2)*\];|  n\d+ -> n\d+( \[[\w#=", +-]+\])?;)$"#,
            r#"(label|tooltip)="([^"\\]|\\.)*""#,
        ),
        _ => {
            let (head, rest) = text.split_once("<style>").unwrap();
            let (_, rest) = rest.split_once("</style>").unwrap();
            let svg = format!("{head}{rest}");
            let svg = svg.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
            let tag =
                Regex::new(r#"</?(svg|title|desc|rect|text|tspan|g|path)((?: [A-Za-z-]+="[^"<>]*")*)>"#)
                    .unwrap();
            let tags: Vec<&str> = tag.find_iter(svg).map(|found| found.as_str()).collect();
            let texts = tag.replace_all(svg, "").into_owned();
            if texts.contains(['<', '>']) { Err(texts) } else { Ok(tags.concat()) }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_name_is_only_text_in_a_drawing(text in hostile()) {
        for format in [Format::Mermaid, Format::Dot, Format::Svg] {
            let of = |text: &str| skeleton(format, &rendered(format, &graph(text)));
            let found = of(&text);
            prop_assert!(found.is_ok(), "{:?}", found);
            prop_assert_eq!(found, of("x_y^"));
        }
    }
}

#[test]
fn the_check_sees_what_a_name_could_do() {
    for (format, name, instead) in [
        (Format::Mermaid, "x_y", "\"]\n  click n0 callback"),
        (Format::Mermaid, "\"x_y", "\"<img src=x>x"),
        (Format::Dot, "label=\"x_y", "label=\"\\\"];\n  n9 -> n9 [label=\"x_y"),
        (Format::Dot, "label=\"x_y", "label=\"\", URL=\"x"),
        (Format::Svg, ">x_y", "><image href=\"x\">x_y"),
        (Format::Svg, ">x_y", " onload=\"x\">x_y"),
    ] {
        let drawing = rendered(format, &graph("x_y"));
        assert!(drawing.contains(name), "{drawing}");
        let tame = skeleton(format, &drawing);
        assert!(tame.is_ok(), "{tame:?}");
        assert_ne!(skeleton(format, &drawing.replacen(name, instead, 1)), tame, "{instead}");
    }
}

#[test]
fn a_drawing_says_what_is_what() {
    let document = graph("x");
    for format in [Format::Mermaid, Format::Dot, Format::Svg] {
        let drawing = rendered(format, &document);
        for words in ["All users", "+ x", "- 3 unmanaged applications of type x", "unmanaged · x"] {
            let encoded = words.replace('+', "#43;").replace("- ", "#45; ");
            assert!(drawing.contains(words) || drawing.contains(&encoded), "{words}\n{drawing}");
        }
    }
}
