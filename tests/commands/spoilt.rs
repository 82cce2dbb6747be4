//! duoctl against a Duo whose replies are altered on the way: each form is either read normally or reported.

use serde_json::{Value, json};

use crate::support::spoiler::{Keep, Spoiler};
use crate::support::{Folder, Server, THREE};

/// Everything applied, and nothing altered so far.
fn applied(yaml: &str) -> (Folder, Server) {
    let (folder, server) = (Folder::with(yaml), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    (folder, server)
}

#[test]
fn a_peer_that_closes_silently_after_each_answer_loses_no_change() {
    let yaml: String = (0..8)
        .map(|n| format!("  app{n}: {{type: radius, name: App {n}, user_access: no_users}}\n"))
        .collect();
    let folder = Folder::with(&format!("applications:\n{yaml}"));
    let spoiler = Spoiler::start(Server::start(), Keep::Dead, |_, _| ());
    // A check that gets no answer would be inconclusive.
    let outcome = spoiler.call(&folder, &["apply", "--auto-approve", "--no-verify"]).run().exits(0);
    outcome.says("Applied: 8 of 8 steps.");
    assert_eq!(spoiler.server.account().requests()["POST /admin/v3/integrations"], 8);
}

#[test]
fn compression_that_nobody_asked_for_is_named() {
    let (folder, server) = applied(THREE);
    let spoiler = Spoiler::start(server, Keep::Alive, |_, reply| {
        reply.headers.push(("Content-Encoding", "gzip".to_owned()));
        reply.body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab];
    });
    let outcome = spoiler.call(&folder, &["plan"]).run().exits(1);
    outcome.warns("it is compressed (Content-Encoding: gzip), which duoctl did not ask for");
}

#[test]
fn a_byte_order_mark_changes_nothing() {
    let (folder, server) = applied(THREE);
    let spoiler = Spoiler::start(server, Keep::Alive, |_, reply| {
        reply.body = ["\u{feff}".as_bytes(), &reply.body].concat();
    });
    spoiler.call(&folder, &["plan", "--detailed-exitcode"]).run().exits(0).says("No changes.");
    spoiler.call(&folder, &["verify"]).run().exits(0);
}

#[test]
fn a_list_without_metadata_is_a_whole_one() {
    for metadata in [None, Some(Value::Null), Some(json!({"prev_offset": null, "next_offset": null}))] {
        let (folder, server) = applied(THREE);
        let spoiler = Spoiler::start(server, Keep::Alive, move |_, reply| {
            let Ok(mut envelope) = serde_json::from_slice::<Value>(&reply.body) else { return };
            if envelope.get("metadata").is_some() {
                envelope.as_object_mut().unwrap().remove("metadata");
                if let Some(metadata) = &metadata {
                    envelope["metadata"] = metadata.clone();
                }
                reply.body = envelope.to_string().into_bytes();
            }
        });
        spoiler.call(&folder, &["plan", "--detailed-exitcode"]).run().exits(0).says("No changes.");
    }
}

const SAML: &str = "applications:
  wiki:
    type: sso-generic
    name: Wiki
    user_access: no_users
    sso:
      saml_config:
        entity_id: https://wiki.example.com/meta
        acs_urls: [{url: \"https://wiki.example.com/acs\"}]
        nameid_format: urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress
        nameid_attribute: mail
        sign_assertion: true
        sign_response: true
        signing_algorithm: http://www.w3.org/2001/04/xmldsig-more#rsa-sha256
";

#[test]
fn single_sign_on_settings_that_a_reply_leaves_out_are_not_planned() {
    for null in [false, true] {
        let (folder, server) = applied(SAML);
        let spoiler = Spoiler::of_json(server, "/admin/v3/integrations", move |envelope| {
            for row in envelope["response"].as_array_mut().unwrap() {
                let row = row.as_object_mut().unwrap();
                let held = row.remove("sso");
                if held.is_some() && null {
                    row.insert("sso".to_owned(), Value::Null);
                }
            }
        });
        let outcome = spoiler.call(&folder, &["plan", "--detailed-exitcode"]).run().exits(0);
        outcome
            .says("No changes.")
            .warns("applications.wiki: Duo does not offer `sso` for this application yet");
    }
}

#[test]
fn bytes_that_are_no_text_are_named_with_their_list_and_place() {
    let (folder, server) = applied(THREE);
    let spoiler = Spoiler::start(server, Keep::Alive, |request, reply| {
        if request.path() == "/admin/v1/groups" {
            let at = reply.body.windows(11).position(|bytes| bytes == b"Contractors").unwrap();
            reply.body[at] = 0xff;
        }
    });
    let outcome = spoiler.call(&folder, &["plan"]).run().exits(75);
    outcome
        .warns("the list /admin/v1/groups is incomplete: object ")
        .warns(" contains bytes that are not UTF-8 (byte ");
}

/// Forty-two users in a disabled group, in every form in which Duo may report it: adding the group lets no one in, and
/// moving an application to it from a live group locks everyone out.
#[test]
fn the_status_of_a_group_counts_in_every_form() {
    let nested_forms: [fn(&mut Value); 4] = [
        |_| (),
        |group| group["status"] = json!("Disabled"),
        |group| group["status"] = json!("disabled"),
        |group| drop(group.as_object_mut().unwrap().remove("status")),
    ];
    for listed in ["disabled", "Disabled"] {
        for nested in nested_forms {
            let server = Server::start();
            let (live, shut) = {
                let mut account = server.account();
                let (live, shut) = (account.add_group("Live").unwrap(), account.add_group("Shut").unwrap());
                let status = json!({"status": "disabled"}).as_object().unwrap().clone();
                account.as_administrator("POST", &format!("/admin/v1/groups/{shut}"), status);
                for number in 0..42 {
                    account
                        .add_user(&format!("shut{number}"), "active", std::slice::from_ref(&shut))
                        .unwrap();
                }
                account.add_user("ann", "active", std::slice::from_ref(&live)).unwrap();
                (live, shut)
            };
            let _ = live;
            let yaml = |group: &str| {
                format!(
                    "applications:\n  portal: {{type: radius, name: Portal, user_access: permitted_groups, groups_allowed: [{group}]}}\n"
                )
            };
            let folder = Folder::with(&yaml("Live"));
            folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
            let spoiler = Spoiler::start(server, Keep::Alive, move |request, reply| {
                let users = request.path() == "/admin/v1/users";
                if !users && request.path() != "/admin/v1/groups" {
                    return;
                }
                let mut envelope: Value = serde_json::from_slice(&reply.body).unwrap();
                for row in envelope["response"].as_array_mut().unwrap() {
                    if users {
                        row["groups"]
                            .as_array_mut()
                            .unwrap()
                            .iter_mut()
                            .filter(|group| group["group_id"] == shut)
                            .for_each(nested);
                    } else if row["group_id"] == shut {
                        row["status"] = json!(listed);
                    }
                }
                reply.body = envelope.to_string().into_bytes();
            });
            folder.declare(&yaml("Shut"));
            let plan =
                spoiler.call(&folder, &["plan"]).run().exits(0).says("    @ 1 user loses access: ann\n");
            assert!(!plan.stdout.contains("gain"), "{}", plan.stdout);
            folder.declare(&yaml("Live, Shut"));
            spoiler.call(&folder, &["plan"]).run().exits(0).says("no user gains or loses access");
        }
    }
}
