//! What people look at, with a real browser: a person follows the vendor's page at the rehearsed console, and reads a
//! pull request comment.
//!
//! Needs Debian's `chromium` and `npm ci` in `tests/browser`. If they are missing, the test reports it; under `CI` it fails.
//! With `DUOCTL_PICTURES` it writes the pictures of `docs/images`, which also needs Debian's `tmux`.

mod diagrams;
#[path = "../formats/outside.rs"]
mod outside;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use duoctl::sandbox::account::Account;
use pulldown_cmark::{Options, Parser};
use serde_json::{Map, Value, json};

const YAML: &str = "\
version: 1
workspace: acme
tenant: {api_hostname: api-1a2b3c4d.duosecurity.com, plan: advantage}

identity_intelligence:
  emea:
    display_name: Duo EMEA
    access: read_write                      # remediation actions
    push_verification:
      application_name: Acme IT Support     # end users see it on the push
    endpoints: true
    api: {file: identity-intelligence-api.json}
";

/// What the test needs but cannot find.
fn missing(root: &Path, browser: Option<&str>) -> Option<&'static str> {
    if browser.is_none() {
        return Some("no Chromium: install Debian's `chromium`");
    }
    if !root.join("node_modules/playwright-core").is_dir() {
        return Some("no playwright-core: run `npm ci` in tests/browser");
    }
    if !root.join("node_modules/mermaid").is_dir() {
        return Some("no Mermaid: run `npm ci` in tests/browser");
    }
    let found = |program: &str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    (!found("node") || !found("script")).then_some("node or script (bsdutils) is not there")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// The browser; `None` if the test cannot run.
fn browser() -> Option<&'static str> {
    let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let browser = places.into_iter().find(|place| Path::new(place).exists());
    if let Some(what) = missing(&root(), browser) {
        assert!(std::env::var_os("CI").is_none(), "the browser test cannot run: {what}");
        eprintln!("SKIPPED, NOTHING WAS PROVEN: the browser test cannot run: {what}");
        return None;
    }
    browser
}

/// The folder for pictures, if they are requested.
fn pictures() -> Option<PathBuf> {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join(std::env::var_os("DUOCTL_PICTURES")?);
    fs::create_dir_all(&pictures).unwrap();
    Some(pictures)
}

/// What a name must not do to a comment. In the pictures it has a friendlier one.
const HOSTILE: &str = "Kiosk <img src=x> @everyone";

const BEFORE: &str = "\
version: 1
workspace: acme
tenant: {api_hostname: api-1a2b3c4d.duosecurity.com, plan: advantage}
applications:
  vpn: {type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [VPN Users], notes: Owned by the network team}
  wiki: {type: websdk, name: Wiki, user_access: permitted_groups, groups_allowed: [Employees]}
  kiosk: {type: rdp, name: 'Kiosk <img src=x> @everyone', user_access: no_users}
";

const AFTER: &str = "\
version: 1
workspace: acme
tenant: {api_hostname: api-1a2b3c4d.duosecurity.com, plan: advantage}
applications:
  vpn: {type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [VPN Users, Contractors], notes: Owned by the VPN team}
  wiki: {type: websdk, name: Wiki, user_access: permitted_groups, groups_allowed: [Employees]}
  siem: {type: adminapi, name: SIEM export, user_access: no_users, permissions: [read_log]}
identity_intelligence:
  emea: {display_name: Duo EMEA, access: read_only, push_verification: false, endpoints: false}
";

/// The output of a command on a terminal of this width, with colours.
fn terminal(folder: &Path, command: &str) -> String {
    let socket = format!("duoctl-{}", std::process::id());
    let tmux = |arguments: &[&str]| {
        let mut tmux = Command::new("tmux");
        // duoctl would warn about a variable that it does not know.
        tmux.args(["-L", &socket]).args(arguments).current_dir(folder).env_remove("DUOCTL_PICTURES");
        let run = tmux.output();
        let run = run.expect("pictures of a terminal need tmux");
        assert!(run.status.success(), "{run:?}");
        String::from_utf8(run.stdout).unwrap()
    };
    let shell = format!("{command}; tmux -L {socket} wait-for -S shown; exec cat");
    tmux(&["new-session", "-d", "-x", "124", "-y", "60", &shell]);
    tmux(&["wait-for", "shown"]);
    let shown = tmux(&["capture-pane", "-e", "-p"]);
    tmux(&["kill-server"]);
    shown.trim_end().to_owned()
}

#[test]
fn a_comment_reads_well_where_it_is_shown() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let duoctl = |arguments: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_duoctl")).args(arguments).current_dir(&folder).output();
        let run = run.unwrap();
        assert!(run.status.success(), "{run:?}");
    };
    let pictures = pictures();
    let name = if pictures.is_some() { "Lobby kiosk" } else { HOSTILE };
    fs::write(folder.path().join("duo.yaml"), BEFORE.replace(HOSTILE, name)).unwrap();
    duoctl(&["apply", "--sandbox", "--auto-approve", "--no-verify"]);
    fs::write(folder.path().join("duo.yaml"), AFTER).unwrap();
    duoctl(&["plan", "--sandbox", "--prune", "--report", "markdown=comment.md"]);
    let comment = fs::read_to_string(folder.path().join("comment.md")).unwrap();
    let mut html = String::new();
    pulldown_cmark::html::push_html(
        &mut html,
        Parser::new_ext(&comment, Options::ENABLE_TABLES | Options::ENABLE_GFM),
    );
    fs::write(folder.path().join("comment.html"), html).unwrap();
    let show = |what: &str, source: &str, name: &str| {
        let mut command = Command::new("node");
        command.arg(root().join("pictures.mjs")).args([browser, what]).arg(folder.path().join(source));
        command.args(pictures.as_ref().map(|pictures| pictures.join(format!("{name}.png"))));
        let run = command.output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    };
    show("comment", "comment.html", "comment");
    if pictures.is_some() {
        let duoctl = env!("CARGO_BIN_EXE_duoctl");
        let plan = terminal(folder.path(), &format!("{duoctl} plan --sandbox --prune"));
        fs::write(folder.path().join("plan.txt"), format!("$ duoctl plan --sandbox --prune\n{plan}"))
            .unwrap();
        show("terminal", "plan.txt", "terminal-plan");
        fs::write(folder.path().join("duo.yaml"), AFTER.replacen("permitted_groups", "permited_groups", 1))
            .unwrap();
        let mistake = terminal(folder.path(), &format!("{duoctl} validate"));
        fs::write(folder.path().join("mistake.txt"), format!("$ duoctl validate\n{mistake}")).unwrap();
        show("terminal", "mistake.txt", "terminal-validate");
    }
}

/// What a name would do if it were more than a name.
const MARKUP: &str = "\"'><img src=x onerror=\"window.hit=1\"><script>window.hit=2</script></script></style></title><svg onload=window.hit=3> <a href=javascript:window.hit=4>`</code><iframe srcdoc=x>&#60;b&#62;--><!--";

/// Keys of several ages, one of them overdue and being rotated.
fn keys() -> Value {
    let entry = |address: &str, age: Value, due: Option<&str>, overdue: bool| {
        let mut entry = json!({
            "address": format!("applications.{address}"), "integration_key": "DI1A2B3C4D5E6F7G8H9I", "place": format!("file keys/{address}"),
            "state": "current", "reason": null, "delivered_at": age["at"], "age": age, "overdue": overdue, "rotating_since": null,
            "proven": true, "proof": "accepted by a call just now",
        });
        entry.as_object_mut().unwrap().extend(due.map(|due| ("due_at".to_owned(), json!(due))));
        entry
    };
    let since = |at: &str| json!({"known": "since", "at": at, "from": "created by Ada"});
    json!({
        "format_version": "1.0", "kind": "keys", "read_at": "2026-11-28T08:00:00Z",
        "applications": [
            entry("helpdesk", since("2026-09-15T08:00:00Z"), Some("2026-12-14T08:00:00Z"), false),
            entry("siem", since("2026-03-01T08:00:00Z"), Some("2026-08-28T08:00:00Z"), true),
            entry("vpn", json!({"known": "before", "at": "2026-06-01T08:00:00Z", "from": "it is older than the activity log"}), None, false),
            entry("wiki", since("2026-10-01T08:00:00Z"), Some("2027-03-30T08:00:00Z"), false),
        ],
        "rotations": [{
            "address": "applications.siem", "stage": "delivered", "since": "2026-11-14T08:00:00Z", "delivered_at": "2026-11-21T08:00:00Z",
            "old": "DI1A2B3C4D5E6F7G8H9I", "successor": "DI9I8H7G6F5E4D3C2B1A", "seen": ["a use of the new key on 2026-11-25"],
            "waits_for": ["24 hours without a use of the old key"], "old_used_at": "2026-11-26T08:00:00Z", "new_used_at": "2026-11-25T08:00:00Z",
        }],
    })
}

#[test]
fn a_page_is_readable_and_runs_nothing() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let duoctl = |arguments: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_duoctl")).args(arguments).current_dir(&folder).output();
        run.unwrap()
    };
    let name = if pictures().is_some() { "Lobby kiosk" } else { HOSTILE };
    fs::write(folder.path().join("duo.yaml"), BEFORE.replace(HOSTILE, name)).unwrap();
    duoctl(&["apply", "--sandbox", "--auto-approve", "--no-verify"]);
    fs::write(folder.path().join("duo.yaml"), AFTER).unwrap();
    let mut pages = Vec::new();
    let mut page = |arguments: &[&str], name: &str| {
        let report = format!("html={name}.html");
        duoctl(&[arguments, &["--sandbox", "--report", &report]].concat());
        pages.push(folder.path().join(format!("{name}.html")));
    };
    page(&["plan", "--prune"], "page-plan");
    page(&["drift"], "page-drift");
    page(&["apply", "--auto-approve", "--allow", "widens_access"], "page-apply");
    page(&["verify"], "page-verify");
    page(&["list", "--all"], "page-list");
    page(&["graph", "--live"], "page-graph");
    fs::write(folder.path().join("keys.json"), keys().to_string()).unwrap();
    let shown = duoctl(&["show", "keys.json", "--format", "html"]);
    fs::write(folder.path().join("page-keys.html"), shown.stdout).unwrap();
    pages.push(folder.path().join("page-keys.html"));
    for (index, document) in [outside::documents(MARKUP), outside::lists(MARKUP)].concat().iter().enumerate()
    {
        fs::write(folder.path().join("hostile.json"), document.to_string()).unwrap();
        let shown = duoctl(&["show", "hostile.json", "--format", "html"]);
        assert!(shown.status.success(), "{shown:?}");
        let path = folder.path().join(format!("hostile-{index}.html"));
        fs::write(&path, shown.stdout).unwrap();
        pages.push(path);
    }
    let mut command = Command::new("node");
    command.arg(root().join("page.mjs")).arg(browser).arg(pictures().unwrap_or_default()).args(&pages);
    let run = command.output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn a_person_walks_through_the_vendors_page() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("duo.yaml"), YAML).unwrap();
    let mut command = Command::new("node");
    command.arg(root().join("console.mjs")).arg(env!("CARGO_BIN_EXE_duoctl")).arg(folder.path());
    command.arg(browser).args(pictures());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    if let Some(Ok(line)) = lines.next() {
        let asked: Value = serde_json::from_str(&line).unwrap();
        let mut account = Account::open(&folder.path().join(".duoctl/sandbox")).unwrap();
        let reset = Map::from_iter([("reset_secret_key".to_owned(), json!("1"))]);
        account.modify_application(asked["reset"].as_str().unwrap(), reset).unwrap();
        drop(account);
        child.stdin.take().unwrap().write_all(b"done\n").unwrap();
    }
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    let status = child.wait().unwrap();
    assert!(status.success(), "{}", rest.join("\n"));
}
