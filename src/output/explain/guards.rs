//! The explanation of each risk and guard.

use crate::kinds::risk::Risk;

use super::entry::Entry;

const fn texts(title: &'static str, meaning: &'static str, fix: &'static str) -> Entry {
    Entry { title, meaning, fix }
}

/// The explanation of a risk; a new one does not compile until it is explained.
pub fn risk(risk: Risk) -> Entry {
    match risk {
        Risk::Neutral => texts(
            "no one's access changes",
            "A name, a greeting or a note changes. Such a change is shown and needs no consent.",
            "There is nothing to do.",
        ),
        Risk::NarrowsAccess => texts(
            "fewer people may log in, or they must prove more",
            "A group is removed, access is closed, or a key works from fewer addresses. This may keep people from \
             their work, but lets no one in.",
            "This needs no consent; tell the people who lose access.",
        ),
        Risk::ReducesPrivilege => texts(
            "a key may do less",
            "An Admin API application loses permissions, so programs that use its key may be refused.",
            "This needs no consent; check who uses the key.",
        ),
        Risk::OverdueKey => texts(
            "a key is older than `max_age` allows",
            "The plan would change an application whose key is older than the YAML allows. Rotate the key first.",
            "Rotate it with `duoctl keys rotate ADDRESS`, or allow the change with `--allow overdue_key:ADDRESS`.",
        ),
        Risk::BreaksHandoff => texts(
            "a console holds a value that stops working",
            "A value that a person entered in a console without an API changes. Until someone enters the new value, \
             the connection does not work.",
            "Allow it with `--allow breaks_handoff:ADDRESS`, apply, and follow `duoctl handoff` right afterwards.",
        ),
        Risk::WidensAccess => texts(
            "more people may log in, or they may have to prove less",
            "A group is added, access is opened, a policy is removed, or a key works from more addresses. A change \
             that is not known to be harmless counts, too. A new application counts if every user may log in, or if \
             its policy requires less than the global policy.",
            "Allow it for one address with `--allow widens_access:ADDRESS`, or permanently with an entry of \
             `guards.allow` that gives a reason.",
        ),
        Risk::EscalatesPrivilege => texts(
            "a key may do more",
            "An Admin API application gets permissions. Anyone who has its key can use them at once. A new key counts \
             if it may change things or grant permissions.",
            "Allow it for one address with `--allow escalates_privilege:ADDRESS`, or permanently with an entry of \
             `guards.allow` that gives a reason.",
        ),
        Risk::AdoptsKey => texts(
            "the key of an application that duoctl did not create goes to a secret store",
            "The application was found by its type and name, and both were chosen by the person who created it. \
             Consumers would get its key from the store.",
            "If it is the right one, pin it with `integration_key`, or allow the delivery with `--allow \
             adopts_key:ADDRESS`.",
        ),
        Risk::Replaces => texts(
            "a new application with a new key takes the place of the old one",
            "Duo cannot change the type of an application, so duoctl creates a new one and removes the old one, whose \
             keys stop working.",
            "Allow it with `--allow replaces:ADDRESS`; otherwise nothing at the address is changed.",
        ),
        Risk::Destroys => texts(
            "something is lost permanently",
            "An application is deleted. Duo cannot restore it, and its keys stop working for everyone who uses them.",
            "Quarantine with `--prune` first: an application that was quarantined for the whole period and not used \
             since is deleted without a consent. Otherwise duoctl asks for the number of deletions on a terminal; \
             without a terminal, the apply needs `--allow destroys:ADDRESS`.",
        ),
    }
}

/// The guards that are not risks, by the names that a refusal prints.
pub const GUARDS: &[(&str, Entry)] = &[
    (
        "max_deletes",
        texts(
            "more deletes than allowed",
            "A plan deletes or replaces more applications than `guards.max_deletes` allows (3 by default). A file that \
             was lost in a merge has this effect.",
            "If this is intended, allow the number with `--max-deletes N`.",
        ),
    ),
    (
        "max_changes",
        texts(
            "a larger part of the account changes than allowed",
            "A plan changes a larger share of the owned applications than `guards.max_changes` allows (30% by \
             default). The guard applies from ten owned applications on.",
            "If this is intended, allow the share with `--max-changes N%`, or apply in parts with `--only`.",
        ),
    ),
    (
        "empty",
        texts(
            "the YAML declares nothing",
            "The YAML declares no application, but the account contains applications of this workspace. The usual \
             cause is a wrong path or checkout.",
            "Correct the path. If this is intended, use `--allow empty`.",
        ),
    ),
    (
        "bypass_group",
        texts(
            "members of a group would log in without a second factor",
            "The plan sets the status of a group to `bypass`. Its members then log in with their password alone, and \
             no policy applies to them.",
            "If this is intended, use `--allow bypass_group:ADDRESS`, or declare the consent under `guards.allow` with \
             a reason.",
        ),
    ),
    (
        "lockout",
        texts(
            "a policy may shut out everyone it reaches",
            "The plan changes the global policy, or a policy that many applications have, so that logins may be denied \
             for everyone it reaches: for example every login, every method, or every network that is not listed.",
            "Read the plan's list of applications. If this is intended, use `--allow lockout:ADDRESS`.",
        ),
    ),
    (
        "protect",
        texts(
            "a protected application would be removed",
            "The application was applied with `protect: true`, which prevents deleting, replacing or quarantining it, \
             even after it left the YAML.",
            "Declare it with `protect: false` and apply that first.",
        ),
    ),
    (
        "self_lockout",
        texts(
            "duoctl would lock itself out",
            "The plan would delete, quarantine, replace or weaken the application whose key duoctl uses, or restrict \
             its networks so that they exclude the caller.",
            "No option lifts this guard: leave the operator as it is, or use the key of another operator. If networks \
             are restricted, set `guards.caller_address` to the caller's own address.",
        ),
    ),
];
