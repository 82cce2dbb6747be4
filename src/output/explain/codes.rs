//! The explanation of each finding.

use crate::diagnostic::Code;

use super::entry::Entry;

const fn texts(title: &'static str, meaning: &'static str, fix: &'static str) -> Entry {
    Entry { title, meaning, fix }
}

/// One arm for each code: a new one does not compile until it is explained.
pub(super) fn entry(code: Code) -> Entry {
    match code {
        // --- reading files
        Code::Unreadable => texts(
            "a path cannot be read",
            "A path given to the command, or a file in the folder, does not exist, is not a file or folder, \
             or cannot be read. A workspace is loaded completely or not at all: a missing file would look \
             as if its applications had been removed.",
            "Correct the path, or give the user that runs duoctl permission to read the file.",
        ),
        Code::NoYaml => texts(
            "no YAML was found",
            "The folder contains no `duo.yaml` and no `*.duo.yaml`. duoctl does not read other YAML files, \
             because they belong to other tools.",
            "Give the path of the workspace's folder or file, rename the file to `NAME.duo.yaml`, or create \
             one with `duoctl init`.",
        ),
        Code::MisnamedFile => texts(
            "a file name that is almost the name of a workspace file",
            "The name of a file in the folder differs from `duo.yaml` or `NAME.duo.yaml` only in case, \
             blanks, encoding or the extension `.yml`. duoctl does not read the file, so its applications \
             would look as if they had been removed.",
            "Rename it to `duo.yaml` or `NAME.duo.yaml`, or choose a clearly different name.",
        ),
        Code::SeveralWorkspaces => texts(
            "a folder contains several workspaces",
            "The files in the folder declare workspaces with different names. A command works on one \
             workspace.",
            "Give the path of one of the workspaces that the message lists.",
        ),
        Code::DuplicateWorkspace => texts(
            "two folders contain workspaces of the same name",
            "Two folders in this git work tree declare a workspace of the same name for the same account. \
             Each would treat the other's applications as removed, so neither may prune.",
            "Rename one of the workspaces, or merge the two folders.",
        ),
        Code::EmptyFile => texts(
            "a file has no content",
            "A YAML file is empty or contains only comments. That is more often a mistake by an editor or a \
             merge than intended.",
            "Add the workspace to the file, or delete the file.",
        ),
        Code::NotUtf8 => texts(
            "a file is not UTF-8",
            "The file contains bytes that are not valid UTF-8. Guessing another encoding could change names \
             that are sent to Duo.",
            "Save the file as UTF-8; the message shows the first invalid byte.",
        ),
        Code::TooLarge => texts(
            "a file exceeds the limits",
            "A file, or the result of expanding its aliases, is larger or more deeply nested than any \
             workspace needs. The limits protect the machine that reads YAML from a pull request.",
            "Split the workspace into several `*.duo.yaml` files, or remove aliases that repeat large \
             parts.",
        ),
        Code::Syntax => texts(
            "the text is not valid YAML",
            "The text cannot be parsed as YAML 1.2, or uses a YAML feature that duoctl does not accept: \
             tags, keys that are not text, or several documents in one file.",
            "Correct the marked place; the help shows the usual form.",
        ),
        Code::DuplicateKey => texts(
            "a key appears twice",
            "A mapping contains the same key twice. YAML parsers disagree about which one counts, so duoctl \
             uses neither.",
            "Remove one of them; both places are shown.",
        ),
        // --- shape
        Code::UnknownKey => texts(
            "an unknown key",
            "The key is misspelled, is in the wrong mapping, or belongs to another tool. This is an error \
             because a setting that is silently ignored is worse than one that is missing.",
            "Use the key that the help suggests, or look it up in the YAML reference.",
        ),
        Code::MissingKey => texts(
            "a required key is missing",
            "A mapping lacks a required key. An application requires `type`, `name` and `user_access`; \
             Duo's own default for `user_access` has changed over time.",
            "Add the key; the help shows an example.",
        ),
        Code::WrongType => texts(
            "a value of the wrong type",
            "A value has the wrong type, such as text instead of a list, or is empty where it must not be. \
             In YAML 1.2, `yes`, `no` and `on` are text.",
            "Use the type that the message names; only `true` and `false` are booleans.",
        ),
        Code::InvalidValue => texts(
            "an invalid value",
            "The value has the right type, but is out of range, malformed, or contradicts another value.",
            "Use a value that the help names; the YAML reference lists all of them.",
        ),
        Code::DuplicateAddress => texts(
            "defined in two places",
            "Two files, or two entries, define the same address, the same live application, or a key that \
             must appear only once, such as `tenant`. duoctl uses neither, because order has no meaning in \
             a workspace.",
            "Remove or rename one of them; both places are shown.",
        ),
        Code::InvalidHostname => texts(
            "not a bare Duo API hostname",
            "`api_hostname` must have the form `api-XXXXXXXX.duosecurity.com`, without `https://`, path or \
             port. It must be exact, because requests are signed with it.",
            "Copy it from the application's page in the Duo Admin Panel; the help suggests what was \
             probably meant.",
        ),
        Code::PlainSecret => texts(
            "a secret in plain text",
            "The YAML contains a secret key, a token or a password, possibly in place of an identifier. \
             Whatever was committed once stays in the history of the repository.",
            "Reference its source instead: `{env: NAME}`, `{file: PATH}` or `{command: [PROGRAM, \
             ARGUMENT]}`. Reset a secret that was committed.",
        ),
        Code::Untrusted => texts(
            "more than untrusted YAML may use",
            "With `--untrusted`, the YAML comes from someone who is not trusted, such as the author of a \
             pull request from a fork. It uses a command, a variable, a link or a file outside its folder, \
             which could read secrets or run programs, or certificate authorities, which could let someone \
             answer in Duo's place.",
            "Review the change first. Then run without `--untrusted`, or provide Duo's keys as `{env: \
             DUO_...}`, and certificate authorities with `--ca-file` or `DUOCTL_CA_FILE`.",
        ),
        // --- meaning
        Code::UnknownVariable => texts(
            "an undeclared variable",
            "The YAML uses, or `--var` sets, a variable that `vars` does not declare; or a value contains a \
             `${` that is neither a variable nor escaped.",
            "Correct the name, declare the variable under `vars`, or write `$${` for a literal `${`.",
        ),
        Code::MissingVariable => texts(
            "a variable without a value",
            "A variable is `required`, but neither `--var` nor its environment variable sets it. Nothing is \
             planned, because the meaning of the YAML depends on the value.",
            "Use `--var NAME=VALUE`, set `DUOCTL_VAR_NAME` (in upper case), or give the variable a \
             `default`.",
        ),
        Code::UnusedVariable => texts(
            "an unused variable",
            "`vars` declares a variable that no value uses. Setting it has no effect.",
            "Remove the declaration, or use the variable: `${vars.NAME}`.",
        ),
        Code::FieldNotApplicable => texts(
            "a field that this type does not have",
            "The type of the application or secret store has no such field. Duo would ignore or reject it.",
            "Remove the field, or correct `type`; `docs/reference/types.md` lists the types.",
        ),
        Code::LegacyField => texts(
            "a field that policies replaced",
            "Duo moved this setting from applications to policies, and may ignore it on the application.",
            "Set it in a policy, in the section that the help names, and attach the policy with `policy`.",
        ),
        Code::AccessConflict => texts(
            "`user_access` and `groups_allowed` contradict each other",
            "Groups apply only with `user_access: permitted_groups`, which requires at least one group. \
             Otherwise Duo would keep a list that has no effect, or no user could log in.",
            "Follow the help: list groups, or change `user_access`.",
        ),
        Code::TooManyGroups => texts(
            "more groups than Duo accepts",
            "`groups_allowed` has more items than Duo accepts for one application.",
            "Combine users in fewer groups, or allow all users and restrict access with a policy.",
        ),
        Code::UnknownType => texts(
            "a type that duoctl does not know",
            "Duo adds types over time, so this is only a warning and the plan continues. If the type is \
             misspelled, Duo rejects the application when it is created.",
            "Compare it with the name that the help suggests. If Duo has the type, there is nothing to do.",
        ),
        Code::TypeNotCreatable => texts(
            "a type that the API cannot create",
            "According to its documentation and clients, Duo's API does not create applications of this \
             type, or the type has reached its end of life. An existing application can still be managed.",
            "Create the application in the Duo Admin Panel and let duoctl adopt it, or use another type.",
        ),
        Code::DoubtfulSso => texts(
            "single sign-on settings that Duo will probably reject",
            "Every public client of Duo's API sends certain settings when it creates such an application, \
             some scopes were rejected without a mapping of their claims, and some types can be configured \
             only in the Admin Panel. No source shows that Duo accepts anything else, so Duo would probably \
             reject the apply. An existing application is managed as far as the YAML describes it.",
            "Add what the message names. If the application already exists, pin it with `integration_key`, \
             and leave out of the YAML what can be configured only in the Admin Panel.",
        ),
        Code::DoubtfulNetwork => texts(
            "a network that is probably not what was meant",
            "A network covers all addresses, so it restricts nothing; or a single address is written with \
             the prefix length of its network, which allows the whole network.",
            "Write the address alone, or the network as the help shows. Leave the field out if calls may \
             come from any address.",
        ),
        Code::UnusedConsent => texts(
            "a standing consent that cannot apply",
            "An entry of `guards.allow` matches no address in the workspace, or names a risk that its type \
             cannot have. It would apply unnoticed to whatever gets this address later.",
            "Correct the address, or remove the entry.",
        ),
        Code::InvalidNotes => texts(
            "notes that leave no room for the marker",
            "Duo limits the length of notes, and duoctl writes its marker at their end. Notes that are too \
             long, or contain what looks like a marker, would make ownership unclear.",
            "Shorten the notes as the help describes, or remove `[duoctl ...]` from the text.",
        ),
        Code::AmbiguousName => texts(
            "two objects of the same name",
            "Two applications have the same type and name, or two entries have the same display name. \
             duoctl could not tell which of them a live object belongs to.",
            "Rename one of them, or pin applications with `integration_key`.",
        ),
        Code::DeceptiveName => texts(
            "a name that is not what it looks like",
            "The name of an application, a group or a policy contains an invisible character, or a letter \
             of another script that looks like a Latin letter. A reviewer would read it as a different \
             name, so a change could let in a group that someone else created.",
            "Write the name with ordinary characters, or use the object's id instead. If the name is right, \
             list the code and the address in `suppress`.",
        ),
        Code::UnknownStore => texts(
            "a secret store that is not declared",
            "`secret` names a store that `secret_stores` does not declare, so the keys could not be \
             delivered.",
            "Correct the name, or declare the store under `secret_stores`.",
        ),
        Code::PlanTooSmall => texts(
            "a feature that needs a larger Duo plan",
            "The declared `tenant.plan` does not include the feature. Duo would reject it, or it would have \
             no effect.",
            "Turn the feature off, or correct `tenant.plan`.",
        ),
        Code::Recommended => texts(
            "recommended by the vendor, but left out",
            "Identity Intelligence can do more with push verification and, with Duo Advantage or Premier, \
             with endpoints. The entry does not mention one of them.",
            "Declare it, set it to `false` to do without it, or list the code and the address in \
             `suppress`.",
        ),
        Code::EventStreaming => texts(
            "event streaming where Duo does not offer it",
            "Only the integration that the Duo Admin Panel itself provisioned has event streaming. An \
             integration that was added in the Identity Intelligence console has no such switch.",
            "Remove `event_streaming`. For the provisioned integration, turn it on in the Duo Admin Panel.",
        ),
        Code::Expiring => texts(
            "an exception that expires",
            "An item of `ignore` or `guards.allow` has a last day, `until`, that is less than two weeks \
             away or already past. After that day the item no longer applies: the difference is drift \
             again, and the guard refuses again.",
            "Remove the item, or set a later `until` if its reason still applies.",
        ),
        Code::UnusedIgnore => texts(
            "an `ignore` item that has no effect",
            "An item of `ignore` names a field that this application does not set, is a duplicate, or \
             covers a difference that no longer exists. Such items would hide the next difference that \
             matters.",
            "Remove the item.",
        ),
        // --- against the account
        Code::UnknownReference => texts(
            "a group or policy that the account does not have",
            "The YAML names a group or a policy that was not found. duoctl never skips it: an application \
             that loses one of its groups lets other people in.",
            "Correct the name (the help lists similar names), or create the group or policy in Duo first.",
        ),
        Code::AmbiguousReference => texts(
            "a name that several objects share",
            "Several groups or policies in the account have this name, so duoctl cannot tell which one is \
             meant.",
            "Use the id of one of them, which the help lists, or rename the others in Duo.",
        ),
        Code::AmbiguousMatch => texts(
            "several live applications match",
            "An address matches several live applications, or one live application matches several \
             addresses. Choosing the wrong one would change who may log in elsewhere.",
            "Pin the right one with `integration_key`; `duoctl adopt ADDRESS ID` writes it.",
        ),
        Code::OwnedElsewhere => texts(
            "owned by another workspace or address",
            "The live application has the marker of another workspace, or of another address in this one. \
             Two owners would undo each other's changes.",
            "Follow the help: `duoctl adopt ADDRESS ID` if the address was renamed, `duoctl adopt \
             --formerly NAME` if the whole workspace was renamed. Otherwise the owner has to release the \
             application with `removed: {ADDRESS: retain}`.",
        ),
        Code::FormerName => texts(
            "about the former name of the workspace",
            "`formerly` lets a renamed workspace take over its applications. Either some of them have no \
             address in the YAML, or no application has the former name in its marker any more.",
            "Declare the applications that the message names, or remove `formerly` once no marker contains \
             the name.",
        ),
        Code::DuplicateMarker => texts(
            "the same marker on several applications",
            "Several live applications have the same marker, usually because someone copied the notes. \
             duoctl cannot tell which of them is the managed one.",
            "Remove the marker, `[duoctl ...]`, from the notes of the copies in the Duo Admin Panel, or pin \
             the right application.",
        ),
        Code::StoreUnreadable => texts(
            "a secret store could not be read",
            "The store did not answer, refused the request, or holds something that duoctl did not write. \
             duoctl delivers nothing there, because it could overwrite what others need. `apply` also does \
             not create an application whose key the store may already hold.",
            "Fix the problem that the message describes, or choose another `path`, and apply again.",
        ),
        Code::PossibleDuplicate => texts(
            "what would be created may already exist",
            "No live application has the marker or the name of the address, but one without an owner looks \
             like it: its keys are in the address's secret store, a service provider knows it by the same \
             entity id, redirect URI or client, or it is the only one of its type with the same settings. \
             Someone may have renamed it in Duo and removed its marker. If this is practically certain, \
             nothing is created; otherwise this is a warning. For Identity Intelligence, duoctl also looks \
             for what was set up by hand and for renamed entries. duoctl never adopts an application \
             because of a resemblance.",
            "If it is the same application, run `duoctl adopt ADDRESS ID`. If not, give the other one its \
             own address with only its `integration_key`, so that it has an owner. A warning can also be \
             listed in `suppress`, with a reason.",
        ),
        Code::RemovalHeld => texts(
            "errors hold back a removal",
            "There are errors, and one of them may be the reason why an address seems to have left the \
             YAML. This run therefore quarantines and deletes nothing; everything else continues.",
            "Fix the errors, then run the same command again.",
        ),
        Code::PinMismatch => texts(
            "`integration_key` does not match the account",
            "The pinned application does not exist, has another type, or is pinned twice, or another \
             application has the marker of the address.",
            "Correct `integration_key` or `type` as the help describes, or remove the pin.",
        ),
        Code::AccountUnreadable => texts(
            "a part of the account could not be read",
            "A list of the account failed, was incomplete, or was rate limited. duoctl never treats unread \
             objects as missing, and plans nothing that depends on them.",
            "Run the command again. If the problem persists, `duoctl doctor` shows the cause and suggests a \
             fix.",
        ),
        Code::AccountMismatch => texts(
            "the declared tenant does not match the account",
            "`tenant.plan` differs from the plan of the account, or the account's plan does not include a \
             feature that the YAML uses.",
            "Correct `tenant.plan`, or turn the feature off.",
        ),
        Code::SelfLockout => texts(
            "duoctl would lock itself out",
            "The change would remove the key, the permissions or the network address that duoctl uses to \
             call Duo. Only an administrator could undo it, by hand.",
            "Leave the operator as it is, or make the change with the key of another operator.",
        ),
        Code::OverPrivileged => texts(
            "a key has more permissions than the YAML declares",
            "Someone granted an application permissions in Duo that the YAML does not declare. An apply \
             revokes them.",
            "Apply, or declare the permissions if they are wanted.",
        ),
        Code::SeenInConsole => texts(
            "the console or its attestation needs attention",
            "A console without an API, such as that of Identity Intelligence, needs something that duoctl \
             cannot do, or an attestation in the YAML no longer counts or is no longer needed.",
            "Follow `duoctl handoff NAME`, then record the attestation with `duoctl attest NAME`. Remove a \
             line from `removed` if the help says so.",
        ),
        Code::NotCompared => texts(
            "a field of an authoritative application that is not compared",
            "`authoritative: true` treats fields that the YAML leaves out as unset. Two kinds of fields are \
             still not compared: those that Duo does not allow to be cleared, such as `user_access` and \
             some settings of `sso`, and those that this version of duoctl does not know.",
            "Write the value that the field must have, or ignore the field with a reason. For a field that \
             duoctl does not know, check the Duo Admin Panel, and silence the note with `suppress`.",
        ),
        Code::StillUsed => texts(
            "an application to be deleted is still used",
            "The application's quarantine is over, but the authentication log shows that someone still \
             tries to use it. It is not deleted.",
            "Find out who uses it. Then add the entry again to bring the application back, or delete it \
             with `--prune=now`.",
        ),
        Code::LostMarker => texts(
            "an application lost its marker",
            "During a rotation, the markers of both applications refer to each other. Here one of them no \
             longer does, or a secret store holds the key of an application that has no marker, usually \
             because someone cleared or edited the notes in Duo. duoctl changes nothing at this address, so \
             that neither key stops working unnoticed.",
            "Pin the application that lost its marker with `integration_key` (`duoctl adopt` writes it), \
             apply, and remove the pin again; or delete the application in Duo if its key is not used.",
        ),
        Code::ForgedMarker => texts(
            "a marker that duoctl did not write",
            "Every marker ends with a seal, a keyed hash over the integration key and the whole marker. \
             This marker has no seal, or its seal does not match: someone wrote it, changed it, or moved it \
             from another application. duoctl trusts nothing in the marker and changes nothing at its \
             address, because the application that it was taken from may be the real one.",
            "Check in the activity log of the Duo Admin Panel who edited the notes. Remove `[duoctl ...]` \
             from the notes of the application that does not belong to the address. To accept an \
             application as it is, pin it with `integration_key`; duoctl then writes a new marker.",
        ),
        Code::DamagedMarker => texts(
            "a marker that cannot be read",
            "The notes contain `[duoctl `, but do not end with exactly one complete marker: it was cut, \
             edited or copied, or text was added after it. Its original content is unknown, so the \
             application is neither adopted nor removed, and duoctl does not touch the addresses that the \
             marker names.",
            "Remove `[duoctl ...]` from the notes in the Duo Admin Panel, or pin the application with \
             `integration_key`; duoctl then replaces the damaged marker. Put text of your own before the \
             marker.",
        ),
        Code::UnverifiedState => texts(
            "a marker that this run cannot verify",
            "A step depends on the marker of an application, but the marker is sealed with a key that this \
             run does not have, such as the secret key of another operator. `plan` shows the step, but \
             `apply` does not perform it, because anyone who can edit notes could have written the marker. \
             Settings are still changed. Before duoctl removes an application, it also checks in Duo's \
             activity log that no person has changed the application since duoctl did, because that person \
             may have put back an old marker.",
            "Run duoctl with the key that sealed the marker, or list that key in \
             `tenant.credentials.state_keys`. Before a removal, check who changed the application last, and \
             give the operator *Grant read log*. If you know that the marker is right, pin the application \
             with `integration_key`, or pass `--allow unverified_state:INTEGRATION_KEY` once.",
        ),
        Code::StoreDisagrees => texts(
            "the marker and the secret store refer to different applications",
            "The marker or the name of one application matches the address, but the address's secret store \
             holds the key of another existing application. This happens when someone moves a marker. \
             duoctl changes nothing, so that consumers do not get a different key.",
            "Find out in Duo which application is the right one, and pin it with `integration_key`.",
        ),
        Code::RotationUnderWay => texts(
            "a rotation is not finished",
            "While a key is rotated with an overlap, two applications belong to one address. The requested \
             action has to wait until one of them is out of use.",
            "See what the rotation waits for with `duoctl keys status ADDRESS`. Finish it, or cancel it \
             with `duoctl keys abort ADDRESS`.",
        ),
        Code::KeyTooOld => texts(
            "a key is older than `max_age` allows",
            "The key was created or delivered longer ago than the YAML allows. `drift` reports it as a \
             finding, and changes to the application wait for the rotation.",
            "Rotate it with `duoctl keys rotate ADDRESS`.",
        ),
        Code::KeyAgeUnknown => texts(
            "the age of a key is unknown",
            "The activity log does not go back to the creation of the key, or cannot be read, and the \
             secret store does not record when the key was delivered.",
            "Give the operator `Grant read log`, or rotate the key once, so that its age is known.",
        ),
        Code::SeenByUsers => texts(
            "a change that users will see",
            "People who are not administrators will notice the change. For example, every push shows the \
             name of an Auth API application.",
            "Tell them before the apply, or keep the value.",
        ),
        Code::NotOfferedYet => texts(
            "a setting that Duo does not offer for the application yet, or may not change",
            "Duo shows some settings only after an application was used or another setting was made. duoctl \
             leaves such a setting out of the plan until Duo shows it. It is not certain that Duo changes \
             the permission `allow_to_set_permissions` after the creation: the plan tries it, and later \
             plans report if Duo did not.",
            "Wait until Duo offers the setting, or change it in the Duo Admin Panel.",
        ),
        Code::NormalisedByDuo => texts(
            "Duo stores a value in another form",
            "Duo accepted a value and stores it in its own form, for example without spaces at its ends. \
             This is reported once and does not count as a difference later.",
            "Write the value as Duo stores it, or leave it.",
        ),
    }
}
