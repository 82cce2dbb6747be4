//! The explanation of each finding.

use crate::diagnostic::Code;

use super::Entry;

const fn texts(title: &'static str, meaning: &'static str, fix: &'static str) -> Entry {
    Entry { title, meaning, fix }
}

/// One arm for each code: a new one does not compile until it is explained.
pub(super) fn entry(code: Code) -> Entry {
    match code {
        // --- reading files
        Code::Unreadable => texts(
            "a path cannot be read",
            "A path that the command was given, or a file in the folder, does not exist, is no file or \
             folder, or may not be read. A workspace is loaded whole or not at all: a file that is \
             missing would look like applications that were removed.",
            "Correct the path, or give the user that runs duoctl the right to read the file.",
        ),
        Code::NoYaml => texts(
            "no YAML was found",
            "A folder holds no `duo.yaml` and no `*.duo.yaml`. Other YAML files of a folder belong to \
             other tools and are not read.",
            "Name the folder or the file that holds the workspace, rename the file to `NAME.duo.yaml`, or \
             begin one with `duoctl init`.",
        ),
        Code::MisnamedFile => texts(
            "a file has almost the name of a workspace's file",
            "A file in the folder is named like `duo.yaml` or `NAME.duo.yaml` but for case, the extension \
             `.yml`, blanks or its encoding. It is not read, so what it declares would look like \
             applications that were removed.",
            "Rename it to `duo.yaml` or `NAME.duo.yaml`, or give it a name that does not look like one.",
        ),
        Code::SeveralWorkspaces => texts(
            "a folder holds several workspaces",
            "The files of the folder declare workspaces of different names. A command works on one \
             workspace.",
            "Give the path of one of the workspaces that the message lists.",
        ),
        Code::DuplicateWorkspace => texts(
            "two folders hold a workspace of one name",
            "Two folders of this git work tree declare a workspace of the same name for the same account. \
             Each takes the applications of the other for removed ones, so neither may prune.",
            "Give one of the workspaces another name, or merge the two folders.",
        ),
        Code::EmptyFile => texts(
            "a file has no content",
            "A YAML file is empty or holds nothing but comments. An empty file is more often a mistake of \
             an editor or a merge than meant.",
            "Write the workspace into it, or delete the file.",
        ),
        Code::NotUtf8 => texts(
            "a file is not UTF-8",
            "A file has bytes that are no UTF-8. Guessing another encoding would change names that are \
             sent to Duo.",
            "Save the file as UTF-8; the message names the first byte that is wrong.",
        ),
        Code::TooLarge => texts(
            "a file is larger than the limits",
            "A file, or what its aliases expand to, is larger, or nested deeper, than any workspace \
             needs. The limits protect the machine that reads YAML from a pull request.",
            "Split the workspace over several `*.duo.yaml` files, or remove aliases that repeat large \
             parts.",
        ),
        Code::Syntax => texts(
            "the text is not YAML",
            "The text cannot be read as YAML 1.2, or uses a part of it that the language does not have: \
             tags, keys that are no text, several documents in one file.",
            "Correct the place that is marked; the help beside it says what is usual there.",
        ),
        Code::DuplicateKey => texts(
            "a key stands twice",
            "One mapping has the same key twice. YAML readers disagree on which of the two counts, so \
             duoctl takes neither.",
            "Remove one of the two; both places are shown.",
        ),
        // --- shape
        Code::UnknownKey => texts(
            "a key that the language does not have",
            "The key is misspelt, stands in the wrong mapping, or belongs to another tool. It is an \
             error, since a setting that is silently not applied is worse than one that is missing.",
            "Take the key that the help names, or look it up in the YAML reference.",
        ),
        Code::MissingKey => texts(
            "a required key is missing",
            "A mapping lacks a key that it cannot do without. `type`, `name` and `user_access` are \
             required for an application: what Duo itself takes for the last one has changed over time.",
            "Add the key; the help shows an example.",
        ),
        Code::WrongType => texts(
            "a value of the wrong kind",
            "A value is, for example, a text where a list is needed, or is empty where it must not be. \
             YAML 1.2 reads `yes`, `no` and `on` as text.",
            "Write the kind of value that the message names; `true` and `false` are the only switches.",
        ),
        Code::InvalidValue => texts(
            "a value that is not allowed",
            "The value is of the right kind, but out of bounds, malformed, or contradicts another one.",
            "Write a value that the help names; the YAML reference has the whole set.",
        ),
        Code::DuplicateAddress => texts(
            "defined in two places",
            "Two files, or two entries, define the same address, the same live application, or a key that \
             stands once, such as `tenant`. Neither is taken, since order decides nothing in a workspace.",
            "Remove or rename one of the two; both places are shown.",
        ),
        Code::InvalidHostname => texts(
            "not a bare Duo API hostname",
            "`api_hostname` is not of the shape `api-XXXXXXXX.duosecurity.com`, without `https://`, path \
             and port. Requests are signed with it, so it must be exact.",
            "Copy it from the application's page in the Duo Admin Panel; the help names what was probably \
             meant.",
        ),
        Code::PlainSecret => texts(
            "a secret in clear",
            "A secret key, a token or a password stands in the YAML, or where an identifier belongs. What \
             was committed once stays in the history of the repository.",
            "Name the place it comes from: `{env: NAME}`, `{file: PATH}` or `{command: [PROGRAM, \
             ARGUMENT]}`. Reset a secret that was committed.",
        ),
        Code::Untrusted => texts(
            "more than untrusted YAML may ask for",
            "With `--untrusted` the YAML comes from somebody who is not trusted, such as the author of a \
             pull request from a fork. It asks for a command, a variable, a link or a file outside of its \
             folder, by which it could read secrets or run programs, or for certificate authorities, by which \
             someone could answer in Duo's place.",
            "Look at the change first; then run without `--untrusted`, or give Duo's keys as `{env: \
             DUO_...}`, and certificate authorities with `--ca-file` or `DUOCTL_CA_FILE`.",
        ),
        // --- meaning
        Code::UnknownVariable => texts(
            "a variable that is not declared",
            "The YAML uses, or `--var` sets, a variable that `vars` does not declare; or a value contains `${` \
             and is neither a variable nor escaped.",
            "Correct the name, declare the variable under `vars`, or write `$${` for the text `${`.",
        ),
        Code::MissingVariable => texts(
            "a variable without a value",
            "A variable is `required`, and neither `--var` nor its environment variable sets it. \
             Nothing is planned, because the YAML would mean something else with another value.",
            "Use `--var NAME=VALUE`, set `DUOCTL_VAR_NAME` (in upper case), or give the variable a `default`.",
        ),
        Code::UnusedVariable => texts(
            "a variable that is not used",
            "`vars` declares a variable that no value uses. Setting it has no effect.",
            "Remove the declaration, or use the variable: `${vars.NAME}`.",
        ),
        Code::FieldNotApplicable => texts(
            "a field that this type does not have",
            "The type of the application, or of the secret store, has no such field: Duo would ignore or \
             refuse it.",
            "Remove the field, or correct `type`; the list of types is in `docs/reference/types.md`.",
        ),
        Code::LegacyField => texts(
            "a field that a policy replaced",
            "Duo moved the setting from the application into policies, and may ignore it on the \
             application.",
            "Set it in a policy, in the section that the help names, and attach that policy with \
             `policy`.",
        ),
        Code::AccessConflict => texts(
            "`user_access` and `groups_allowed` contradict each other",
            "Groups count only with `user_access: permitted_groups`, and that needs at least one group. \
             Duo would keep a list that has no effect, or let in nobody.",
            "Follow the help: name groups, or change `user_access`.",
        ),
        Code::TooManyGroups => texts(
            "more groups than Duo takes",
            "`groups_allowed` has more items than Duo accepts for one application.",
            "Gather users in fewer groups, or let everybody in and restrict by a policy.",
        ),
        Code::UnknownType => texts(
            "a type that duoctl does not know",
            "Duo adds types, so this is a warning and the plan goes on. If the type is misspelt, Duo \
             refuses the application when it is created.",
            "Compare it with the name that the help suggests; nothing is to be done when Duo has the \
             type.",
        ),
        Code::TypeNotCreatable => texts(
            "a type that the API cannot create",
            "As far as its documentation and clients tell, Duo's API does not make new applications of \
             this type, or the type has reached its end of life. One that exists can be managed all the \
             same.",
            "Create the application in the Duo Admin Panel and let duoctl adopt it, or take another type.",
        ),
        Code::DoubtfulSso => texts(
            "single sign-on settings that Duo most likely refuses",
            "Every public client of Duo's API sends certain settings when it creates such an application, some \
             scopes were refused without a mapping of their claims, and some types are configured in the \
             Admin Panel only. No source shows that Duo takes anything else, so an apply would most likely be \
             refused. An application that exists already is managed as far as the YAML goes.",
            "Write what the message names. If the application exists already, pin it with `integration_key`; \
             what only the Admin Panel configures, leave out of the YAML.",
        ),
        Code::DoubtfulNetwork => texts(
            "a network is most likely not what was meant",
            "A network covers every address there is, so it restricts nothing, or an address inside a network is written \
             with the length of the network, which means all of it.",
            "Write the address alone, or the network as the help says; leave the field out if any address may call.",
        ),
        Code::UnusedConsent => texts(
            "a standing consent cannot count",
            "An entry of `guards.allow` matches no address of the workspace, or names a risk that its type cannot have. It \
             would count, unseen, for whatever gets this address later.",
            "Correct the address, or remove the entry.",
        ),
        Code::InvalidNotes => texts(
            "notes that leave no room for the marker",
            "Duo keeps notes of limited length, and duoctl writes its marker at their end. Notes that are \
             too long, or hold what looks like a marker, would make ownership unclear.",
            "Shorten the notes as the help says, or remove `[duoctl ...]` from the text.",
        ),
        Code::AmbiguousName => texts(
            "two of one name",
            "Two applications of one type and name, or two entries with the same display name: a live one \
             could not be told to belong to either.",
            "Rename one of the two, or pin applications with `integration_key`.",
        ),
        Code::DeceptiveName => texts(
            "a name that is not what it looks like",
            "The name of an application, a group or a policy contains an invisible character, or a letter of another \
             script that looks like a Latin one. In a review it reads as another name, so a change could let in a group \
             that someone else created.",
            "Write the name with ordinary characters, or the object's id in its place. If the name is right, name the \
             code and the address in `suppress`.",
        ),
        Code::UnknownStore => texts(
            "a secret store that is not declared",
            "`secret` names a store that `secret_stores` does not have, so the keys would be nowhere.",
            "Correct the name, or declare the store under `secret_stores`.",
        ),
        Code::PlanTooSmall => texts(
            "a feature that needs a larger Duo plan",
            "The declared `tenant.plan` does not hold the feature: Duo would refuse it, or leave it \
             without effect.",
            "Turn the feature off, or correct `tenant.plan`.",
        ),
        Code::Recommended => texts(
            "recommended by the vendor, and left out",
            "Identity Intelligence does more with push verification and, with Duo Advantage or Premier, \
             with endpoints. The entry says nothing about one of them.",
            "Declare it, write `false` to do without, or name the code and the address in `suppress`.",
        ),
        Code::EventStreaming => texts(
            "event streaming where Duo does not have it",
            "Only the integration that the Duo Admin Panel itself provisioned has event streaming. One \
             that was added in the Identity Intelligence console has no such switch.",
            "Remove `event_streaming`; for the provisioned integration it is turned on in the Duo Admin \
             Panel.",
        ),
        Code::Expiring => texts(
            "an exception that ends",
            "An item of `ignore` or `guards.allow` has a last day, `until`, which is less than two weeks away, or \
             over. Afterwards it no longer counts: the difference is drift again, and the guard refuses again.",
            "Remove the item, or set a later `until` if its reason still holds.",
        ),
        Code::UnusedIgnore => texts(
            "an `ignore` that does nothing",
            "An item of `ignore` names a field that is not written at this application, is named twice, \
             or whose difference is gone. Such items hide the next difference that matters.",
            "Remove the item.",
        ),
        // --- against the account
        Code::UnknownReference => texts(
            "a group or policy that the account does not have",
            "The YAML names a group or a policy that was not found. It is never left out: an application \
             that loses one of its groups lets other people in.",
            "Correct the name, with one of the near names in the help, or create the group or policy in \
             Duo first.",
        ),
        Code::AmbiguousReference => texts(
            "a name that several objects have",
            "More than one group or policy of the account has the name, so it cannot be told which is \
             meant.",
            "Name one by its id, which the help lists, or rename the others in Duo.",
        ),
        Code::AmbiguousMatch => texts(
            "several live applications could be meant",
            "An address could be one of several live applications, or one live application could be \
             several addresses. Taking the wrong one would change who may log in elsewhere.",
            "Pin the right one with `integration_key`; `duoctl adopt ADDRESS ID` writes it.",
        ),
        Code::OwnedElsewhere => texts(
            "owned by another workspace or address",
            "The live application carries the marker of another workspace, or of another address of this \
             one. Two owners would undo each other's changes.",
            "The help names the way: `duoctl adopt ADDRESS ID` where the address was renamed, `duoctl adopt \
             --formerly NAME` where the whole workspace was; otherwise the owner has to release it with \
             `removed: {ADDRESS: retain}`.",
        ),
        Code::FormerName => texts(
            "about the workspace's former name",
            "`formerly` lets a workspace that got another name take over its applications. Either some \
             of them have no address in the YAML, or none carries the former name any more.",
            "Declare what is named, or remove `formerly` once nothing carries the name.",
        ),
        Code::DuplicateMarker => texts(
            "one marker on several applications",
            "Several live applications carry the same marker, mostly because somebody copied the notes. \
             Which of them is the managed one cannot be told.",
            "Remove the marker, `[duoctl ...]`, from the notes of the copies in the Duo Admin Panel, or \
             pin the right one.",
        ),
        Code::StoreUnreadable => texts(
            "a secret store could not be read",
            "The store did not answer, refused, or holds something at the place that duoctl did not \
             write. Nothing is delivered there, since it might overwrite what others need. Nor does `apply` create an \
             application whose key the store may hold already.",
            "Mend what the message names, or choose another `path`, and apply again.",
        ),
        Code::PossibleDuplicate => texts(
            "what would be created may exist already",
            "No live application carries the marker or the name of the address, but one without an owner \
             looks like it: its keys are in the address's secret store, a service provider knows it by the \
             same entity id, redirect URI or client, or it is the only one of its type that is set the same. \
             Somebody may have renamed it in Duo and removed its marker. Where that is as good as certain \
             nothing is created; otherwise this is a warning. For Identity Intelligence it also looks for what was \
             set up by hand, and for an entry that was renamed. Nothing is ever adopted by likeness.",
            "If it is the same, `duoctl adopt ADDRESS ID`. If not, give the other one an address of its \
             own, with nothing but its `integration_key`, so that it has an owner; a warning can also be named in \
             `suppress`, with a reason.",
        ),
        Code::RemovalHeld => texts(
            "a removal that waits for errors",
            "There are errors, and one of them may be why an address seems to have left the YAML. So nothing is \
             quarantined or deleted by this run; everything else goes on.",
            "Fix the errors, then run the same command again.",
        ),
        Code::PinMismatch => texts(
            "`integration_key` and the account disagree",
            "The pinned application does not exist, is of another type, is pinned twice, or another one \
             carries the marker of the address.",
            "Correct `integration_key` or `type` as the help says, or remove the pin.",
        ),
        Code::AccountUnreadable => texts(
            "a part of the account could not be read",
            "A list of the account failed, was short, or was throttled. What could not be read is never \
             taken for absent: nothing is planned for what it covers.",
            "Run again; when it stays, `duoctl doctor` names the cause and what mends it.",
        ),
        Code::AccountMismatch => texts(
            "the declared tenant and the account disagree",
            "`tenant.plan` says something else than the account itself, or the account's plan does not \
             hold a feature of the YAML.",
            "Correct `tenant.plan`, or turn the feature off.",
        ),
        Code::SelfLockout => texts(
            "duoctl would lock itself out",
            "The change would take away the key, the permissions or the network address by which duoctl \
             calls Duo. Nothing could undo it but an administrator by hand.",
            "Leave the operator as it is, or make the change with the key of another operator.",
        ),
        Code::OverPrivileged => texts(
            "a key may do more than the YAML says",
            "Somebody gave an application permissions in Duo that the YAML does not have. An apply \
             revokes them.",
            "Apply, or declare the permissions if they are wanted.",
        ),
        Code::SeenInConsole => texts(
            "something that a console has to be told",
            "A console without an API, such as that of Identity Intelligence, has to be told something, \
             or no longer has to. duoctl cannot do it.",
            "Follow `duoctl handoff NAME`, then write the attestation with `duoctl attest NAME`; remove a \
             line that the message calls needless.",
        ),
        Code::NotCompared => texts(
            "a field of an authoritative application that is not compared",
            "`authoritative: true` makes fields that the YAML leaves out count as unset. Two sorts of \
             fields stay uncompared: those that Duo does not let be cleared, such as `user_access` and \
             some settings of `sso`, and those that this version of duoctl does not know.",
            "Write the value that the field has to have, or ignore it with a reason. For a field that \
             duoctl does not know, look at the Duo Admin Panel, and silence the note with `suppress`.",
        ),
        Code::StillUsed => texts(
            "somebody still uses what was to be deleted",
            "The quarantine of the application is over, but the authentication log shows that somebody \
             still asks for it. It is not deleted.",
            "Find out who uses it; write the entry again to bring it back, or delete it with \
             `--prune=now`.",
        ),
        Code::LostMarker => texts(
            "an application lost its marker",
            "While a key is rotated, the markers of both applications name each other. Here one of them no longer does, \
             or a secret store holds the key of an application that has no marker, mostly because somebody cleared or \
             edited the notes in Duo. Nothing is changed at this address, so that neither key goes out of use \
             unnoticed.",
            "Pin the application that lost its marker with `integration_key` (`duoctl adopt` writes it), apply, and \
             remove the pin again; or delete the application in Duo if its key is not used.",
        ),
        Code::ForgedMarker => texts(
            "a marker that duoctl did not write",
            "Every marker ends in a seal, a keyed hash over the integration key and the whole marker. This one has no seal, \
             or one that does not fit: somebody wrote it, changed it, or moved it from another application. Nothing of what \
             it says is believed, and nothing is changed at its address, because the application that it was taken from \
             may be the real one.",
            "Look in the activity log of the Duo Admin Panel who edited the notes. Remove `[duoctl ...]` from the notes of \
             the application that is not the one of the address; to take an application as it is, pin it with \
             `integration_key`, and its marker is written anew.",
        ),
        Code::DamagedMarker => texts(
            "a marker that cannot be read",
            "The notes hold `[duoctl `, and not exactly one whole marker at their end: it was cut, edited or copied, or \
             text was added after it. Nobody can tell what it said, so the application is neither adopted nor removed, \
             and the addresses that it names are left alone.",
            "Remove `[duoctl ...]` from the notes in the Duo Admin Panel, or pin the application with `integration_key`: \
             then duoctl replaces what is left of the marker. Text of your own goes before the marker.",
        ),
        Code::UnverifiedState => texts(
            "a marker that this run cannot verify",
            "A step rests on what the marker of an application says, and the marker is sealed by a key that this run does \
             not have, such as the secret key of another operator. `plan` shows the step; `apply` does not carry it out, \
             because whoever may edit notes could have written the marker. Settings are changed all the same. Before it removes \
             an application, duoctl also wants to see in Duo's activity log that no person changed it since duoctl did: they \
             may have put an old marker back.",
            "Run it with the key that sealed the marker, or name that key in `tenant.credentials.state_keys`; before a \
             removal, look who changed the application last, and give the operator *Grant read log*. If you know \
             that the marker is right, pin the application with `integration_key`, or pass `--allow \
             unverified_state:INTEGRATION_KEY` once.",
        ),
        Code::StoreDisagrees => texts(
            "the marker and the secret store mean different applications",
            "By its marker or its name one application is the one of the address, and the address's secret store holds \
             the key of another one that exists. This is what is left when somebody moves a marker. Nothing is changed, \
             so that consumers do not get another key.",
            "Find out in Duo which of the two is meant, and pin it with `integration_key`.",
        ),
        Code::RotationUnderWay => texts(
            "a rotation is not finished",
            "Two applications stand at one address while a key is rotated with an overlap. What was asked for has to \
             wait until one of them is out of use.",
            "See what it waits for with `duoctl keys status ADDRESS`; finish it, or call it off with \
             `duoctl keys abort ADDRESS`.",
        ),
        Code::KeyTooOld => texts(
            "a key is older than `max_age` says",
            "The key was made, or delivered, longer ago than the YAML allows. `drift` counts it as a finding, \
             and changes of the application wait for the rotation.",
            "Rotate it with `duoctl keys rotate ADDRESS`.",
        ),
        Code::KeyAgeUnknown => texts(
            "nobody can tell how old a key is",
            "The activity log does not reach back to the key's making, or may not be read, and the secret \
             store does not say when the key was delivered.",
            "Grant the operator `Grant read log`, or rotate the key once, so that its age is known.",
        ),
        Code::SeenByUsers => texts(
            "a change that users see",
            "People who are not administrators will notice: for example the name of an Auth API \
             application stands on every push.",
            "Tell them before the apply, or keep the value.",
        ),
        Code::NotOfferedYet => texts(
            "a setting that Duo does not offer for the application yet, or may not change",
            "Duo shows some settings only once an application was used or another setting was made. Such a \
             setting is left out of the plan until Duo shows it. Of the permission \
             `allow_to_set_permissions` it is not certain that Duo changes it after the creation: the plan \
             tries it, and later plans say if Duo did not.",
            "Wait until Duo offers the setting, or change it in the Duo Admin Panel.",
        ),
        Code::NormalisedByDuo => texts(
            "Duo keeps another form of a value",
            "Duo accepted a value and keeps it in a form of its own, e.g. without spaces at its ends. It \
             is reported once and is no difference later.",
            "Write the value as Duo keeps it, or leave it.",
        ),
    }
}
