//! The live check of every type: how many applications are verified, where keys come from, and what documents may hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Folder, Server, object};

/// Types with their own check each, and others that get the one with a control.
const TYPES: [&str; 20] = [
    "accountsapi",
    "adminapi",
    "authapi",
    "bitwarden",
    "cisco",
    "ciscoiseradius",
    "fortinet",
    "ldapproxy",
    "macos",
    "okta",
    "openvpn",
    "paloalto",
    "radius",
    "rdp",
    "sso-generic",
    "sso-oauth-client-credentials",
    "sso-oidc-generic",
    "unix",
    "websdk",
    "wordpress",
];
const EACH: usize = 15;

/// Fifteen applications of twenty types, declared and in the account.
fn many() -> (Folder, Server) {
    let server = Server::start();
    let mut yaml = "applications:\n".to_owned();
    for kind in TYPES {
        for number in 1..=EACH {
            let name = format!("{kind} {number}");
            let stored = json!({"kind": kind, "name": name});
            server.account().place_application(&stored).unwrap();
            yaml += &format!("  {kind}-{number}: {{type: {kind}, name: {name}, user_access: no_users}}\n");
        }
    }
    (Folder::with(&yaml), server)
}

fn verified(
    folder: &Folder,
    server: &Server,
    code: i32,
    options: &[&str],
) -> (Value, BTreeMap<String, usize>) {
    let call = folder.duoctl(["verify", "--format", "json", "--parallelism", "16"]).with(options);
    let document = call.at(server).run().exits(code).json();
    let mut kinds = BTreeMap::new();
    for it in document["applications"].as_array().unwrap().iter().filter(|it| it["verdict"] != "verified") {
        *kinds
            .entry(format!("{} {}", it["type"].as_str().unwrap(), it["verdict"].as_str().unwrap()))
            .or_default() += 1;
    }
    (document["summary"].clone(), kinds)
}

fn left(kinds: &[&str]) -> BTreeMap<String, usize> {
    kinds.iter().map(|kind| (format!("{kind} not_testable"), EACH)).collect()
}

/// Before there was a check for each type, 45 of these 300 were verified: `adminapi`, `authapi` and `websdk`.
#[test]
fn all_of_300_applications_of_twenty_types_are_verified() {
    let (folder, server) = many();
    let writes = server.writes();
    let (summary, rest) = verified(&folder, &server, 0, &[]);
    assert_eq!((summary["verified"].as_u64(), rest), (Some(300), BTreeMap::new()));
    // Calls that only read.
    let requests = server.account().requests().clone();
    let posts: usize = ["POST /oauth/v1/health_check", "POST /accounts/v1/account/list"]
        .map(|call| requests[call])
        .iter()
        .sum();
    assert_eq!(server.writes() - writes, posts, "{requests:?}");
    // One control for each of these types.
    let check = "GET /auth/v2/check";
    let controlled = ["macos", "okta", "openvpn", "rdp", "wordpress"];
    let once = ["cisco", "ciscoiseradius", "fortinet", "ldapproxy", "paloalto", "radius", "unix", "authapi"];
    assert_eq!(requests[check], (controlled.len() + once.len()) * EACH + controlled.len());

    // Without a control these types prove nothing; the older check still proves OpenVPN.
    let uncertain = left(&["macos", "okta", "rdp", "wordpress"]);
    let (summary, rest) = verified(&folder, &server, 0, &["--no-control"]);
    assert_eq!((summary["verified"].as_u64(), rest), (Some(240), uncertain.clone()));
    let human = folder.duoctl(["verify", "--no-control"]).at(&server).run().exits(0);
    let human =
        human.says("not testable 15 applications of type rdp").says("the control call is switched off");
    assert_eq!(human.stdout.matches("of the type `rdp`").count(), 1, "{}", human.stdout);

    // What no source shows about Duo: each way of answering is told from a proof.
    let kinds = ["macos", "okta", "rdp", "wordpress"];
    let unclear = kinds.iter().map(|kind| (format!("{kind} inconclusive"), EACH)).collect();
    for (switch, code, expected) in [
        ("type-before-signature", 0, uncertain),
        ("auth-check=40102", 75, unclear),
        ("auth-check=200", 0, BTreeMap::new()),
    ] {
        server.account().switches = Default::default();
        server.account().switches.set(switch).unwrap();
        assert_eq!(verified(&folder, &server, code, &[]).1, expected, "{switch}");
    }
}

#[test]
fn a_key_that_duo_does_not_hand_out_is_asked_for_once_for_a_type() {
    let (folder, server) = many();
    let key = server.key("plan-only");
    let call = folder.duoctl(["verify", "--parallelism", "16"]).at_with(&server, &key).run().exits(0);
    let call = call.says("the operator may not read the secret keys of this type").says("Grant applications");
    assert_eq!(call.stdout.matches("the operator may not read").count(), TYPES.len() - 3);
    let call = call.warns("note: reads 255 secret keys from Duo, which logs each");
    assert_eq!(server.account().requests()["GET /admin/v1/integrations/{id}/skey"], TYPES.len() - 3);
    // Public documents need no key.
    call.says("Verified: 45 of 300 applications, 255 not testable.");
}

const STORED: &str = "applications:
  help: {type: authapi, name: Help, user_access: no_users, secret: {store: local, path: help.json}}
  vpn: {type: radius, name: VPN, user_access: no_users}
secret_stores:
  local: {type: file, path: secrets}
";

#[test]
fn keys_come_from_the_store_that_holds_them_and_a_wrong_one_is_the_stores() {
    let (folder, server) = (Folder::with(STORED), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let read = || server.account().requests()["GET /admin/v1/integrations/{id}/skey"];
    let before = read();
    let outcome = folder.duoctl(["verify"]).at(&server).run().exits(0);
    outcome.warns("note: reads 1 secret key from Duo, which logs each; 1 comes from secret stores");
    assert_eq!(read(), before + 1);
    // The new key is not delivered yet.
    let ikey = server.ikey("Help");
    let reset = object(json!({"reset_secret_key": "1"}));
    server.account().modify_application(&ikey, reset).unwrap_or_else(|_| panic!("refused"));
    let outcome = folder.duoctl(["verify"]).at(&server).run().exits(3);
    let outcome =
        outcome.says("file secrets/help.json does not hold the current key").says("run `duoctl apply`");
    assert!(!outcome.stdout.contains("reset the secret key"), "{}", outcome.stdout);
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.duoctl(["verify"]).at(&server).run().exits(0);
}

/// Duo gives the working key the same answer, so it says nothing about the new one.
#[test]
fn a_rotation_goes_on_where_no_answer_proves_anything() {
    let yaml = "applications:
  jump: {type: rdp, name: Jump, user_access: no_users, secret: {store: local, path: jump.json}}
secret_stores:
  local: {type: file, path: secrets}
";
    let (folder, server) = (Folder::with(yaml), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let old = server.ikey("Jump");
    server.account().switches.set("auth-check=40102").unwrap();
    let rotate = folder.duoctl(["keys", "rotate", "jump", "--auto-approve"]).at(&server).run();
    let rotate = rotate.exits(0);
    assert!(!rotate.stdout.contains("not delivered"), "{}", rotate.stdout);
    let stored: Value = serde_json::from_str(&folder.read("secrets/jump.json")).unwrap();
    assert_ne!(stored["integration_key"], json!(old.as_str()), "{}", rotate.stdout);
}

#[test]
fn apply_checks_only_what_it_touched() {
    let (folder, server) = (Folder::with(STORED), Server::start());
    let apply = || folder.duoctl(["apply", "--auto-approve", "--format", "json"]).at(&server).run();
    let checked = |document: Value| -> Vec<String> {
        let listed = document["verify"]["applications"].as_array().cloned().unwrap_or_default();
        listed.iter().map(|it| it["address"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(checked(apply().exits(0).json()), ["applications.help", "applications.vpn"]);
    assert_eq!(apply().exits(0).json()["verify"], Value::Null);
    folder.declare(&STORED.replace("name: VPN,", "name: VPN, notes: new,"));
    assert_eq!(checked(apply().exits(0).json()), ["applications.vpn"]);
}

const WIKI: &str = "applications:
  wiki: {type: sso-generic, name: Wiki, user_access: no_users}
  portal: {type: sso-oidc-generic, name: Portal, user_access: no_users}
";

/// Two applications of single sign-on, and the path of the metadata.
fn single_sign_on(sso: &Value) -> (Folder, Server, String) {
    let server = Server::start();
    let ikey =
        server.account().place_application(&json!({"kind": "sso-generic", "name": "Wiki", "sso": sso}));
    server.account().place_application(&json!({"kind": "sso-oidc-generic", "name": "Portal"})).unwrap();
    (Folder::with(WIKI), server, format!("/saml2/sp/{}/metadata", ikey.unwrap()))
}

#[test]
fn documents_come_from_the_accounts_own_host_on_this_machine() {
    let (folder, server, _) = single_sign_on(&json!({}));
    let outcome = folder.duoctl(["verify", "-v"]).at(&server).run().exits(0);
    let outcome = outcome
        .says("metadata: verified: https://sso-1a2b3c4d.sso.duosecurity.com/saml2/sp/DI")
        .says("certificate: verified: valid until 2125-12-31")
        .says("signing keys: verified: https://sso-1a2b3c4d.sso.duosecurity.com/oidc/DI")
        .says("Verified: 2 of 2 applications.");
    assert!(!outcome.stderr.contains("secret key"), "no key is read: {}", outcome.stderr);
    // The simulator inside the binary has the same name.
    let config = json!({"acs_urls": [{"url": "https://wiki.example.com/acs"}], "entity_id": "wiki",
        "nameid_attribute": "mail", "nameid_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        "sign_assertion": true, "sign_response": true,
        "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"});
    let yaml = format!(
        "applications: {{wiki: {{type: sso-generic, name: Wiki, user_access: no_users, sso: {{saml_config: {config}}}}}}}\n"
    );
    let own = Folder::with(&yaml);
    own.duoctl(["apply", "--sandbox", "--auto-approve"])
        .run()
        .exits(0)
        .says("Verified: 1 of 1 applications.");
}

#[test]
fn a_network_that_spoils_documents_proves_nothing() {
    let (folder, server, _) = single_sign_on(&json!({}));
    for fault in ["5xx", "html", "redirect", "huge", "429", "truncate", "reset-before", "halt", "endless"] {
        for path in ["/saml2", "/oidc"] {
            server.disturb(&format!("{fault}=9@{path}"));
        }
        let call = folder.duoctl(["verify", "-v"]).env("DUOCTL_SIMULATOR_TIMEOUT_MS", "300");
        let outcome = call.at(&server).run().exits(75);
        assert!(outcome.says("2 inconclusive").stdout.contains("metadata: inconclusive"), "{fault}");
        server.calm();
    }
    folder.duoctl(["verify"]).at(&server).run().exits(0);
}

#[test]
fn a_hostile_document_reaches_no_terminal_and_no_other_file() {
    let (folder, server, path) = single_sign_on(&json!({}));
    let hostile = "https://x/\u{1b}]0;owned\u{7}\u{202e}::error::\u{9b}31m";
    let root = |inside: &str, doctype: &str| {
        format!(
            "{doctype}<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{inside}\">\
             <IDPSSODescriptor/></EntityDescriptor>"
        )
    };
    let secret = folder.path("secret.txt");
    std::fs::write(&secret, "hunter2").unwrap();
    let entity = format!("<!DOCTYPE x [<!ENTITY e SYSTEM \"file://{}\">]>", secret.display());
    for (document, code) in [(root(&hostile.replace('\u{1b}', "&#27;"), ""), 3), (root("&e;", &entity), 75)] {
        let body = ("application/xml", document.into_bytes());
        server.account().published.insert(path.clone(), body);
        for format in ["human", "markdown", "junit", "html", "github", "jsonl"] {
            let call = folder.duoctl(["verify", "--only", "*.wiki", "--format", format]).at(&server);
            let outcome = call.run().exits(code);
            let printed = outcome.stdout.clone() + &outcome.stderr;
            let raw = ['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}'];
            assert!(!printed.contains(raw) && !printed.contains("hunter2"), "{format}: {printed}");
            assert!(!printed.lines().any(|line| line.starts_with("::error::")), "{format}: {printed}");
        }
    }
}

#[test]
fn endpoints_are_tried_only_on_request_and_on_a_simulator_only_here() {
    let server = Server::start();
    let port = server.running().address().port();
    let acs = |urls: &[String]| {
        json!({"saml_config": {"entity_id": "wiki", "slo_url": format!("https://localhost:{port}/logout"),
            "acs_urls": urls.iter().map(|url| json!({"url": url})).collect::<Vec<_>>()}})
    };
    let urls = [format!("https://localhost:{port}/acs"), "https://wiki.example.com/acs".to_owned()];
    let stored = json!({"kind": "sso-generic", "name": "Wiki", "sso": acs(&urls)});
    server.account().place_application(&stored).unwrap();
    let folder =
        Folder::with("applications: {wiki: {type: sso-generic, name: Wiki, user_access: no_users}}\n");
    let quiet = folder.duoctl(["verify", "-v"]).at(&server).run().exits(0);
    assert!(!quiet.stdout.contains("endpoint"), "{}", quiet.stdout);
    let requests = |server: &Server| server.account().requests().values().sum::<usize>();
    let before = requests(&server);
    folder.duoctl(["verify", "-v"]).at(&server).run().exits(0);
    let without = requests(&server) - before;
    folder
        .duoctl(["verify", "-v", "--endpoints"])
        .at(&server)
        .run()
        .exits(0)
        .says(&format!("endpoint localhost:{port}: verified: ACS and logout: answers over TLS"))
        .says("endpoint wiki.example.com: not testable: ACS: the account is simulated");
    assert_eq!(requests(&server) - before, 2 * without, "no request was sent to an endpoint");

    // A host that is closed, and one whose certificate is for another name.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let stored = json!({"kind": "sso-generic", "name": "Closed", "sso": acs(&[format!("https://127.0.0.1:{closed}/")])});
    server.account().place_application(&stored).unwrap();
    folder.declare("applications: {closed: {type: sso-generic, name: Closed, user_access: no_users}}\n");
    let outcome = folder.duoctl(["verify", "--endpoints"]).at(&server).run().exits(75);
    outcome.says(&format!("endpoint 127.0.0.1:{closed}: inconclusive: ACS: connection refused"));
}

#[cfg(target_os = "linux")]
#[test]
fn an_endpoint_with_a_certificate_for_another_name_is_a_failure() {
    use duoctl::sandbox::serve::ServeOptions;
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let server = Server::with(ServeOptions { listen: everywhere, ..ServeOptions::default() });
    let port = server.running().address().port();
    let config = json!({"saml_config": {"entity_id": "wiki", "acs_urls": [{"url": format!("https://127.0.0.2:{port}/")}]}});
    let stored = json!({"kind": "sso-generic", "name": "Wiki", "sso": config});
    server.account().place_application(&stored).unwrap();
    let folder =
        Folder::with("applications: {wiki: {type: sso-generic, name: Wiki, user_access: no_users}}\n");
    let call = folder.duoctl(["verify", "--endpoints"]).at(&server);
    let call = call.env("DUOCTL_CONNECT_TO", format!("127.0.0.1:{port}"));
    call.run().exits(3).says("failed: ACS: its certificate is for another hostname");
}
