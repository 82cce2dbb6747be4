//! The scripts of examples/stores, and every other store, end to end: the store's own client reads what duoctl delivers, and
//! Duo's own client can use it; changes behind duoctl's back are detected and fixed.
//!
//! Needs Debian's `age`, `gnupg`, `jq` and `pass`, and the Python packages of tests/conformance.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value, json};

use super::vault_double::{TOKEN, Vault};
use super::workspace::{Duo, Folder};
use crate::support::python::{python, skip, suite};

/// In addition to the four applications of the example.
const MORE: &str = "
applications:
  kept:
    type: adminapi
    name: Kept
    user_access: no_users
    permissions: [info]
    secret: {store: local, path: kept.json}
  vaulted:
    type: authapi
    name: Vaulted
    user_access: no_users
    secret: {store: vault, path: duo/vaulted}
secret_stores: {local: {type: file, path: kept}}
guards: {allow: [{risk: escalates_privilege, reason: a test}]}
";

pub fn missing(programs: &[&str]) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = |program: &&&str| !std::env::split_paths(&path).any(|folder| folder.join(program).exists());
    let missing: Vec<&str> = programs.iter().filter(found).copied().collect();
    (!missing.is_empty()).then(|| format!("install Debian's {}", missing.join(", ")))
}

/// A copy of examples/stores.
fn example() -> Folder {
    let folder = Folder::empty();
    for entry in fs::read_dir("examples/stores").unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), folder.path(&entry.file_name().to_string_lossy())).unwrap();
    }
    folder
}

/// The tools of the stores, set up for one test.
struct Tools {
    folder: Folder,
    environment: Vec<(String, OsString)>,
    aws: Option<Child>,
}

impl Tools {
    fn set_up(folder: Folder) -> Self {
        let home = folder.path("home");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        let environment = vec![("HOME".to_owned(), home.into_os_string())];
        let tools = Self { folder, environment, aws: None };
        for identity in ["identity.txt", "stranger.txt"] {
            tools.run(&["age-keygen", "-o", identity], "");
        }
        let recipient = tools.run(&["age-keygen", "-y", "identity.txt"], "");
        fs::write(tools.folder.path("recipients.txt"), recipient).unwrap();
        tools
    }

    fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.push((name.to_owned(), value.into()));
    }

    fn start_pass(&mut self) {
        let gpg = self.folder.path("home/gpg");
        fs::create_dir(&gpg).unwrap();
        fs::set_permissions(&gpg, fs::Permissions::from_mode(0o700)).unwrap();
        self.set("GNUPGHOME", gpg);
        self.set("PASSWORD_STORE_DIR", self.folder.path("home/passwords"));
        let key = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "duo@example.com"];
        self.run(&key, "");
        self.run(&["pass", "init", "duo@example.com"], "");
    }

    fn start_aws(&mut self, python: &Path) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders =
            std::iter::once(python.parent().unwrap().to_owned()).chain(std::env::split_paths(&path));
        self.set("PATH", std::env::join_paths(folders).unwrap());
        let mut server = Command::new(python);
        server.arg(suite().join("aws_server.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = server.stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
        self.aws = Some(server);
        self.set("AWS_ENDPOINT_URL", address.trim());
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            self.set(name, "of-nobody");
        }
        self.set("AWS_DEFAULT_REGION", "eu-west-1");
    }

    /// Wraps these programs, and records their arguments and their environment.
    fn spy_on(&mut self, programs: &[&str]) {
        let path = self.environment.iter().find(|(name, _)| name == "PATH").unwrap().1.clone();
        let spies = self.folder.path("spies");
        fs::create_dir(&spies).unwrap();
        for program in programs {
            let real =
                std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.exists());
            let (real, log) = (real.unwrap(), self.folder.path("spied"));
            let note = "{ printf '%s\\n' \"$0 $*\"; env; }";
            let body = format!("{note} >> '{}'\nexec '{}' \"$@\"", log.display(), real.display());
            self.folder.script(&format!("spies/{program}"), &body);
        }
        let before = std::iter::once(spies).chain(std::env::split_paths(&path));
        self.set("PATH", std::env::join_paths(before).unwrap());
    }

    /// Runs a program, which must succeed, and returns its output.
    fn run(&self, words: &[&str], input: &str) -> String {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(self.folder.root()).stdin(Stdio::piped());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        if let Some(mut server) = self.aws.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
        // Its agents outlive the process that started them.
        if self.environment.iter().any(|(name, _)| name == "GNUPGHOME") {
            let mut end = Command::new("gpgconf");
            end.args(["--kill", "all"]).envs(self.environment.iter().map(|(name, value)| (name, value)));
            let _ = end.status();
        }
    }
}

/// A store, what is delivered to it, and how its own client reads that.
struct Shelf {
    application: &'static str,
    kind: &'static str,
    place: &'static str,
    read: Vec<String>,
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn shelves(python: &Path) -> [Shelf; 6] {
    let manager =
        "aws secretsmanager get-secret-value --secret-id duo/siem --query SecretString --output text";
    let parameter =
        "aws ssm get-parameter --name /duo/help-desk --with-decryption --query Parameter.Value --output text";
    let shelf = |application, kind, place, read| Shelf { application, kind, place, read };
    [
        shelf(
            "Backup server",
            "authapi",
            "store committed: backup.env",
            words("age -d -i identity.txt secrets/backup.env.age"),
        ),
        shelf("Help desk", "authapi", "store parameters: help-desk", words(parameter)),
        shelf("Reports", "adminapi", "store passwords: reports", words("pass show duo/reports")),
        shelf("SIEM export", "adminapi", "store manager: siem", words(manager)),
        shelf("Kept", "adminapi", "file kept/kept.json", words("cat kept/kept.json")),
        shelf("Vaulted", "authapi", "kv/duo/vaulted", vault_kv(python, "read")),
    ]
}

fn vault_kv(python: &Path, operation: &str) -> Vec<String> {
    let script = suite().join("vault_kv.py").display().to_string();
    let mut all = vec![python.display().to_string(), script, operation.to_owned()];
    all.extend(words("2 kv duo/vaulted"));
    all
}

fn run(tools: &Tools, words: &[String]) -> String {
    tools.run(&words.iter().map(String::as_str).collect::<Vec<_>>(), "")
}

/// Each store has the current key, and Duo's client can use it.
fn keys_work(duo: &Duo, tools: &Tools, python: &Path) {
    let mut held = Map::new();
    for shelf in shelves(python) {
        let text = run(tools, &shelf.read);
        let key = duo.application(shelf.application)["secret_key"].as_str().unwrap().to_owned();
        assert!(text.contains(&key), "{} does not hold the key of now", shelf.place);
        held.insert(shelf.place.to_owned(), json!([shelf.kind, text]));
    }
    let script = suite().join("stored_keys.py").display().to_string();
    let document = format!("DUOCTL_SANDBOX={}", duo.running().document());
    let call = ["env", &document, &python.display().to_string(), &script];
    let called = tools.run(&call, &Value::Object(held).to_string());
    assert_eq!(called.lines().count(), 6, "{called}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_store_gives_its_own_client_a_key_that_works() {
    let what = "secret stores by their own clients";
    if let Some(reason) = missing(&["age", "gpg", "jq", "pass"]) {
        return skip(what, &reason);
    }
    let python: PathBuf = match python() {
        Ok(python) => python,
        Err(reason) => return skip(what, &reason),
    };
    let (mut duo, vault) = (Duo::start(), Vault::start().await);
    let folder = example();
    fs::write(folder.path("token"), TOKEN).unwrap();
    fs::write(folder.path("more.duo.yaml"), MORE).unwrap();
    fs::write(folder.path("vault.duo.yaml"), vault.store("kv", "token: {file: token}")).unwrap();
    let mut tools = Tools::set_up(folder);
    tools.start_pass();
    tools.start_aws(&python);
    tools.set("VAULT_ADDR", format!("https://localhost:{}", vault.address.port()));
    tools.set("VAULT_TOKEN", TOKEN);
    tools.set("VAULT_CACERT", vault.ca.path());
    tools.spy_on(&["age", "aws", "gpg", "jq", "mktemp", "pass"]);
    duo.environment = tools.environment.clone();
    let mut known = duo.secrets();

    let mut run_now = duo.apply(&tools.folder).exits(0).tells("Applied: 12 of 12 steps.");
    for shelf in shelves(&python) {
        run_now = run_now.tells(&format!("{}; read back, proven by a signed call", shelf.place));
    }
    tokio::task::block_in_place(|| keys_work(&duo, &tools, &python));
    let committed = fs::read(tools.folder.path("secrets/backup.env.age")).unwrap();
    duo.plan(&tools.folder).exits(0).tells("No changes.");

    // Behind duoctl's back: three places are emptied, one gets other content, and two keys are replaced in Duo.
    let other = json!({"integration_key": "DIOTHER", "secret_key": "of another application"}).to_string();
    tokio::task::block_in_place(|| {
        fs::remove_file(tools.folder.path("kept/kept.json")).unwrap();
        tools.run(&["aws", "ssm", "delete-parameter", "--name", "/duo/help-desk"], "");
        run(&tools, &vault_kv(&python, "delete"));
        tools.run(&["pass", "insert", "--multiline", "--force", "duo/reports"], &other);
    });
    known.extend(duo.secrets());
    for name in ["Backup server", "SIEM export"] {
        duo.reset(name);
    }
    duo.plan(&tools.folder)
        .exits(2)
        .tells("to file kept/kept.json: the store holds nothing yet")
        .tells("to store parameters: help-desk: the store holds nothing yet")
        .tells("kv/duo/vaulted: the store holds nothing yet")
        .tells("to store passwords: reports: the store holds the keys of DIOTHER")
        .tells("to store committed: backup.env: the store holds a key ending in")
        .tells("to store manager: siem: the store holds a key ending in")
        .tells("6 deliveries.");
    duo.apply(&tools.folder).exits(0).tells("Applied: 6 of 6 steps.");
    tokio::task::block_in_place(|| keys_work(&duo, &tools, &python));
    assert_ne!(fs::read(tools.folder.path("secrets/backup.env.age")).unwrap(), committed);

    known.extend(duo.secrets());
    let spied = fs::read_to_string(tools.folder.path("spied")).unwrap();
    for program in ["age --encrypt", "aws secretsmanager", "aws ssm", "gpg ", "jq ", "pass insert"] {
        assert!(spied.contains(&format!("spies/{program}")), "{program} was not run");
    }
    assert!(
        known.iter().all(|secret| !spied.contains(&secret[..12])),
        "a secret was an argument, or in an environment"
    );
}

#[test]
fn recipients_that_do_not_parse_and_identities_that_open_nothing_are_said() {
    if let Some(reason) = missing(&["age", "jq"]) {
        return skip("the recipe for age", &reason);
    }
    let duo = Duo::start();
    let tools = Tools::set_up(example());
    let store = |recipients: &str, identity: &str| {
        format!(
            "{{type: exec, write: [./age.sh, secrets, {recipients}, {identity}], read: [./age.sh, secrets, {recipients}, {identity}]}}"
        )
    };
    let application = |name: &str, store: &str, path: &str| {
        format!(
            "  {name}: {{type: authapi, name: {name}, user_access: no_users, secret: {{store: {store}, path: {path}}}}}\n"
        )
    };
    let applications = |closed: &str| {
        format!(
            "applications:\n{}{}{}",
            application("good", "good", "good"),
            application("mangled", "mangled", "mangled"),
            application("closed", closed, "closed"),
        )
    };
    let stores = format!(
        "secret_stores:\n  good: {}\n  mangled: {}\n  stranger: {}\n",
        store("recipients.txt", "identity.txt"),
        store("mangled.txt", "identity.txt"),
        store("recipients.txt", "stranger.txt")
    );
    fs::write(tools.folder.path("mangled.txt"), "age1nobody\n").unwrap();
    tools.folder.yaml(&applications("stranger"), &stores);
    // It cannot decrypt what it returns, so the last key is delivered but cannot be confirmed.
    let run = duo.apply(&tools.folder).exits(4);
    run.tells("delivered applications.good")
        .tells("not delivered applications.mangled")
        .tells("the write command of the store `mangled` ended with exit status: 1: age: error: ")
        .tells("malformed recipient at line 1")
        .tells("not delivered applications.closed")
        .tells("the read command of the store `stranger` ended with exit status: 1: age: error: no identity matched");
    // In the next plan that place is unreadable, not empty, and nothing replaces it.
    let sealed = fs::read(tools.folder.path("secrets/closed.age")).unwrap();
    let plan = duo.plan(&tools.folder).exits(1);
    plan.tells("error[store-unreadable]: applications.closed: its keys cannot be delivered")
        .tells("no identity matched");
    assert_eq!(fs::read(tools.folder.path("secrets/closed.age")).unwrap(), sealed);
    fs::copy(tools.folder.path("recipients.txt"), tools.folder.path("mangled.txt")).unwrap();
    tools.folder.yaml(&applications("good"), &stores);
    duo.apply(&tools.folder).exits(0).tells("Applied: 1 of 1 steps.");
    duo.plan(&tools.folder).exits(0);
    for name in ["good", "mangled", "closed"] {
        let text = tools.run(&["age", "-d", "-i", "identity.txt", &format!("secrets/{name}.age")], "");
        assert!(text.contains(duo.application(name)["secret_key"].as_str().unwrap()), "{name}");
    }
}

#[test]
fn the_same_keys_leave_a_committed_file_as_it_is() {
    if let Some(reason) = missing(&["age", "jq"]) {
        return skip("the recipe for age", &reason);
    }
    let tools = Tools::set_up(example());
    let write = |key: &str, moment: &str, format: &str, more: &[&str]| {
        let content = match format {
            "json" => format!("{{\n  \"secret_key\": \"{key}\",\n  \"delivered_at\": \"{moment}\"\n}}\n"),
            _ => format!("DUO_SECRET_KEY={key}\nDUO_DELIVERED_AT={moment}\n"),
        };
        let input = json!({"operation": "write", "path": format, "format": format, "content": content});
        let words = [&["./age.sh", "secrets", "recipients.txt"], more].concat();
        tools.run(&words, &input.to_string());
        fs::read(tools.folder.path(&format!("secrets/{format}.age"))).unwrap()
    };
    for format in ["json", "dotenv"] {
        let first = write("one", "2026-11-24T22:00:00Z", format, &["identity.txt"]);
        assert_eq!(write("one", "2026-11-25T22:00:00Z", format, &["identity.txt"]), first, "{format}");
        let second = write("two", "2026-11-25T22:00:00Z", format, &["identity.txt"]);
        assert_ne!(second, first, "{format}");
        // Without an identity it cannot be read.
        assert_ne!(write("two", "2026-11-25T22:00:00Z", format, &[]), second, "{format}");
    }
    let left = fs::read_dir(tools.folder.path("secrets")).unwrap().count();
    assert_eq!(left, 2, "no temporary file is left");
}
