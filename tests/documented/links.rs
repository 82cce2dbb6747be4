//! Links lead somewhere, every page and picture is linked, and the site shows a page as a forge does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::pages::pages;

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{} leaves the repository", path.display()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// The links of a page to files of the repository: as written, and the file that each leads to.
fn links(page: &Path, text: &str) -> Vec<(String, PathBuf)> {
    // `[text](target)`; what has a space in it is no target.
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let targets = targets.filter(|target| !target.contains(char::is_whitespace));
    let inside = targets.filter(|target| !target.starts_with("https://") && !target.starts_with("mailto:"));
    let file = |target: &str| match target.split('#').next() {
        Some("") | None => page.to_owned(),
        Some(path) => plain(&page.parent().unwrap().join(path)),
    };
    inside.map(|target| (target.to_owned(), file(target))).collect()
}

#[test]
fn links_inside_the_repository_lead_somewhere() {
    let mut followed = 0;
    for page in pages() {
        for (target, file) in links(&page, &fs::read_to_string(&page).unwrap()) {
            assert!(file.exists(), "{}: {target} leads nowhere", page.display());
            if let Some((_, place)) = target.split_once('#') {
                let text = fs::read_to_string(&file).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                let known = headings.any(|line| anchor(line.trim_start_matches('#').trim()) == place);
                assert!(known, "{}: {target} has no such heading", page.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 20, "only {followed} links were followed");
}

/// A picture that no page shows, or a page that no other page leads to, is found by nobody.
#[test]
fn every_picture_and_every_page_of_the_docs_is_linked() {
    let mut linked = BTreeSet::new();
    for page in pages() {
        let links = links(&page, &fs::read_to_string(&page).unwrap());
        linked.extend(links.into_iter().map(|(_, file)| file).filter(|file| *file != page));
    }
    let pictures = fs::read_dir("docs/images").unwrap().map(|entry| entry.unwrap().file_name());
    let pictures = pictures.map(|name| Path::new("docs/images").join(name));
    let docs = pages().into_iter().filter(|page| page.starts_with("docs"));
    let lost: Vec<PathBuf> = pictures.chain(docs).filter(|file| !linked.contains(file)).collect();
    assert_eq!(lost, Vec::<PathBuf>::new(), "no page links these");
}

/// The site's Markdown is an older one: what belongs to an item of a list is indented by four spaces, a block of code is
/// not in a list, and a list or a table begins after an empty line.
#[test]
fn pages_look_the_same_on_the_site() {
    for page in pages().into_iter().filter(|page| page.starts_with("docs")) {
        let text = fs::read_to_string(&page).unwrap();
        let (mut before, mut in_code) = ("", false);
        for (number, line) in text.lines().enumerate() {
            let place = format!("{}:{}: {line}", page.display(), number + 1);
            let indent = line.len() - line.trim_start().len();
            let fence = line.trim_start().starts_with("```");
            assert!(!fence || indent == 0, "a block of code in a list: {place}");
            in_code ^= fence;
            if !in_code && !fence {
                let nested = before.is_empty() && !line.is_empty();
                assert!(!nested || indent == 0 || indent >= 4, "indent it by four spaces: {place}");
                let begins = |line: &str, start: &str| line.trim_start().starts_with(start);
                for start in ["- ", "1. ", "|"] {
                    let joined = begins(line, start) && indent == 0 && !before.is_empty();
                    let goes_on = begins(before, start) || before.starts_with("  ");
                    assert!(!joined || goes_on, "put an empty line before it: {place}");
                }
            }
            before = line;
        }
    }
}
