//! The file store: readable only by its owner, complete or not at all, and never in a commit.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use duoctl::config::load::load;
use duoctl::secrets::Stores;

use super::workspace::{Folder, KEY, got, mode, put, target};

const STORES: &str = "secret_stores: {local: {type: file, path: secrets}}";

fn folder() -> (Folder, Stores) {
    let folder = Folder::empty();
    folder.yaml("", STORES);
    let stores = folder.stores();
    (folder, stores)
}

async fn refused(stores: &Stores, path: &str) -> String {
    let error = put(stores, &target("local", path, None), KEY).await.unwrap_err();
    assert!(!format!("{error:?}").contains(KEY));
    format!("{} | {}", error.message, error.help.unwrap_or_default())
}

#[tokio::test]
async fn files_and_folders_are_for_their_owner_only() {
    let (folder, stores) = folder();
    for (path, format) in [("vpn.json", None), ("deep/er/vpn.env", Some("dotenv"))] {
        let target = target("local", path, format);
        assert_eq!(got(&stores, &target).await.unwrap(), None);
        put(&stores, &target, KEY).await.unwrap();
        assert_eq!(got(&stores, &target).await.unwrap().as_deref(), Some(KEY));
        put(&stores, &target, "another").await.unwrap();
        assert_eq!(got(&stores, &target).await.unwrap().as_deref(), Some("another"));
        assert_eq!(mode(&folder.path("secrets").join(path)), 0o600);
    }
    for path in ["secrets", "secrets/deep", "secrets/deep/er"] {
        assert_eq!(mode(&folder.path(path)), 0o700);
    }
    let left: Vec<_> = fs::read_dir(folder.path("secrets")).unwrap().collect();
    assert_eq!(left.len(), 2, "no temporary file is left: {left:?}");
}

#[tokio::test]
async fn what_others_can_look_into_is_refused() {
    let (folder, stores) = folder();
    let target = target("local", "sub/vpn", None);
    put(&stores, &target, KEY).await.unwrap();
    for path in ["secrets", "secrets/sub"] {
        let open = folder.path(path);
        fs::set_permissions(&open, fs::Permissions::from_mode(0o750)).unwrap();
        let error = refused(&stores, "sub/vpn").await;
        let shown = open.display();
        assert!(
            error.contains(&format!(
                "other users have access to the folder {shown} | run `chmod 700 {shown}`"
            )),
            "{error}"
        );
        assert!(got(&stores, &target).await.is_err());
        fs::set_permissions(&open, fs::Permissions::from_mode(0o700)).unwrap();
    }
    fs::set_permissions(folder.path("secrets/sub/vpn"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(refused(&stores, "sub/vpn").await.contains("other users have access to"));
}

#[tokio::test]
async fn a_planted_link_is_not_followed() {
    let (folder, stores) = folder();
    put(&stores, &target("local", "vpn", None), KEY).await.unwrap();
    let victim = folder.path("victim");
    fs::write(&victim, "precious").unwrap();
    let elsewhere = folder.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&victim, folder.path("secrets/file")).unwrap();
    symlink(&elsewhere, folder.path("secrets/folder")).unwrap();
    symlink(folder.path("nowhere"), folder.path("secrets/dangling")).unwrap();
    for path in ["file", "folder/vpn", "dangling"] {
        let error = refused(&stores, path).await;
        assert!(error.contains("is a symbolic link, which the file store does not follow"), "{error}");
    }
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    assert!(fs::read_dir(elsewhere).unwrap().next().is_none());
    assert!(!folder.path("nowhere").exists());
}

#[tokio::test]
async fn nothing_that_duoctl_did_not_write_is_overwritten() {
    let (folder, stores) = folder();
    put(&stores, &target("local", "vpn", None), KEY).await.unwrap();
    for (name, content) in
        [("text", "hunter2hunter2"), ("object", "{\"password\": \"hunter2\"}"), ("long", &"x".repeat(70_000))]
    {
        let path = folder.path("secrets").join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = refused(&stores, name).await;
        assert!(error.contains("holds data that duoctl did not write"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(fs::read_to_string(path).unwrap(), content);
    }
    fs::create_dir(folder.path("secrets/dir")).unwrap();
    fs::set_permissions(folder.path("secrets/dir"), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(refused(&stores, "dir").await.contains("is not a file"));
    assert!(refused(&stores, "text/below").await.contains("is not a folder"));
    // An empty file, e.g. after a power loss, counts as nothing.
    fs::write(folder.path("secrets/vpn"), "").unwrap();
    put(&stores, &target("local", "vpn", None), KEY).await.unwrap();
}

#[test]
#[ignore = "started, and killed, by the test of kills"]
fn deliveries_without_end() {
    let folder = std::env::var_os("DUOCTL_TEST_FOLDER").unwrap();
    let stores = Stores::open(load(Path::new(&folder)).valid().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    loop {
        runtime.block_on(put(&stores, &target("local", "vpn", None), KEY)).unwrap();
    }
}

#[tokio::test]
async fn the_next_delivery_removes_what_a_killed_one_left() {
    let (folder, stores) = folder();
    let secrets = folder.path("secrets");
    put(&stores, &target("local", "vpn", None), KEY).await.unwrap();
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(&secrets).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    // As after a kill during a write, which the kills below may or may not hit.
    fs::write(secrets.join(".duoctl-delivery-x1y2z3"), KEY).unwrap();
    fs::set_permissions(secrets.join(".duoctl-delivery-x1y2z3"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(got(&stores, &target("local", "vpn", None)).await.unwrap().as_deref(), Some(KEY));
    assert_eq!(names().len(), 2, "who only reads removes nothing");
    put(&stores, &target("local", "vpn", None), KEY).await.unwrap();
    assert_eq!(names(), ["vpn"]);
    for _ in 0..10 {
        fs::remove_file(secrets.join("vpn")).unwrap();
        let mut child = crate::support::alone(module_path!(), "deliveries_without_end")
            .env("DUOCTL_TEST_FOLDER", folder.root())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while !secrets.join("vpn").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        put(&stores, &target("local", "vpn", None), KEY).await.unwrap();
        assert_eq!(names(), ["vpn"]);
    }
}

#[tokio::test]
async fn no_path_climbs_out() {
    let (_folder, stores) = folder();
    for path in ["../vpn", "a/../../vpn", "/etc/vpn", "..", ".", "a/", "", "a\0b"] {
        assert!(refused(&stores, path).await.contains("is not a path inside"), "{path}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_place_where_nothing_can_be_written_is_said() {
    let folder = Folder::empty();
    folder.yaml("", "secret_stores: {local: {type: file, path: /sys/duoctl-secrets}}");
    let error = refused(&folder.stores(), "vpn").await;
    assert!(error.contains("/sys/duoctl-secrets cannot be created: "), "{error}");
}

#[tokio::test]
async fn a_reader_never_sees_half_a_file() {
    let (folder, stores) = folder();
    let target = target("local", "vpn", None);
    put(&stores, &target, KEY).await.unwrap();
    let before = fs::File::open(folder.path("secrets/vpn")).unwrap();
    put(&stores, &target, "another").await.unwrap();
    let old = std::io::read_to_string(before).unwrap();
    assert!(old.contains(KEY) && !old.contains("another"), "the old file is whole");
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().expect("git");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn git_must_ignore_it() {
    let (folder, stores) = folder();
    git(folder.root(), &["init", "--quiet"]);
    let target = target("local", "sub/vpn.json", None);
    let error = refused(&stores, "sub/vpn.json").await;
    assert!(error.contains("secrets/sub/vpn.json is in the git work tree"), "{error}");
    assert!(error.ends_with(".gitignore: /secrets/"), "{error}");
    assert!(!folder.path("secrets").exists(), "nothing was written");
    assert!(got(&stores, &target).await.is_err(), "a plan says so, too");

    fs::write(folder.path(".gitignore"), "/secrets/\n").unwrap();
    put(&stores, &target, KEY).await.unwrap();
    assert_eq!(got(&stores, &target).await.unwrap().as_deref(), Some(KEY));

    git(folder.root(), &["add", "--force", "secrets/sub/vpn.json"]);
    let error = refused(&stores, "sub/vpn.json").await;
    assert!(error.contains("git tracks secrets/sub/vpn.json"), "{error}");
    assert!(error.contains("git rm --cached secrets/sub/vpn.json"), "{error}");

    fs::write(folder.path(".gitignore"), "/secrets/*\n!/secrets/open.json\n").unwrap();
    assert!(refused(&stores, "open.json").await.contains("git does not ignore it"));
    put(&stores, &super::workspace::target("local", "closed.json", None), KEY).await.unwrap();
}
