//! The table of `docs/reference/checks.md`: how each type is checked.

use duoctl::duo::catalogue::kinds;
use duoctl::verify::probes::{OTHERS, Probe, TABLE};

use super::row;

pub(crate) fn table() -> String {
    let mut text = row(["Types", "Check"]) + "|---|---|\n";
    for entry in TABLE {
        text += &row([&named(entry.types.iter().copied()), entry.probe.words()]);
    }
    for probe in [Probe::Metadata, Probe::Discovery] {
        let types = kinds().iter().map(|kind| kind.name).filter(|name| Probe::of_type(name) == probe);
        text += &row([&named(types), probe.words()]);
    }
    text + &row(["every other type with a secret key", OTHERS.words()])
}

fn named<'n>(types: impl Iterator<Item = &'n str>) -> String {
    types.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
