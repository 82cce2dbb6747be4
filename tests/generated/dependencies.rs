//! Every direct dependency has its row in docs/dependencies.md, and every row its dependency.

use std::collections::BTreeSet;
use std::fs;

/// The names in the tables of dependencies of a manifest.
fn declared(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut listed = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            listed = header.ends_with("dependencies");
            // A table of its own: `[dependencies.NAME]`.
            names.extend(header.split_once("dependencies.").map(|(_, name)| name.to_owned()));
        } else if listed && !line.starts_with('#') {
            names.extend(line.split_once('=').map(|(name, _)| name.trim().to_owned()));
        }
    }
    names
}

/// The names in the first cells of a page's tables, in their order.
fn documented(page: &str) -> Vec<String> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    cells.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn each_dependency_is_explained_and_nothing_else() {
    let declared = declared(&fs::read_to_string("Cargo.toml").unwrap());
    let rows = documented(&fs::read_to_string("docs/dependencies.md").unwrap());
    assert!(declared.len() > 40, "{declared:?}");
    let explained: BTreeSet<String> = rows.iter().cloned().collect();
    assert_eq!(declared, explained, "Cargo.toml (left) and docs/dependencies.md (right) differ");
    assert_eq!(rows.len(), explained.len(), "a dependency has two rows");
}

#[test]
fn dependencies_are_found_in_every_form() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n# a = 1\nb = \"1\"\n[target.'cfg(unix)'.dependencies]\nc = {version = \"1\"}\n[dev-dependencies.d]\nversion = \"1\"\n[lints.rust]\ne = 1\n";
    assert_eq!(declared(manifest).into_iter().collect::<Vec<_>>(), ["b", "c", "d"]);
}
