//! `explain`: every printed name, and suggestions for similar ones.

use duoctl::cli::exit::Exit;
use duoctl::diagnostic::Code;
use duoctl::kinds::risk::Risk;

use crate::support::Folder;

#[test]
fn every_printed_name_is_explained() {
    let folder = Folder::empty();
    let codes = Code::ALL.iter().map(|code| code.name().to_owned());
    let risks = Risk::ALL.iter().map(|risk| risk.name().to_owned());
    let guards =
        ["max_deletes", "max_changes", "empty", "bypass_group", "lockout", "protect", "self_lockout"];
    let guards = guards.map(str::to_owned);
    let exits = Exit::ALL.into_iter().map(|exit| exit.code().to_string());
    let names: Vec<String> = codes.chain(risks).chain(guards).chain(exits).collect();
    let list = folder.duoctl(["explain"]).run().exits(0).stdout;
    assert_eq!(list.lines().count(), names.len());
    for name in &names {
        assert!(list.lines().any(|line| line.split(' ').next() == Some(name)), "{name}");
    }
    // One process per kind; the compiler ensures that each name has a text.
    for (name, kind) in [
        ("unknown-key", "a finding"),
        ("widens_access", "a risk"),
        ("protect", "a guard"),
        ("5", "an exit code"),
    ] {
        let outcome = folder.duoctl(["explain", name]).run().exits(0);
        assert!(outcome.stdout.starts_with(&format!("{name}, {kind}: ")), "{}", outcome.stdout);
        assert_eq!(outcome.stdout.split("\n\n").count(), 3);
    }
}

#[test]
fn an_unknown_name_is_a_usage_error_with_the_nearest_one() {
    let folder = Folder::empty();
    folder.duoctl(["explain", "unkown-key"]).run().exits(64).warns("did you mean `unknown-key`?");
    folder.duoctl(["explain", "WIDENS-ACCESS"]).run().exits(64).warns("did you mean `widens_access`?");
    folder.duoctl(["explain", "99"]).run().exits(64).warns("`duoctl explain` without a name lists all");
    folder.duoctl(["explain", ""]).run().exits(64);
}
