//! Stores that are broken in different ways, in one run: each is named with a fix, the others get their keys, and what was
//! not delivered is delivered once the store is fixed.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::Value;

use super::workspace::{Duo, Folder, KEY, without_room};

const NAMES: [&str; 8] = ["good", "hanging", "loud", "lying", "open", "planted", "readonly", "silent"];

fn yaml(folder: &Folder, readonly: &str) {
    let application = |name: &&str| {
        let (store, path) = match *name {
            "good" => ("local", "good".to_owned()),
            "open" | "planted" => ("local", format!("{name}/key")),
            "readonly" => ("readonly", "key".to_owned()),
            name => (name, name.to_owned()),
        };
        format!(
            "  {name}: {{type: authapi, name: {name}, user_access: no_users, secret: {{store: {store}, path: {path}}}}}\n"
        )
    };
    let command = |name: &str| {
        format!(
            "  {name}: {{type: exec, write: [./{name}.sh, write], read: [./{name}.sh, read], timeout: 2s}}\n"
        )
    };
    let commands: String = ["hanging", "loud", "lying", "silent"].map(command).concat();
    let applications: String = NAMES.iter().map(application).collect();
    folder.yaml(
        &format!("applications:\n{applications}"),
        &format!("secret_stores:\n  local: {{type: file, path: kept}}\n  readonly: {{type: file, path: {readonly}}}\n{commands}"),
    );
}

fn break_all(folder: &Folder) {
    let kept = |name: &str| folder.path("kept").join(name);
    fs::create_dir_all(kept("open")).unwrap();
    for (path, mode) in [(folder.path("kept"), 0o700), (kept("open"), 0o755)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::create_dir(folder.path("elsewhere")).unwrap();
    symlink(folder.path("elsewhere"), kept("planted")).unwrap();
    let other = format!("printf '{{\"integration_key\": \"DIOTHER\", \"secret_key\": \"{KEY}\"}}'");
    folder.script("hanging.sh", "[ \"$1\" = read ] && exit 3; sleep 300 & sleep 300");
    folder.script(
        "loud.sh",
        "[ \"$1\" = read ] && exit 3; set -x; input=$(cat); : \"$input\"; echo \"$input\"; exit 1",
    );
    folder.script("lying.sh", &format!("cat > /dev/null; [ \"$1\" = write ] || {other}"));
    folder.script("silent.sh", "cat > /dev/null; [ \"$1\" = write ] || exit 3");
}

fn mend_all(folder: &Folder) {
    fs::set_permissions(folder.path("kept/open"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_file(folder.path("kept/planted")).unwrap();
    folder.keeper();
    for name in ["hanging", "loud", "lying", "silent"] {
        fs::copy(folder.path("keep.sh"), folder.path(&format!("{name}.sh"))).unwrap();
    }
    yaml(folder, "writable");
}

#[test]
fn each_is_named_and_the_others_proceed() {
    let (duo, folder) = (Duo::start(), Folder::empty());
    // Not even root can write there.
    yaml(&folder, "/sys/duoctl-secrets");
    break_all(&folder);
    // The account has other applications of their type, whose keys such a store may hold.
    let new = ["open", "planted"].map(|name| format!("--allow=replaces:applications.{name}"));
    let held = duo.run(&folder, &["apply", "--auto-approve", "--only=open", "--only=planted"]).exits(1);
    held.tells("applications.open: it is not created").tells("--allow replaces:applications.open");
    let run = duo.run(&folder, &["apply", "--auto-approve", &new[0], &new[1]]).exits(4);
    let run = run
        .tells("delivered applications.good")
        .tells("error[store-unreadable]: applications.open: its keys cannot be delivered: other users have access to the folder")
        .tells("run `chmod 700 ")
        .tells("error[store-unreadable]: applications.planted: its keys cannot be delivered: ")
        .tells("is a symbolic link, which the file store does not follow")
        .tells("find out who created it, then remove it")
        .tells("/sys/duoctl-secrets cannot be created: ")
        .tells("the write command of the store `hanging` did not finish within 2 s and was stopped")
        .tells("the write command of the store `loud` ended with exit status: 1: ")
        .tells("store lying: lying accepted the keys, but returns something else")
        .tells("store silent: silent accepted the keys, but returns nothing");
    let mut run = run.tells("Applied: 9 of 14 steps, 5 failed.");
    for name in NAMES {
        run = run
            .tells(&format!("created applications.{name}"))
            .never_tells(&duo.application(name)["secret_key"].as_str().unwrap()[..12]);
    }
    for name in ["hanging", "loud", "lying", "readonly", "silent"] {
        run = run.tells(&format!("not delivered applications.{name}"));
    }
    assert!(fs::read_dir(folder.path("elsewhere")).unwrap().next().is_none(), "a link was followed");

    let keys: Vec<Value> = NAMES.map(|name| duo.application(name)["secret_key"].clone()).into();
    mend_all(&folder);
    duo.apply(&folder).exits(0).tells("Applied: 7 of 7 steps.");
    duo.plan(&folder).exits(0).tells("No changes.");
    for (name, key) in NAMES.iter().zip(keys) {
        assert_eq!(duo.application(name)["secret_key"], key, "{name} was made again");
        let path = match *name {
            "good" => "kept/good".to_owned(),
            "open" | "planted" => format!("kept/{name}/key"),
            "readonly" => "writable/key".to_owned(),
            name => format!("kept-{name}"),
        };
        let held: Value = serde_json::from_slice(&fs::read(folder.path(&path)).unwrap()).unwrap();
        assert_eq!(held["secret_key"], key, "{name}");
    }
}

#[test]
fn a_store_that_hangs_on_reading_is_unreadable_and_not_empty() {
    let (duo, folder) = (Duo::start(), Folder::empty());
    folder.keeper();
    let within = |seconds: u8| {
        let stores = format!(
            "secret_stores: {{cmd: {{type: exec, write: [./keep.sh, write], read: [./keep.sh, read], timeout: {seconds}s}}}}"
        );
        folder.yaml("applications: {vpn: {type: radius, name: VPN, user_access: no_users, secret: {store: cmd, path: vpn}}}", &stores);
    };
    within(20);
    duo.apply(&folder).exits(0);
    folder.script("keep.sh", "sleep 300");
    within(1);
    let plan = duo.plan(&folder).exits(1);
    plan.tells("error[store-unreadable]: applications.vpn")
        .tells("the read command of the store `cmd` did not finish within 1 s and was stopped")
        .never_tells("* deliver");
}

#[test]
fn a_disk_without_room_leaves_the_old_key_whole() {
    let (duo, folder) = (Duo::start(), Folder::empty());
    folder.yaml(
        "applications: {help: {type: authapi, name: Help, user_access: no_users, secret: {store: local, path: help.json}}}",
        "secret_stores: {local: {type: file, path: kept}}",
    );
    duo.apply(&folder).exits(0);
    let before = fs::read(folder.path("kept/help.json")).unwrap();
    duo.reset("Help");
    let run = duo.at(folder.shell(&without_room())).run().exits(4);
    run.tells("not delivered applications.help").tells("kept/help.json");
    assert_eq!(fs::read(folder.path("kept/help.json")).unwrap(), before, "the old key is whole");
    assert_eq!(fs::read_dir(folder.path("kept")).unwrap().count(), 1, "nothing half written stays");
    duo.apply(&folder).exits(0).tells("delivered applications.help");
    assert_ne!(fs::read(folder.path("kept/help.json")).unwrap(), before);
}
