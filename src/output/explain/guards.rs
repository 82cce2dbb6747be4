//! The explanation of each risk and guard.

use crate::kinds::risk::Risk;

use super::Entry;

const fn texts(title: &'static str, meaning: &'static str, fix: &'static str) -> Entry {
    Entry { title, meaning, fix }
}

/// The explanation of a risk; a new one does not compile until it is explained.
pub fn risk(risk: Risk) -> Entry {
    match risk {
        Risk::Neutral => texts(
            "nobody's access changes",
            "A name, a greeting or a note changes. Such a change is shown and needs no consent.",
            "Nothing has to be done.",
        ),
        Risk::NarrowsAccess => texts(
            "fewer people may log in, or they must prove more",
            "A group is taken off, access is closed, a key works from fewer addresses. It may keep people from their \
             work, and lets in nobody.",
            "It needs no consent; tell those who lose access.",
        ),
        Risk::ReducesPrivilege => texts(
            "a key may do less",
            "An Admin API application loses permissions, so programs that use its key may be refused.",
            "It needs no consent; check who uses the key.",
        ),
        Risk::OverdueKey => texts(
            "a key is older than `max_age` says",
            "The application would be changed while its key is older than the YAML allows. The key comes first.",
            "Rotate it with `duoctl keys rotate ADDRESS`, or allow the change with `--allow overdue_key:ADDRESS`.",
        ),
        Risk::BreaksHandoff => texts(
            "a console holds a value that stops working",
            "A value that a person entered into a console without an API changes: until somebody enters the new one, \
             the connection does not work.",
            "Allow it with `--allow breaks_handoff:ADDRESS`, apply, and follow `duoctl handoff` right afterwards.",
        ),
        Risk::WidensAccess => texts(
            "more people may log in, or they may have to prove less",
            "A group is added, access is opened, a policy goes, a key works from more addresses. What is not surely \
             harmless counts as this. A new application counts if every user may log in, or if its policy asks for less \
             than the global one.",
            "Allow it for one address with `--allow widens_access:ADDRESS`, or for good with an entry of \
             `guards.allow` that gives a reason.",
        ),
        Risk::EscalatesPrivilege => texts(
            "a key may do more",
            "An Admin API application gets permissions. Anyone who holds its key can use them at once. A new key counts if \
             it may change things or grant permissions.",
            "Allow it for one address with `--allow escalates_privilege:ADDRESS`, or for good with an entry of \
             `guards.allow` that gives a reason.",
        ),
        Risk::AdoptsKey => texts(
            "the key of an application that duoctl did not create goes to a secret store",
            "The application was found by its type and name, and whoever made it chose both. Consumers would get its key \
             from the store.",
            "If it is the right one, pin it with `integration_key`, or allow the delivery with `--allow \
             adopts_key:ADDRESS`.",
        ),
        Risk::Replaces => texts(
            "a new application with a new key takes the place of the old one",
            "Duo cannot change the type of an application, so a new one is created and the old one ends: its keys stop \
             working.",
            "Allow it with `--allow replaces:ADDRESS`; without that nothing at the address is changed.",
        ),
        Risk::Destroys => texts(
            "something is lost for good",
            "An application is deleted. Duo has no undelete, and its keys stop working for everybody who uses them.",
            "Quarantine with `--prune` first: what was quarantined for the whole period and not used since is deleted \
             without a consent. Otherwise a terminal asks for the number of deletions, and without one the apply needs \
             `--allow destroys:ADDRESS`.",
        ),
    }
}

/// The guards that are no risks, by the names that a refusal prints.
pub const GUARDS: &[(&str, Entry)] = &[
    (
        "max_deletes",
        texts(
            "more deletes than allowed",
            "A plan deletes or replaces more applications than `guards.max_deletes`, 3 unless the YAML says otherwise. \
             A file that was lost in a merge looks like this.",
            "If it is meant, allow the number with `--max-deletes N`.",
        ),
    ),
    (
        "max_changes",
        texts(
            "a larger part of the account changes than allowed",
            "A plan changes more than `guards.max_changes` of the owned applications, 30% unless the YAML says \
             otherwise. It counts from ten owned applications on.",
            "If it is meant, allow the share with `--max-changes N%`, or apply in parts with `--only`.",
        ),
    ),
    (
        "empty",
        texts(
            "the YAML declares nothing",
            "The YAML declares no application while the account holds some of this workspace. Most often a path or a \
             checkout is wrong.",
            "Correct the path; if it is meant, `--allow empty`.",
        ),
    ),
    (
        "protect",
        texts(
            "a protected application would be removed",
            "The application was applied with `protect: true`, which refuses to delete, replace or quarantine it, also \
             after it left the YAML.",
            "Declare it with `protect: false` and apply that first.",
        ),
    ),
    (
        "self_lockout",
        texts(
            "duoctl would lock itself out",
            "The plan would delete, quarantine, replace or weaken the application whose key duoctl uses, or restrict \
             its networks so that the caller falls outside.",
            "No flag lifts it: leave the operator as it is, or use the key of another operator. State the caller's \
             own address as `guards.caller_address` where networks are restricted.",
        ),
    ),
];
