//! Names, notes and messages that imitate something else: a mention, a fold, a cell, a CI command, a line.

use duoctl::output::document::{Document, read};
use duoctl::output::format::{Format, render};
use duoctl::output::human::Style;
use duoctl::output::repository::Context;
use duoctl::text::{is_harmful, safe};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use pulldown_cmark::{Event, Options, Parser};
use serde_json::{Value, json};

use super::outside::{apply, documents, failure, lists, plan, verify};

/// The same without anything hostile, and as many lines where lines are intended.
fn tame(text: &str) -> Vec<Value> {
    let fix = text.lines().map(|_| "x_y").collect::<Vec<_>>().join("\n");
    vec![plan("x_y"), verify("x_y", &fix), apply("x_y", &fix), failure("x_y")]
}

pub(super) fn rendered(format: Format, value: &Value) -> String {
    let document: Document = read(value).unwrap();
    render(format, &document, &Context::default(), Style::PLAIN).unwrap()
}

/// What a renderer would show or obey outside code, according to a real parser.
fn outside_of_code(markdown: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut inside = false;
    let mut words = String::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match &event {
            Event::Text(text) => words.push_str(text),
            _ => assert_eq!(linked(&std::mem::take(&mut words)), None),
        }
        match event {
            Event::Code(_) => seen.push("CODE".to_owned()),
            Event::InlineHtml(tag) if &*tag == "<code>" => inside = true,
            Event::InlineHtml(tag) if &*tag == "</code>" => {
                inside = false;
                seen.push("CODE".to_owned());
            }
            Event::Text(_) if inside => {}
            Event::Html(html) => {
                // Tags in a block are not parsed; only numbers and letters may occur in one.
                let mut rest = &*html;
                let mut text = String::new();
                while let Some((before, after)) = rest.split_once("<code>") {
                    let (code, after) = after.split_once("</code>").expect("code ends on its line");
                    let harmless = |c: char| {
                        c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | ',' | '&' | '#' | ';' | '…')
                    };
                    assert!(code.chars().all(harmless), "{code}");
                    text += &format!("{before}CODE");
                    rest = after;
                }
                let mut text = text + rest;
                while text.contains("CODECODE") {
                    text = text.replace("CODECODE", "CODE");
                }
                seen.push(text);
            }
            event => {
                assert!(!inside, "{event:?} inside of code");
                seen.push(format!("{event:?}"));
            }
        }
    }
    // An email address is split in two.
    seen.dedup_by(|a, b| a == "CODE" && b == "CODE");
    // Spaces around code split a text in two.
    let joined = seen.join("\u{1}");
    joined.split('\u{1}').map(str::to_owned).collect()
}

/// What GitHub links in text, whether written as numbers or characters: email addresses.
fn linked(words: &str) -> Option<&str> {
    let local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    words.split_inclusive('@').find(|part| part.strip_suffix('@').is_some_and(|part| part.ends_with(local)))
}

/// Pieces with a meaning in Markdown, HTML, GitHub, GitLab, a terminal or a CI.
const PIECES: &[&str] = &[
    "@team",
    "#123",
    "GH-1",
    "!12",
    "~label",
    "`",
    "``",
    "```\n",
    "|",
    "\\",
    "\\|",
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "</details>",
    "<details>",
    "</summary>",
    "<!--",
    "-->",
    "<script>",
    "</code>",
    "<code>",
    "&#96;",
    "&lt;",
    "**",
    "_",
    "[x](https://a.example)",
    "![x](y)",
    "https://a.example",
    "www.a.example",
    "a@b.example",
    "mailto:a@b.example",
    "http://a.example",
    "::error::x",
    "\n::add-mask::x",
    "%0A::error::x",
    "##[error]x",
    "::set-output name=x::y",
    "##[add-mask]x",
    ",title=x",
    ":",
    ",",
    "%",
    "%25",
    "\u{202e}",
    "\u{1b}[31m",
    "\u{200b}",
    "\u{7}",
    "\u{2028}",
    "# ",
    "- ",
    "> ",
    "1. ",
    "/close",
    "$`x`$",
    "é",
    "名",
    "🦀",
    " ",
    "\t",
    "---",
    "|---|",
    "x",
];

pub(super) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![3 => proptest::sample::select(PIECES).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    // One character that no sentence has: a text of only words is shown outside code, as words.
    proptest::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat() + "^")
}

/// How the runner parses a line (its source: `ActionCommand.TryParseV2` and `TryParse`).
fn commands(log: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for line in log.split(['\n', '\r']) {
        assert!(!line.contains("##["), "an old command in {line:?}");
        let Some(rest) = line.trim_start().strip_prefix("::") else { continue };
        let Some((head, data)) = rest.split_once("::") else { continue };
        let (command, properties) = head.split_once(' ').unwrap_or((head, ""));
        found.push((command.to_owned(), properties.to_owned(), data.to_owned()));
    }
    found
}

fn decoded(text: &str) -> String {
    let text = text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
    text.replace("%25", "%")
}

pub(super) fn config() -> ProptestConfig {
    let found = FileFailurePersistence::Direct("tests/proptest-regressions/hostile.txt");
    ProptestConfig { failure_persistence: Some(Box::new(found)), ..ProptestConfig::with_cases(150) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn in_markdown_nothing_of_a_name_stands_outside_of_code(text in hostile()) {
        for (hostile, tame) in documents(&text).iter().zip(tame(&text)) {
            let markdown = rendered(Format::Markdown, hostile);
            prop_assert_eq!(outside_of_code(&markdown), outside_of_code(&rendered(Format::Markdown, &tame)));
            // Only the first line hides, and nothing follows the footer.
            prop_assert_eq!(markdown.matches("<!--").count(), 1 + markdown.matches("`<!--").count() + hidden_in_code(&markdown));
        }
    }

    #[test]
    fn an_annotation_is_one_command_of_one_line(text in hostile()) {
        for (hostile, tame) in documents(&text).iter().zip(tame(&text)) {
            let (log, quiet) = (rendered(Format::Github, hostile), rendered(Format::Github, &tame));
            prop_assert_eq!(log.lines().count(), quiet.lines().count());
            let (found, wanted) = (commands(&log), commands(&quiet));
            prop_assert_eq!(found.len(), wanted.len());
            for ((command, properties, data), (as_wanted, tame_properties, _)) in found.iter().zip(&wanted) {
                prop_assert_eq!(command, as_wanted);
                prop_assert!(!properties.contains(':'));
                let keys = |text: &str| text.split(',').map(|pair| pair.split('=').next().unwrap().to_owned()).collect::<Vec<_>>();
                prop_assert_eq!(keys(properties), keys(tame_properties));
                prop_assert!(decoded(data).contains(safe(&text).split('\n').next().unwrap()) || data.len() > 300 || text.contains(['\n', '\r', '\u{2028}', '\u{85}', '\u{b}', '\u{c}']) || text.contains("::"), "{} in {}", safe(&text), data);
            }
        }
    }

    #[test]
    fn for_people_a_name_adds_no_line_and_no_command(text in hostile()) {
        for (hostile, tame) in documents(&text).iter().zip(tame(&text)) {
            let shown = rendered(Format::Human, hostile);
            let extra = |value: &str| value.lines().count();
            // A value with several lines is shown on as many lines, each indented.
            let more = text.lines().count().saturating_sub(1) * 8;
            prop_assert!(extra(&shown) <= extra(&rendered(Format::Human, &tame)) + more);
            prop_assert!(text.contains(['\n', '\r']) || extra(&shown) == extra(&rendered(Format::Human, &tame)));
            prop_assert!(commands(&shown).is_empty(), "{}", shown);
            prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn a_report_for_gitlab_is_json_with_plain_descriptions(text in hostile()) {
        let report: Value = serde_json::from_str(&rendered(Format::Gitlab, &plan(&text))).unwrap();
        for issue in report.as_array().unwrap() {
            prop_assert!(!issue["description"].as_str().unwrap().chars().any(char::is_control));
        }
    }
}

/// Each invisible character once, but only some of the four thousand unassigned ones.
fn invisible() -> Vec<char> {
    let unassigned = |c: &char| ('\u{e0080}'..='\u{e0fff}').contains(c) && u32::from(*c) % 64 != 0;
    ('\u{80}'..=char::MAX).filter(|c| is_harmful(*c) && !unassigned(c)).collect()
}

#[test]
fn what_nobody_sees_is_spelled_out_in_every_format_and_exact_in_json() {
    let invisible = invisible();
    assert!(invisible.len() > 300, "{}", invisible.len());
    for some in invisible.chunks(12) {
        let text: String = some.iter().flat_map(|c| ['x', *c]).chain(['^']).collect();
        for value in documents(&text).into_iter().chain(lists(&text)) {
            for format in Format::ALL {
                let Some(shown) = render(format, &read(&value).unwrap(), &Context::default(), Style::PLAIN)
                else {
                    continue;
                };
                let raw = shown.chars().find(|c| !c.is_ascii() && is_harmful(*c));
                assert_eq!(raw, None, "{}: {shown}", format.name());
            }
        }
        let exact: Value = serde_json::from_str(&rendered(Format::Json, &plan(&text))).unwrap();
        assert_eq!(exact["steps"][0]["name"], json!(text));
        let shown = rendered(Format::Human, &plan(&text));
        assert!(some.iter().all(|c| shown.contains(&format!("\\u{{{:x}}}", u32::from(*c)))), "{shown}");
    }
}

/// `<!--` inside backticks, but not at their start.
fn hidden_in_code(markdown: &str) -> usize {
    let codes = Parser::new_ext(markdown, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Code(code) => Some(code.matches("<!--").count() - usize::from(code.starts_with("<!--"))),
        _ => None,
    });
    codes.sum()
}

/// A plan of YAML changes, without changes made in Duo.
fn quiet() -> Value {
    let mut quiet = plan("x_y");
    quiet["steps"][0]["drift"] = json!([]);
    quiet["steps"][0]["affected"] = json!(null);
    quiet
}

#[test]
fn a_huge_plan_fits_into_a_comment_and_keeps_what_is_risky() {
    let mut large = quiet();
    let tame = large["steps"][0].clone();
    let steps: Vec<Value> = (0..2_000)
        .map(|number| {
            let mut step = tame.clone();
            step["address"] = json!(format!("applications.a{number}"));
            step["name"] = json!("é`|".repeat(60));
            if number % 100 != 7 {
                step["risks"] = json!([]);
                step["changes"][0]["risk"] = json!("neutral");
            }
            step
        })
        .collect();
    large["steps"] = json!(steps);
    let markdown = rendered(Format::Markdown, &large);
    assert!(markdown.len() < 65_536 && markdown.len() > 50_000, "{}", markdown.len());
    // All twenty risks are named outside any fold.
    let (open, folded) = markdown.split_once("#### Details").unwrap();
    assert_eq!(open.matches("\n> - **widens_access**").count(), 20);
    assert!(open.contains("#### Risks\n\n> [!WARNING]\n> - "), "a forge shows them as an alert");
    // The remaining folds are those of the risky steps; the others are counted.
    for number in (7..2_000).step_by(100) {
        assert!(folded.contains(&format!("<code>applications.a{number}</code>")), "a{number}");
    }
    let shown = folded.matches("<details>").count();
    assert_eq!(shown, folded.matches("</details>").count());
    let said = folded.split("The details of the ").nth(1).unwrap().split(' ').next().unwrap();
    assert_eq!(said.parse::<usize>().unwrap(), 2_000 + 1 - shown);
    assert!(markdown.trim_end().ends_with("</sub>"), "the foot is there");
    // A comment with only risks is cut, too, and says so.
    for step in large["steps"].as_array_mut().unwrap() {
        step["risks"] = json!([{"risk": "destroys", "reason": "é|".repeat(100)}]);
    }
    let markdown = rendered(Format::Markdown, &large);
    assert!(markdown.len() < 65_536 && markdown.contains(" more, see the log"), "{}", markdown.len());
}

#[test]
fn no_more_annotations_than_github_shows_and_the_worst_first() {
    let mut many = quiet();
    let step = many["steps"][0].clone();
    many["steps"] = json!(vec![step; 40]);
    many["refusals"] = json!((0..25).map(|number| json!({"guard": "protect", "address": null, "message": format!("m{number}"), "lift": null})).collect::<Vec<_>>());
    let log = rendered(Format::Github, &many);
    let words: Vec<String> = commands(&log).into_iter().map(|(command, ..)| command).collect();
    assert_eq!(words.iter().filter(|word| *word == "error").count(), 10);
    assert_eq!(words.iter().filter(|word| *word == "warning").count(), 10);
    assert!(words.is_sorted_by_key(|word| word == "warning"), "errors come first: {words:?}");
    // One diagnostic and 25 refusals, nine of them listed individually.
    assert!(log.contains("::error title=duoctl::and 17 more of this kind"), "{log}");
}

#[test]
fn the_marker_names_command_and_workspace_and_cannot_be_closed() {
    let first = |value: &Value| rendered(Format::Markdown, value).lines().next().unwrap().to_owned();
    let mut document = plan("x");
    assert_eq!(first(&document), "<!-- duoctl:drift acme -->");
    document["workspace"] = json!("a--><b>--\n");
    assert_eq!(first(&document), "<!-- duoctl:drift a-b- -->");
    assert_eq!(first(&failure("x")), "<!-- duoctl:plan -->");
}

#[test]
fn what_is_routine_is_no_alert() {
    let mut routine = quiet();
    routine["refusals"] = json!([]);
    routine["steps"].as_array_mut().unwrap().truncate(1);
    for (risk, alerts) in
        [("narrows_access", 0), ("reduces_privilege", 0), ("widens_access", 1), ("destroys", 1)]
    {
        routine["steps"][0]["risks"] = json!([{"risk": risk, "reason": "x"}]);
        let markdown = rendered(Format::Markdown, &routine);
        assert_eq!(
            (markdown.matches("> [!WARNING]").count(), markdown.matches("[!CAUTION]").count()),
            (alerts, 0),
            "{risk}"
        );
        assert!(markdown.contains(&format!("- **{risk}**")), "{markdown}");
    }
}

#[test]
fn the_foot_links_to_the_run() {
    let run = Some("https://ci.example.com/job/7".to_owned());
    for value in documents("x_y") {
        let context = Context { run: run.clone(), ..Context::default() };
        let markdown = render(Format::Markdown, &read(&value).unwrap(), &context, Style::PLAIN).unwrap();
        assert!(markdown.ends_with(", [CI run](https://ci.example.com/job/7)</sub>\n"), "{markdown}");
    }
}
