//! Every direct dependency is used and has its row in docs/dependencies.md, and every row has its dependency.

use std::collections::BTreeSet;
use std::fs;

use ignore::WalkBuilder;

/// The names in the tables of dependencies of a manifest, and whether they are for tests only.
fn declared(manifest: &str) -> Vec<(String, bool)> {
    let mut names = Vec::new();
    let mut table = "";
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']');
        }
        let tests = table.contains("dev-dependencies");
        // A separate table: `[dependencies.NAME]`.
        let own = table.split_once("dependencies.").filter(|_| line.starts_with('['));
        let listed = table.ends_with("dependencies") && !line.starts_with(['#', '[']);
        let one = line.split_once('=').filter(|_| listed);
        names.extend(own.map(|(_, name)| (name.to_owned(), tests)));
        names.extend(one.map(|(name, _)| (name.trim().to_owned(), tests)));
    }
    names
}

/// The names in the first cells of a page's tables.
fn documented(page: &str) -> Vec<String> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    cells.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn each_dependency_is_explained_and_nothing_else() {
    let declared = declared(&fs::read_to_string("Cargo.toml").unwrap());
    let rows = documented(&fs::read_to_string("docs/dependencies.md").unwrap());
    let declared: BTreeSet<String> = declared.into_iter().map(|(name, _)| name).collect();
    assert!(declared.len() > 40, "{declared:?}");
    let explained: BTreeSet<String> = rows.iter().cloned().collect();
    assert_eq!(declared, explained, "Cargo.toml (left) and docs/dependencies.md (right) differ");
    assert_eq!(rows.len(), explained.len(), "a dependency has two rows");
}

#[test]
fn each_dependency_is_used() {
    let code = |folder: &str| -> String {
        let files = WalkBuilder::new(folder).standard_filters(false).build().map(|file| file.unwrap());
        let rust = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "rs"));
        rust.map(|file| fs::read_to_string(file.path()).unwrap()).collect()
    };
    let (program, tests) = (code("src"), code("tests") + &code("benches"));
    for (name, for_tests) in declared(&fs::read_to_string("Cargo.toml").unwrap()) {
        let path = format!("{}::", name.replace('-', "_"));
        let used = program.contains(&path) || for_tests && tests.contains(&path);
        assert!(used, "no code names {name}");
    }
}

#[test]
fn dependencies_are_found_in_every_form() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n# a = 1\nb = \"1\"\n[target.'cfg(unix)'.dependencies]\nc = {version = \"1\"}\n[dev-dependencies.d]\nversion = \"1\"\n[lints.rust]\ne = 1\n";
    let found = [("b", false), ("c", false), ("d", true)].map(|(name, tests)| (name.to_owned(), tests));
    assert_eq!(declared(manifest), found);
}
