//! duoctl against a Duo whose replies something on the way spoils: each form is either read as if nothing had been, or named.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use duoctl::sandbox::account::Account;
use duoctl::sandbox::message::{RawReply, RawRequest};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::support::wire_server::{Authority, read_request};
use crate::support::{Call, Folder, Server, THREE};

/// What is done to a reply.
type Spoil = dyn Fn(&RawRequest, &mut RawReply) + Send + Sync;

/// A server before the simulator's account, with a certificate of its own.
struct Spoiler {
    authority: Authority,
    address: SocketAddr,
    server: Server,
    _runtime: Runtime,
}

/// Whether a connection goes on after an answer, or is dead without a word.
#[derive(Clone, Copy, PartialEq)]
enum Keep {
    Alive,
    Dead,
}

impl Spoiler {
    fn start(
        server: Server,
        keep: Keep,
        spoil: impl Fn(&RawRequest, &mut RawReply) + Send + Sync + 'static,
    ) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let authority = Authority::new();
        let acceptor =
            TlsAcceptor::from(Arc::new(authority.leaf(&server.running().api_hostname(), 2020, 2099)));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (account, spoil) = (server.running().shared(), Arc::new(spoil));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (account, spoil) = (Arc::clone(&account), Arc::clone(&spoil));
                tokio::spawn(connection(acceptor.clone(), stream, account, keep, spoil));
            }
        });
        Self { authority, address, server, _runtime: runtime }
    }

    /// With spoilt JSON in place of the replies to one path.
    fn of_json(
        server: Server,
        path: &'static str,
        spoil: impl Fn(&mut Value) + Send + Sync + 'static,
    ) -> Self {
        Self::start(server, Keep::Alive, move |request, reply| {
            if request.path() == path {
                let mut envelope = serde_json::from_slice(&reply.body).unwrap();
                spoil(&mut envelope);
                reply.body = envelope.to_string().into_bytes();
            }
        })
    }

    fn call(&self, folder: &Folder, arguments: &[&str]) -> Call {
        let key = self.server.key("operator");
        let call = folder.duoctl(arguments).env("DUO_IKEY", &key.integration_key);
        let call = call.env("DUO_SKEY", key.secret_key.expose()).env("DUOCTL_SIMULATOR_BACKOFF_MS", "1");
        call.with(&["--connect-to", &self.address.to_string()])
            .with(&["--ca-file", self.authority.file.path().to_str().unwrap()])
    }
}

async fn connection(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    account: Arc<Mutex<Account>>,
    keep: Keep,
    spoil: Arc<Spoil>,
) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    while let Some(received) = read_request(&mut stream, None).await {
        let mut line = received.line.split(' ');
        let (method, target) = (line.next().unwrap(), line.next().unwrap());
        let request = RawRequest::new(method, target, received.headers, received.body);
        let mut reply = account.lock().unwrap().handle(&request, Timestamp::now().as_second());
        spoil(&request, &mut reply);
        let mut bytes = format!("HTTP/1.1 {} X\r\n", reply.status);
        for (name, value) in reply.headers.iter().filter(|(name, _)| *name != "Content-Length") {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        bytes.push_str(&format!("Content-Length: {}\r\n\r\n", reply.body.len()));
        let bytes = [bytes.as_bytes(), &reply.body].concat();
        if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if keep == Keep::Dead {
            let _ = read_request(&mut stream, None).await;
            return;
        }
    }
}

/// Everything applied, and nothing spoilt so far.
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
    let outcome = spoiler.call(&folder, &["apply", "--auto-approve"]).run().exits(0);
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
        .warns("the list /admin/v1/groups did not arrive whole: object ")
        .warns(" holds bytes that are not UTF-8 (byte ");
}

/// Forty-two users in a disabled group, in every form in which Duo may say so: letting the group in lets nobody in, and to
/// move an application to it from a live group shuts everybody out.
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
            spoiler.call(&folder, &["plan"]).run().exits(0).says("nobody gains or loses access");
        }
    }
}
