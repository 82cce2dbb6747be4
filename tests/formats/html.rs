//! The page of every document: what it says, what it may do, and that no text from outside is more than text.

use base64::Engine as _;
use duoctl::output::document::read;
use duoctl::output::format::Format;
use duoctl::output::human::{self, Style};
use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::hostile::{config, hostile, rendered};
use super::outside::{documents, lists, plan};
use crate::support::{Folder, Server, THREE};

/// Every element that a page may have, and every attribute.
const ELEMENTS: &[&str] = &[
    "article", "b", "body", "br", "code", "del", "desc", "details", "div", "g", "footer", "form", "h1", "h2",
    "head", "header", "html", "i", "input", "ins", "label", "li", "main", "meta", "ol", "option", "output",
    "p", "path", "pre", "rect", "script", "section", "select", "span", "style", "summary", "svg", "table",
    "tbody", "td", "text", "th", "thead", "title", "tr", "tspan", "ul",
];
const ATTRIBUTES: &[&str] = &[
    "aria-hidden",
    "aria-labelledby",
    "charset",
    "class",
    "colspan",
    "content",
    "d",
    "data-address",
    "data-kind",
    "data-risk",
    "data-state",
    "dx",
    "height",
    "hidden",
    "http-equiv",
    "id",
    "lang",
    "name",
    "open",
    "preserveAspectRatio",
    "role",
    "rx",
    "scope",
    "text-anchor",
    "type",
    "value",
    "viewBox",
    "width",
    "x",
    "y",
];

/// The tags of a page with the names of their attributes. Whatever is no tag holds no `<`.
fn tags(page: &str) -> Vec<String> {
    let cut = |page: &str, tag: &str| {
        let (before, rest) = page.split_once(&format!("<{tag}>")).unwrap();
        let (inside, after) = rest.split_once(&format!("</{tag}>")).unwrap();
        (inside.to_owned(), format!("{before}<{tag}></{tag}>{after}"))
    };
    let (_, page) = cut(page, "style");
    let (_, page) = cut(&page, "script");
    let page = page.strip_prefix("<!DOCTYPE html>").unwrap();
    let tag = Regex::new(r#"<(/?)([a-z0-9]+)((?: [A-Za-z-]+(?:="[^"<>]*")?)*)>"#).unwrap();
    let attribute = Regex::new(r#" ([A-Za-z-]+)(?:="[^"]*")?"#).unwrap();
    let mut found = Vec::new();
    let rest = tag.replace_all(page, |tag: &regex::Captures<'_>| {
        let names: Vec<&str> =
            attribute.captures_iter(&tag[3]).map(|it| it.get(1).unwrap().as_str()).collect();
        assert!(
            ELEMENTS.contains(&&tag[2]) && names.iter().all(|name| ATTRIBUTES.contains(name)),
            "{}",
            &tag[0]
        );
        found.push(format!("{}{} {}", &tag[1], &tag[2], names.join(" ")));
        ""
    });
    assert!(!rest.contains(['<', '>']), "{rest}");
    // What stands between backticks in a sentence is code, and a name may hold backticks.
    found.retain(|tag| !tag.ends_with("code "));
    found
}

fn all(text: &str) -> Vec<Value> {
    [documents(text), lists(text)].concat()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_name_is_no_markup(text in hostile()) {
        for (hostile, tame) in all(&text).iter().zip(all("x_y^")) {
            let found = tags(&rendered(Format::Html, hostile));
            // A value of several lines is compared line by line.
            if !text.contains(['\n', '\r']) {
                prop_assert_eq!(found, tags(&rendered(Format::Html, &tame)));
            }
        }
    }
}

#[test]
fn a_page_runs_and_loads_nothing_but_its_own() {
    for document in all("x_y") {
        let page = rendered(Format::Html, &document);
        let between = |begin: &str, end: &str| {
            page.split_once(begin)
                .and_then(|(_, rest)| rest.split_once(end))
                .map(|(inside, _)| inside.to_owned())
                .unwrap()
        };
        let policy = between("http-equiv=\"Content-Security-Policy\" content=\"", "\"");
        let hash = |text: &str| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
        for part in [
            "default-src 'none'".to_owned(),
            format!("script-src 'sha256-{}'", hash(&between("<script>", "</script>"))),
            format!("style-src 'sha256-{}'", hash(&between("<style>", "</style>"))),
            "base-uri 'none'".to_owned(),
            "form-action 'none'".to_owned(),
        ] {
            assert!(policy.split("; ").any(|found| found == part), "{policy} has no {part}");
        }
        assert_eq!(page.matches("<script").count(), 1);
        assert!(
            page.find("Content-Security-Policy").unwrap() < page.find("<style").unwrap(),
            "what comes before it is not held"
        );
        for address in ["http:", "https:", "url(", "@import", "src=", "href="] {
            assert!(!page.contains(address), "{address}");
        }
    }
}

/// A page without its tags.
fn read_aloud(page: &str) -> String {
    let text = Regex::new("<[^>]*>").unwrap().replace_all(page, "").into_owned();
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn what_the_terminal_warns_of_the_page_does_too() {
    let mut lines = 0;
    for value in all("x_y") {
        let document = read(&value).unwrap();
        let page = read_aloud(&rendered(Format::Html, &value));
        let last = document.last_line();
        for line in human::whole(&document, Style::PLAIN).lines() {
            let line = line.trim();
            let warns =
                ["! ", "? ", "@ ", "waits for:", "seen:", "note "].iter().any(|sign| line.starts_with(sign));
            if !warns && last.as_deref() != Some(line) {
                continue;
            }
            // The page writes names and labels in columns of their own; what is said of them is the same.
            let said = line.split_once(": ").map_or(line, |(_, said)| said).replace('`', "");
            assert!(page.contains(&said), "{} says nothing of: {line}\n{page}", value["kind"]);
            lines += 1;
        }
    }
    assert!(lines > 40, "only {lines} lines were looked for");
}

#[test]
fn a_page_of_ten_thousand_changes_can_still_be_opened() {
    let mut large = plan("x_y");
    let step = large["steps"][0].clone();
    let steps = (0..10_000).map(|number| {
        let mut step = step.clone();
        step["address"] = json!(format!("applications.a{number}"));
        step
    });
    large["steps"] = json!(steps.collect::<Vec<_>>());
    let page = rendered(Format::Html, &large);
    assert!(page.len() < 30_000_000, "{}", page.len());
    assert_eq!(
        page.matches("<details open").count(),
        30,
        "the riskiest stand open, and a reader opens the others"
    );
}

#[test]
fn a_page_is_had_of_every_command_that_has_formats() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    for (arguments, title) in [
        (&["plan"][..], "duoctl plan"),
        (&["apply", "--auto-approve"], "duoctl apply"),
        (&["drift"], "duoctl drift"),
        (&["verify"], "duoctl verify"),
        (&["list", "--all"], "duoctl list"),
        (&["keys", "list"], "duoctl keys list"),
        (&["keys", "status"], "duoctl keys status"),
        (&["handoff"], "duoctl handoff"),
        (&["doctor"], "duoctl doctor"),
        (&["graph", "--live"], "duoctl graph"),
    ] {
        let all = arguments.iter().chain(&["--report", "html=page.html", "--report", "json=page.json"]);
        folder.duoctl(all).at(&server).run().exits(0);
        let page = folder.read("page.html");
        assert!(page.contains(&format!("<h1>{title}</h1>")), "{page}");
        tags(&page);
        let shown = folder.duoctl(["show", "page.json", "--format", "html"]).run().exits(0);
        assert_eq!(shown.stdout.trim_end(), page.trim_end(), "{title}");
    }
    folder.duoctl(["validate", "--format", "html"]).run().exits(0).says("<h1>duoctl validate</h1>");
    folder.declare(&THREE.replace("radius", "[]"));
    let failed = folder.duoctl(["plan", "--format", "html"]).at(&server).run().exits(1);
    assert!(
        failed.stdout.contains("exit code 1") && failed.stdout.contains("<code>wrong-type</code>"),
        "{}",
        failed.stdout
    );
}
