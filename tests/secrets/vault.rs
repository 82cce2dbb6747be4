//! Vault and OpenBao: both versions of the key-value engine, every login, and every refusal.

use duoctl::secrets::{Stores, place};
use serde_json::{Value, json};

use super::vault_double::{TOKEN, Vault};
use super::workspace::{Duo, Folder, KEY, got, payload, put, target};

/// A token from a file, since all tests share the environment.
fn folder(vault: &Vault, mount: &str, more: &str) -> Folder {
    let folder = Folder::empty();
    std::fs::write(folder.path("token"), format!("{TOKEN}\n")).unwrap();
    folder.yaml("", &vault.store(mount, &format!("token: {{file: token}}{more}")));
    folder
}

/// Stores, and the folder that must outlive them.
struct Open {
    stores: Stores,
    _folder: Folder,
}

impl std::ops::Deref for Open {
    type Target = Stores;

    fn deref(&self) -> &Stores {
        &self.stores
    }
}

fn open(vault: &Vault, mount: &str, more: &str) -> Open {
    let folder = folder(vault, mount, more);
    Open { stores: folder.stores(), _folder: folder }
}

async fn refused(stores: &Stores) -> String {
    let error = put(stores, &target("vault", "vpn", None), KEY).await.unwrap_err();
    let text = format!("{} | {}", error.message, error.help.unwrap_or_default());
    assert!(!text.contains(KEY) && !text.contains(TOKEN), "{text}");
    text.replace(char::is_numeric, "")
}

#[tokio::test]
async fn both_versions_keep_and_give_back() {
    let vault = Vault::start().await;
    for (mount, more) in [("kv", ""), ("old", ", kv_version: 1")] {
        let stores = open(&vault, mount, more);
        let target = target("vault", "team a/vpn", None);
        assert_eq!(got(&stores, &target).await.unwrap(), None);
        for key in [KEY, "another"] {
            put(&stores, &target, key).await.unwrap();
            assert_eq!(got(&stores, &target).await.unwrap().as_deref(), Some(key));
        }
        let secret = vault.secret(&format!("{mount}/team%20a/vpn"));
        assert_eq!(secret["secret_key"], "another");
        assert_eq!(secret["integration_key"], "DIAAAAAAAAAAAAAAAAA1");
    }
    assert_eq!(vault.versions("kv/team%20a/vpn"), 2);
}

#[tokio::test]
async fn a_deleted_version_is_followed_by_a_new_one() {
    let vault = Vault::start().await;
    vault.state().data.insert("kv/vpn".into(), vec![None, None]);
    let stores = open(&vault, "kv", "");
    put(&stores, &target("vault", "vpn", None), KEY).await.unwrap();
    assert_eq!(vault.versions("kv/vpn"), 3);
}

#[tokio::test]
async fn a_concurrent_writer_is_never_overwritten() {
    let vault = Vault::start().await;
    let stores = open(&vault, "kv", "");
    let target = target("vault", "vpn", None);
    put(&stores, &target, KEY).await.unwrap();
    vault.state().intruder = true;
    let error = refused(&stores).await;
    assert!(error.contains("another client wrote kv/data/vpn"), "{error}");
    assert!(error.contains("nothing was overwritten"), "{error}");
    assert_eq!(vault.secret("kv/vpn")["integration_key"], "DIINTRUDER");
    // A revision that was read earlier does not allow it either.
    let store = stores.of(&target).unwrap();
    assert!(store.write(&place(&target), &payload(KEY), 1).await.is_err());
}

#[tokio::test]
async fn what_somebody_else_keeps_there_is_left_alone() {
    let vault = Vault::start().await;
    let other = json!({"password": "hunter2"}).as_object().cloned();
    vault.state().data.insert("kv/vpn".into(), vec![other]);
    let error = refused(&open(&vault, "kv", "")).await;
    assert!(error.contains("holds data that duoctl did not write (it has no `integration_key`)"), "{error}");
    assert!(!error.contains("hunter"), "{error}");
    assert_eq!(vault.versions("kv/vpn"), 1);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let vault = Vault::start().await;
    let address = "https://localhost:";
    for (mount, more, expected) in [
        (
            "nowhere",
            "",
            format!(
                "{address} refused the request: the token has no access to anything in nowhere | its policy needs"
            ),
        ),
        (
            "kv",
            ", kv_version: 1",
            format!("the mount kv at {address} is a version  key-value engine | set `kv_version: `"),
        ),
        (
            "old",
            "",
            format!("the mount old at {address} is a version  key-value engine | set `kv_version: `"),
        ),
        ("pki", "", format!("the mount pki at {address} has type \"pki\", not kv")),
        ("kv", ", namespace: other", format!("{address} has no mount kv | correct `mount` or `namespace`")),
    ] {
        let error = refused(&open(&vault, mount, more)).await;
        assert!(error.starts_with(&expected), "{mount}{more}: {error}");
    }
    assert!(vault.state().data.is_empty(), "nothing was written anywhere");

    vault.state().no_preflight = true;
    let error = refused(&open(&vault, "kv", ", kv_version: 1")).await;
    assert!(error.contains("set `kv_version: `"), "{error}");
    let error = refused(&open(&vault, "nowhere", "")).await;
    assert!(error.contains("has no mount nowhere"), "{error}");

    let stores = open(&vault, "kv", "");
    vault.state().tokens.insert(TOKEN.into(), "kv/data/other".into());
    let error = refused(&stores).await;
    assert!(error.contains("the token has no access to kv/data/vpn"), "{error}");
    vault.state().sealed = true;
    assert!(refused(&stores).await.contains("is sealed | unseal it"));
}

#[tokio::test]
async fn a_namespace_is_sent_along() {
    let vault = Vault::start().await;
    vault.state().namespace = "infra/duo".into();
    let stores = open(&vault, "kv", ", namespace: infra/duo");
    put(&stores, &target("vault", "vpn", None), KEY).await.unwrap();
}

#[tokio::test]
async fn an_unknown_authority_or_server_is_not_spoken_to() {
    let (vault, other) = (Vault::start().await, Vault::start().await);
    let folder = Folder::empty();
    std::fs::write(folder.path("token"), TOKEN).unwrap();
    let yaml = vault.store("kv", "token: {file: token}");
    let ca = |vault: &Vault| vault.ca.path().display().to_string();
    folder.yaml("", &yaml.replace(&ca(&vault), &ca(&other)));
    let error = refused(&folder.stores()).await;
    assert!(
        error.contains("cannot be reached: ") && error.contains("check `address`, `ca_file` and `tls_roots`"),
        "{error}"
    );
    assert!(vault.state().log.is_empty());
    folder.yaml("", &yaml.replace(&ca(&vault), "missing.pem"));
    assert!(refused(&folder.stores()).await.contains("missing.pem cannot be read"));
}

#[tokio::test]
async fn logins_are_made_once_and_again_when_a_token_ends() {
    let vault = Vault::start().await;
    vault.state().logins = vec!["ROLE/SECRET".into(), "duoctl/JWT".into()];
    for login in [
        "app_role: {role_id: ROLE, secret_id: {file: secret}}",
        "jwt: {role: duoctl, token: {file: jwt}}",
        "jwt: {role: duoctl, mount: ci/jwt, token: {file: jwt}}",
    ] {
        let folder = Folder::empty();
        std::fs::write(folder.path("secret"), "SECRET").unwrap();
        std::fs::write(folder.path("jwt"), "JWT").unwrap();
        folder.yaml("", &vault.store("kv", login));
        let stores = folder.stores();
        let logins = || vault.state().log.iter().filter(|line| line.ends_with("/login")).count();
        let before = logins();
        let target = target("vault", "vpn", None);
        put(&stores, &target, KEY).await.unwrap();
        put(&stores, &target, "another").await.unwrap();
        assert_eq!(logins(), before + 1, "{login}");
        // The token expires between two applications.
        vault.state().tokens.clear();
        put(&stores, &target, KEY).await.unwrap();
        assert_eq!(logins(), before + 2, "{login}");

        std::fs::write(folder.path("secret"), "wrong").unwrap();
        std::fs::write(folder.path("jwt"), "wrong").unwrap();
        let error = refused(&folder.stores()).await;
        assert!(error.contains("/login failed: ") && error.contains("invalid role or secret ID"), "{error}");
    }
}

#[tokio::test]
async fn a_given_token_that_ended_is_named() {
    let vault = Vault::start().await;
    let folder = folder(&vault, "kv", "");
    let stores = folder.stores();
    put(&stores, &target("vault", "vpn", None), KEY).await.unwrap();
    vault.state().tokens.clear();
    let error = refused(&stores).await;
    assert!(error.contains("does not accept the token | it has expired or was revoked"), "{error}");
    std::fs::remove_file(folder.path("token")).unwrap();
    assert!(refused(&folder.stores()).await.contains("token: "), "a token that cannot be had");
}

#[tokio::test]
async fn a_given_token_is_renewed_before_it_ends() {
    let vault = Vault::start().await;
    // Such a short lease is over at two thirds of it, rounded down.
    vault.state().lease = (1, true);
    let stores = open(&vault, "kv", "");
    for key in [KEY, "another"] {
        put(&stores, &target("vault", "vpn", None), key).await.unwrap();
    }
    assert!(vault.state().log.iter().any(|line| line == "POST auth/token/renew-self"));
}

const APPLICATIONS: &str = "applications:
  a: {type: authapi, name: A, user_access: no_users, secret: {store: vault, path: duo/a}}
  b: {type: adminapi, name: B, user_access: no_users, permissions: [info], secret: {store: vault, path: duo/b}}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_end_to_end() {
    let (duo, vault) = (Duo::start(), Vault::start().await);
    let folder = folder(&vault, "kv", "");
    folder.yaml(APPLICATIONS, &vault.store("kv", "token: {file: token}"));
    let run = duo.apply(&folder).exits(0);
    let place = format!(
        "to Vault https://localhost:{}: kv/duo/a; read back, proven by a signed call",
        vault.address.port()
    );
    run.tells(&place).never_tells(TOKEN);
    assert_eq!(vault.secret("kv/duo/a")["secret_key"], duo.application("A")["secret_key"]);
    duo.plan(&folder).exits(0);
    assert_eq!(vault.versions("kv/duo/a"), 1);

    vault.state().data.get_mut("kv/duo/a").unwrap().push(None);
    duo.plan(&folder).exits(2).tells("the store holds nothing yet");
    duo.apply(&folder).exits(0);
    assert_eq!(vault.secret("kv/duo/a")["secret_key"], duo.application("A")["secret_key"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_that_is_sealed_half_way_is_completed_later() {
    let (duo, vault) = (Duo::start(), Vault::start().await);
    let folder = folder(&vault, "kv", "");
    folder.yaml(APPLICATIONS, &vault.store("kv", "token: {file: token}"));
    vault.state().seal_after = Some(1);
    let run = duo.run(&folder, &["apply", "--auto-approve", "--parallelism", "1"]).exits(4);
    run.tells("not delivered applications.").tells("is sealed (unseal it");
    vault.state().sealed = false;
    vault.state().seal_after = None;
    duo.apply(&folder).exits(0);
    for (path, name) in [("kv/duo/a", "A"), ("kv/duo/b", "B")] {
        assert_eq!(vault.secret(path)["secret_key"], duo.application(name)["secret_key"]);
        assert_eq!(vault.versions(path), 1);
    }
    vault.state().sealed = true;
    duo.plan(&folder).exits(1).tells("error[store-unreadable]").tells("is sealed");
    let run = duo.run(&folder, &["keys", "list", "--format", "json"]).exits(1);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["applications"][0]["state"], "unreadable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_between_two_applications_is_had_again_or_named() {
    let (duo, vault) = (Duo::start(), Vault::start().await);
    let folder = folder(&vault, "kv", "");
    folder.yaml(APPLICATIONS, &vault.store("kv", "token: {file: token}"));
    let one_by_one = ["apply", "--auto-approve", "--parallelism", "1"];
    vault.state().expire_after = Some(1);
    let run = duo.run(&folder, &one_by_one).exits(4);
    run.tells("not delivered applications.b")
        .tells("does not accept the token (it has expired or was revoked: put a new token where `token` refers to)")
        .tells("the application exists; `duoctl apply` delivers its keys");
    assert_eq!(vault.versions("kv/duo/b"), 0);
    std::fs::write(folder.path("token"), "hvs.another").unwrap();
    vault.state().tokens.insert("hvs.another".to_owned(), String::new());
    duo.apply(&folder).exits(0).tells("Applied: 1 of 1 steps.");
    assert_eq!(vault.secret("kv/duo/b")["secret_key"], duo.application("B")["secret_key"]);

    vault.state().logins = vec!["ROLE/SECRET".into()];
    std::fs::write(folder.path("secret"), "SECRET").unwrap();
    folder.yaml(APPLICATIONS, &vault.store("kv", "app_role: {role_id: ROLE, secret_id: {file: secret}}"));
    for name in ["A", "B"] {
        duo.reset(name);
    }
    vault.state().expire_after = Some(1);
    duo.run(&folder, &one_by_one).exits(0).tells("Applied: 2 of 2 steps.");
    assert_eq!(vault.secret("kv/duo/b")["secret_key"], duo.application("B")["secret_key"]);
}
