//! Every word that a marker may contain, written by someone who can only edit notes, on every sort of application, for every
//! command: it has no effect.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use crate::support::saved::Saved;
use crate::support::seals::sealed;
use crate::support::{Folder, Server, object};

const BEFORE: &str = "applications:
  vpn: {type: radius, name: VPN, user_access: all_users, protect: true, secret: {store: local, path: vpn}}
  wiki: {type: websdk, name: Wiki, user_access: no_users, secret: {store: local, path: wiki}}
  help: {type: authapi, name: Help, user_access: all_users, secret: {store: local, path: help}}
  plain: {type: radius, name: Plain, user_access: no_users, greeting: Hello}
  gone: {type: unix, name: Gone, user_access: all_users}
  shut: {type: rdp, name: Shut, user_access: all_users}
identity_intelligence: {emea: {display_name: EMEA, access: read_only}}
secret_stores: {local: {type: file, path: kept}}
guards: {allow: [{risk: widens_access, reason: a test}]}
";

/// The commands of each run.
const COMMANDS: [&[&str]; 11] = [
    &["plan"],
    &["drift"],
    &["handoff"],
    &["import"],
    &["apply", "--auto-approve"],
    &["apply", "--auto-approve", "--prune"],
    &["apply", "--auto-approve", "--prune=now", "--allow", "destroys", "--max-changes", "100%"],
    &["keys", "rotate", "applications.vpn", "--auto-approve"],
    &["keys", "rotate", "applications.wiki", "--strategy", "in-place", "--auto-approve"],
    &["keys", "confirm", "applications.help", "--auto-approve"],
    &["keys", "abort", "applications.help", "--auto-approve"],
];

/// One application of each sort: owned and protected, one whose key is being rotated, one that left the YAML, a quarantined
/// one, one of another workspace, and one without a marker.
struct World {
    saved: Saved,
    secret: String,
}

fn without(text: &str, keys: &[&str]) -> String {
    let is_left = |line: &&str| !keys.iter().any(|key| line.starts_with(&format!("  {key}:")));
    text.lines().filter(is_left).map(|line| format!("{line}\n")).collect()
}

impl World {
    fn new() -> Self {
        let mut secret = String::new();
        let saved = Saved::new(|server, folder| secret = Self::prepare(server, folder));
        Self { saved, secret }
    }

    fn prepare(server: &Server, folder: &Folder) -> String {
        folder.declare(BEFORE);
        let run = |arguments: &[&str]| folder.duoctl(arguments).at(server).run().exits(0);
        run(&["apply", "--auto-approve", "--no-verify"]);
        folder.declare(&without(BEFORE, &["shut"]));
        run(&["apply", "--auto-approve", "--no-verify", "--prune"]);
        run(&["keys", "rotate", "applications.help", "--auto-approve"]);
        for (name, notes) in [("Break glass", ""), ("Theirs", "[duoctl other/applications.vpn -]")] {
            let body = json!({"type": "radius", "name": name, "user_access": "ALL_USERS"});
            let made =
                server.account().create_application(object(body)).unwrap_or_else(|reply| panic!("{reply:?}"));
            let ikey = made["integration_key"].as_str().unwrap();
            if !notes.is_empty() {
                server.edit(
                    name,
                    json!({"notes": sealed("a-secret-of-somebody-else-of-the-account", Some(ikey), notes)}),
                );
            }
        }
        folder.declare(&without(BEFORE, &["shut", "gone"]).replace("greeting: Hello", "greeting: Bye"));
        server.key("operator").secret_key.expose().to_owned()
    }

    /// Every place for a marker: a name, and the integration key.
    fn places(&self) -> Vec<(String, String)> {
        let mut account = self.saved.account();
        let operator = account.key("operator").unwrap().integration_key;
        let mut places: Vec<(String, String)> = Vec::new();
        for live in account.applications() {
            let text = |key: &str| live[key].as_str().unwrap().to_owned();
            let is_marked = text("notes").contains("[duoctl ");
            if is_marked || text("name") == "Break glass" || text("integration_key") == operator {
                places.push((text("name"), text("integration_key")));
            }
        }
        places
    }

    /// What a command changes, and which keys it prints, with these notes.
    fn changes(&self, server: &Server, command: &[&str], forged: Option<(&str, &str)>) -> BTreeSet<String> {
        *server.account() = self.saved.account();
        let folder = self.saved.folder();
        if let Some((ikey, notes)) = forged {
            let body = object(json!({"notes": notes}));
            server.account().modify_application(ikey, body).unwrap_or_else(|reply| panic!("{reply:?}"));
        }
        let before = Seen::of(server, &folder);
        let run = folder.duoctl(command).at(server).run();
        assert!(matches!(run.code, Some(0..=6)), "{command:?} {forged:?}: {run:?}");
        let mut changes = before.until(&Seen::of(server, &folder));
        if command == ["handoff"] {
            let keys = run.stdout.split(|c: char| !c.is_ascii_alphanumeric());
            let keys = keys.filter(|word| word.len() == 20 && word.starts_with("DI"));
            changes.extend(keys.map(|key| format!("{key} is on the sheet")));
        }
        changes
    }
}

/// The content of an account and its secret store.
struct Seen {
    applications: BTreeMap<String, Value>,
    stored: BTreeMap<String, Value>,
}

impl Seen {
    fn of(server: &Server, folder: &Folder) -> Self {
        let all = server.account().applications();
        let key = |live: &Value| live["integration_key"].as_str().unwrap().to_owned();
        let files = fs::read_dir(folder.path("kept")).unwrap().map(|entry| entry.unwrap());
        let files = files.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
        let stored = files.map(|entry| {
            let text = fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
        });
        Self {
            applications: all.iter().map(|live| (key(live), live.clone())).collect(),
            stored: stored.collect(),
        }
    }

    /// The differences to a later state, without notes. New keys have no names.
    fn until(&self, later: &Self) -> BTreeSet<String> {
        let mut changes = BTreeSet::new();
        for (ikey, before) in &self.applications {
            let Some(after) = later.applications.get(ikey) else {
                changes.insert(format!("{ikey} was deleted"));
                continue;
            };
            for (field, value) in after.as_object().unwrap() {
                if field == "notes" || before.get(field) == Some(value) {
                    continue;
                }
                changes.insert(match field.as_str() {
                    "secret_key" => format!("{ikey} has a new key"),
                    _ => format!("{ikey} {field} = {value}"),
                });
            }
        }
        for (ikey, made) in &later.applications {
            if !self.applications.contains_key(ikey) {
                changes.insert(format!(
                    "{} {} was created, {}",
                    made["type"], made["name"], made["user_access"]
                ));
            }
        }
        for (file, after) in &later.stored {
            if self.stored.get(file).map(|before| &before["secret_key"]) != Some(&after["secret_key"]) {
                let ikey = after["integration_key"].as_str().unwrap();
                let whose = if self.applications.contains_key(ikey) { ikey } else { "a new application" };
                changes.insert(format!("{file} holds the key of {whose}"));
            }
        }
        changes
    }
}

/// Every word, as it appears in a marker after the hashes.
fn words(partner: &str) -> Vec<String> {
    let (now, old) = ("2026-01-02T03:04:05Z", "2020-01-02T03:04:05Z");
    vec![
        String::new(),
        format!(" creating:{now}"),
        " replaced".to_owned(),
        " renewing".to_owned(),
        format!(" rotating:{partner}"),
        format!(" successor:{now} of:{partner}"),
        format!(" delivered:{old},{old} of:{partner}"),
        format!(" abandoned of:{partner}"),
        format!(" quarantined:{old} had:all_users"),
        format!(" retired:{old} had:all_users could:settings"),
        " untested:admins;".to_owned(),
        " untested:?".to_owned(),
        format!(" shut:{old}"),
        " adopted".to_owned(),
        " protected".to_owned(),
        " protected adopted".to_owned(),
        " replaced replaced".to_owned(),
    ]
}

/// How someone without a key tries to prove a marker: nothing, another key, a wrong code of the right key, the seal of
/// another application, and the seal of a creation that has no key yet.
fn seals(secret: &str, ikey: &str, other: &str, marker: &str) -> Vec<String> {
    let own = sealed(secret, Some(ikey), marker);
    let (text, seal) = own.rsplit_once(" ~").unwrap();
    let (id, mac) = seal.split_at(4);
    let wrong: String = mac
        .chars()
        .map(|c| {
            if c == '0' {
                '1'
            } else if c == ']' {
                c
            } else {
                '0'
            }
        })
        .collect();
    let mut seals = vec![
        marker.to_owned(),
        sealed("a-secret-of-somebody-else-of-the-account", Some(ikey), marker),
        format!("{text} ~{id}{wrong}"),
        sealed(secret, Some(other), marker),
        format!("{own} {own}"),
        format!("{own} more"),
    ];
    if !marker.contains("creating:") && !marker.contains("successor:") {
        // Over no application: only a creation has that.
        seals.push(sealed(secret, None, marker));
    }
    seals
}

/// The number of cases in every test run: each word, seal, sort and command occurs, and it stays quick. DUOCTL_TEST_ALL runs
/// all of them.
const CASES: usize = 80;

#[test]
fn no_word_in_notes_makes_a_command_do_more() {
    let (world, server) = (World::new(), Server::start());
    let places = world.places();
    assert!(places.len() >= 10, "{places:?}");
    let without_it: Vec<BTreeSet<String>> =
        COMMANDS.iter().map(|command| world.changes(&server, command, None)).collect();
    assert!(without_it[4].iter().any(|change| change.contains("greeting")), "{without_it:?}");
    assert!(without_it[7].iter().any(|change| change.contains("created")), "{without_it:?}");
    assert!(without_it[8].iter().any(|change| change.contains("new key")), "{without_it:?}");
    assert!(without_it[10].iter().any(|change| change.contains("deleted")), "{without_it:?}");
    let mut cases = Vec::new();
    for (n, (name, ikey)) in places.iter().enumerate() {
        let partner = &places[(n + 3) % places.len()].1;
        for address in [
            "applications.vpn",
            "applications.help",
            "applications.gone",
            "identity_intelligence.emea.admin_api",
        ] {
            for word in words(partner) {
                let marker = format!("[duoctl acme/{address} -{word}]");
                for notes in seals(&world.secret, ikey, partner, &marker) {
                    cases.extend((0..COMMANDS.len()).map(|command| (name, ikey, notes.clone(), command)));
                }
            }
        }
    }
    let every = std::env::var_os("DUOCTL_TEST_ALL").is_some();
    let step = if every { 1 } else { cases.len() / CASES };
    let chosen = cases.iter().enumerate().filter(|(n, _)| n % step == (n / step * 7) % step);
    let mut count = 0;
    for (_, (name, ikey, notes, command)) in chosen {
        let command_line = COMMANDS[*command];
        let changes = world.changes(&server, command_line, Some((ikey, notes)));
        let more: Vec<&String> = changes.difference(&without_it[*command]).collect();
        assert!(more.is_empty(), "{command_line:?} with {notes} on {name} {ikey}: {more:#?}");
        count += 1;
    }
    assert!(count >= CASES, "{count} cases");
    if every {
        eprintln!("{count} runs");
    }
}
