//! The diagrams of `duoctl graph`, drawn by Mermaid, Graphviz and a browser. Needs what the other tests of this folder need,
//! and Debian's `graphviz`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use duoctl::text::safe;
use serde_json::{Value, json};

use super::{AFTER, BEFORE, HOSTILE, MARKUP, browser, outside, pictures, root};

/// Names that mean something to one of the languages, or to the Markdown and HTML in them.
const NAMES: [&str; 17] = [
    MARKUP,
    "1. First",
    "- dash",
    "end",
    "# hash",
    "**bold** and _emphasis_ and a_b_c",
    "$$x^2$$",
    "fa:fa-car icon",
    "%%{init: {}}%% comment",
    "#quot;#35;&lt;&amp;",
    "\\N \\G \\n \\\" \\",
    "<<b>table</b>>",
    "`markdown *string*`",
    "日本語のグループ",
    "\u{202e}gnp.exe",
    "two\nlines\r\n--> n0",
    "[brackets] (and) {braces} |pipes|",
];

fn duoctl(folder: &Path, arguments: &[&str]) -> String {
    let run =
        Command::new(env!("CARGO_BIN_EXE_duoctl")).args(arguments).current_dir(folder).output().unwrap();
    assert!(run.status.success(), "{arguments:?} {run:?}");
    String::from_utf8(run.stdout).unwrap()
}

/// Whether Graphviz can draw; under `CI` it must be there.
fn graphviz() -> bool {
    let found = Command::new("dot").arg("-V").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "no Graphviz: install Debian's `graphviz`");
    if !found {
        eprintln!("SKIPPED, NOTHING WAS PROVEN: no Graphviz: install Debian's `graphviz`");
    }
    found
}

/// The names of the nodes that Graphviz reads in a diagram.
fn read_by_graphviz(folder: &Path, text: &str) -> Vec<String> {
    let file = folder.join("diagram.dot");
    fs::write(&file, text).unwrap();
    let run = Command::new("dot").args(["-Tsvg", "-v0"]).arg(&file).output().unwrap();
    assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
    let svg = String::from_utf8(run.stdout).unwrap();
    // A tooltip is an element `a` without a target.
    for element in ["xlink:href=", "<image", "<script"] {
        assert!(!svg.contains(element), "{svg}");
    }
    let text = regex::Regex::new("<text[^>]*>([^<]*)</text>").unwrap();
    let entity = regex::Regex::new("&#([0-9]+);").unwrap();
    let plain = |text: &str| {
        let text = entity.replace_all(text, |found: &regex::Captures<'_>| {
            char::from_u32(found[1].parse().unwrap()).unwrap().to_string()
        });
        let signs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("\u{a0}", " "), ("&amp;", "&")];
        signs.iter().fold(text.into_owned(), |text, (from, to)| text.replace(from, to))
    };
    text.captures_iter(&svg).map(|found| plain(&found[1])).collect()
}

/// Documents with the names that have to be read in them.
fn documents(folder: &Path) -> Vec<(Value, Vec<String>)> {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let mut all: Vec<(Value, Vec<String>)> =
        NAMES.iter().map(|name| (outside::graph(name), vec![safe(name), "All users".to_owned()])).collect();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/full");
    let full = parsed(&duoctl(&example, &["graph", "--format", "json"]));
    let names = [
        "VPN (full example)",
        "Require trusted endpoints",
        "write_resource",
        "applications.help-desk · authapi",
    ];
    all.push((full, names.map(str::to_owned).to_vec()));
    let group = |number: usize| ["VPN Users", "Contractors", "Employees", "Finance"][number * 7 % 4];
    let application = |number: usize| {
        let (kind, group) = (["radius", "websdk", "rdp"][number % 3], group(number));
        format!(
            "  a{number}: {{type: {kind}, name: A{number}, user_access: permitted_groups, groups_allowed: [{group}]}}\n"
        )
    };
    let head = AFTER.split_once("applications:").unwrap().0;
    let many: String = (0..300).map(application).collect();
    fs::write(folder.join("duo.yaml"), format!("{head}applications:\n{many}")).unwrap();
    let many = parsed(&duoctl(folder, &["graph", "--format", "json"]));
    all.push((many, vec!["25 applications of type radius".to_owned(), "Finance".to_owned()]));
    all
}

#[test]
fn diagrams_are_drawn_by_their_renderers() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let graphviz = graphviz();
    let mut files: Vec<PathBuf> = Vec::new();
    for (number, (document, names)) in documents(folder.path()).iter().enumerate() {
        fs::write(folder.path().join("graph.json"), document.to_string()).unwrap();
        for format in ["mermaid", "svg", "dot"] {
            let text = duoctl(folder.path(), &["show", "graph.json", "--format", format]);
            if format == "dot" {
                let read = if graphviz { read_by_graphviz(folder.path(), &text) } else { names.clone() };
                for name in names {
                    assert!(read.iter().any(|line| line.contains(name)), "{name}: {read:#?}");
                }
                continue;
            }
            let file = folder.path().join(format!("{number}.{format}"));
            fs::write(&file, text).unwrap();
            // A picture cuts a long name.
            let short = names.iter().filter(|name| format == "mermaid" || name.chars().count() < 33);
            let short: Vec<&String> = short.collect();
            fs::write(file.with_extension(format!("{format}.json")), json!(short).to_string()).unwrap();
            files.push(file);
        }
    }
    let mut command = Command::new("node");
    let run = command.arg(root().join("diagrams.mjs")).arg(browser).args(&files).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn a_plan_is_drawn_for_the_documentation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("duo.yaml"), BEFORE.replace(HOSTILE, "Lobby kiosk")).unwrap();
    duoctl(path, &["apply", "--sandbox", "--auto-approve", "--no-verify"]);
    let wiki = "groups_allowed: [Employees]";
    let after =
        AFTER.replace(wiki, "groups_allowed: [Employees, Contractors], policy: Require trusted endpoints");
    fs::write(path.join("duo.yaml"), after).unwrap();
    duoctl(path, &["plan", "--sandbox", "--prune", "--out", "plan.json"]);
    let drawn = duoctl(path, &["graph", "--changes", "plan.json", "--format", "svg"]);
    for class in ["application added", "application changed", "application removed", "edge added"] {
        assert!(drawn.contains(&format!("class=\"{class}\"")), "{class}");
    }
    if let Some(pictures) = pictures() {
        fs::write(pictures.join("graph.svg"), drawn).unwrap();
    }
}
