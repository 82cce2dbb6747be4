//! Duo's API over real sockets: what is sent, the result of every fault, what is never retried, and that no secret shows in any
//! of it.

mod signing_vectors;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::wire_server::{
    Act, Authority, HOST, Proxying, Received, Server, json as answer, proxy, speak_first,
};
use duoctl::duo::backoff::Backoff;
use duoctl::duo::call::{ApiCall, Success, Transport};
use duoctl::duo::error::{DuoError, Unreachable};
use duoctl::duo::https::{Authorities, HttpsConfig, HttpsError, HttpsTransport, TlsRoots};
use duoctl::duo::limiter::Limits;
use duoctl::duo::object::Ikey;
use duoctl::duo::probe::auth_check;
use duoctl::duo::sign::{Scheme, Signable, authorization, signature};
use duoctl::secret::Secret;
use serde_json::{Map, json};

const IKEY: &str = "DITESTTESTTESTTEST01";
const SKEY: &str = "sKeYsKeYsKeYsKeYsKeYsKeYsKeYsKeYsKeYsKeY";
const OK: &str = r#"{"stat": "OK", "response": "done"}"#;
const TOO_MANY: &str = r#"{"stat": "FAIL", "code": 42901, "message": "Too many requests"}"#;

fn config(ca_file: Option<&Path>, connect_to: Option<SocketAddr>) -> HttpsConfig {
    let mut config = HttpsConfig::new(HOST, Ikey::new(IKEY), Secret::new(SKEY));
    config.authorities = ca_file.map(Authorities::file).unwrap_or_default();
    config.connect_to = connect_to;
    config.limits = Limits::UNLIMITED;
    config.backoff = Backoff { unit: Duration::from_millis(2), ..Backoff::default() };
    config
}

fn get() -> ApiCall {
    ApiCall::get("/admin/v3/integrations", &[("limit", "500"), ("offset", "0"), ("note", "R&D = 50% (ä)")])
}

fn post() -> ApiCall {
    ApiCall::post("/admin/v3/integrations", Map::from_iter([("name".to_owned(), json!("Café"))]))
}

/// A server with a valid certificate, and a transport to it.
async fn pair(acts: impl IntoIterator<Item = Act>) -> (Server, HttpsTransport) {
    let authority = Authority::new();
    let server = Server::start(authority.leaf(HOST, 2020, 2099), acts).await;
    let transport = HttpsTransport::open(config(Some(authority.file.path()), Some(server.address))).unwrap();
    (server, transport)
}

/// The error of a call, after checking that it shows no secret.
fn error(result: Result<Success, DuoError>) -> DuoError {
    let error = result.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains(SKEY) && !text.contains("Basic") && !text.contains("R%26D"), "{text}");
    error
}

fn unreachable(result: Result<Success, DuoError>) -> (Unreachable, String) {
    match error(result) {
        DuoError::Unreachable { host, kind, reason } => {
            assert_eq!(host, HOST);
            (kind, reason)
        }
        other => panic!("{other:?}"),
    }
}

fn expected_authorization(request: &Received, scheme: Scheme, params: &[(&str, &str)]) -> String {
    let params: Vec<_> = params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let mut line = request.line.split(' ');
    let (method, target) = (line.next().unwrap(), line.next().unwrap());
    let signable = Signable {
        date: request.header("date").unwrap(),
        method,
        host: request.header("host").unwrap(),
        path: target.split('?').next().unwrap(),
        params: &params,
        body: &request.body,
        duo_headers: &[],
    };
    authorization(IKEY, &signature(scheme, &Secret::new(SKEY), &signable))
}

#[tokio::test]
async fn what_arrives_is_what_was_signed_under_the_tenants_name() {
    let (server, transport) = pair([
        answer(200, OK),
        answer(200, OK),
        answer(200, r#"{"stat": "OK", "response": {"time": 1710429344}}"#),
    ])
    .await;
    assert_eq!(transport.send(&get()).await.unwrap().response, json!("done"));
    transport.send(&post()).await.unwrap();
    assert_eq!(auth_check(&transport, Scheme::V2Sha1).await, Ok(1_710_429_344));

    let received = server.received.lock().unwrap();
    for request in received.iter() {
        assert_eq!(request.server_name.as_deref(), Some(HOST));
        assert_eq!(request.header("host"), Some(HOST), "without the port of the detour");
        assert_eq!(request.header("user-agent"), Some(concat!("duoctl/", env!("CARGO_PKG_VERSION"))));
        assert!(request.header("date").unwrap().ends_with(" -0000"));
        assert_eq!(request.header("accept-encoding"), None);
    }
    assert_eq!(
        received[0].line,
        "GET /admin/v3/integrations?limit=500&note=R%26D%20%3D%2050%25%20%28%C3%A4%29&offset=0 HTTP/1.1"
    );
    let query = [("limit", "500"), ("offset", "0"), ("note", "R&D = 50% (ä)")];
    let expected = expected_authorization(&received[0], Scheme::V5, &query);
    assert_eq!(received[0].header("authorization"), Some(expected.as_str()));
    assert_eq!(received[1].body, "{\"name\":\"Café\"}".as_bytes());
    assert_eq!(received[1].header("content-type"), Some("application/json"));
    let expected = expected_authorization(&received[1], Scheme::V5, &[]);
    assert_eq!(received[1].header("authorization"), Some(expected.as_str()));
    let expected = expected_authorization(&received[2], Scheme::V2Sha1, &[]);
    assert_eq!(received[2].header("authorization"), Some(expected.as_str()));
    assert_eq!(server.connections.load(Ordering::SeqCst), 2, "one connection serves all reads");
    assert_eq!(transport.requests_sent(), 3);
}

#[tokio::test]
async fn another_key_shares_the_connection() {
    let (server, transport) = pair([answer(200, OK), answer(200, OK)]).await;
    transport.send(&get()).await.unwrap();
    transport.signed_by(&Ikey::new("DIOTHER"), &Secret::new("other")).send(&get()).await.unwrap();
    let received = server.received.lock().unwrap();
    assert_ne!(received[0].header("authorization"), received[1].header("authorization"));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    assert_eq!(transport.requests_sent(), 2);
}

#[tokio::test]
async fn a_429_is_waited_out_for_changes_too() {
    let (server, transport) = pair([answer(429, TOO_MANY), answer(429, TOO_MANY), answer(200, OK)]).await;
    transport.send(&post()).await.unwrap();
    let received = server.received.lock().unwrap();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|request| request.body == received[0].body));
}

#[tokio::test]
async fn seven_429s_are_reported_as_what_they_are() {
    let (server, transport) =
        pair((0..7).map(|_| Act::Answer(429, "text/html", "<html>slow down</html>"))).await;
    assert!(matches!(error(transport.send(&post()).await), DuoError::RateLimited { attempts: 7, .. }));
    assert_eq!(server.requests(), 7);
}

#[tokio::test]
async fn a_reset_loses_a_change_once_and_repeats_a_read() {
    let (server, transport) = pair([Act::Reset, Act::Reset, Act::Reset, answer(200, OK)]).await;
    let lost = error(transport.send(&post()).await);
    assert!(matches!(lost, DuoError::Lost { .. }) && lost.outcome_unknown());
    assert_eq!(server.requests(), 1, "a change is never sent twice");
    transport.send(&get()).await.unwrap();
    assert_eq!(server.requests(), 4);
}

/// Some proxies silently close a connection after each answer: the next request on it is lost. A read is retried; a write
/// never goes out on a connection that was used before.
#[tokio::test]
async fn a_peer_that_closes_silently_after_each_answer_loses_no_change() {
    let (server, transport) = pair((0..12).map(|_| Act::Last(OK))).await;
    let delete = || ApiCall::delete("/admin/v3/integrations/DI1");
    for call in [get(), post(), post(), delete(), get(), post(), delete(), get()] {
        transport.send(&call).await.unwrap();
    }
    let received = server.received.lock().unwrap();
    let writes = received.iter().filter(|request| !request.line.starts_with("GET ")).count();
    assert_eq!(writes, 5, "each change once");
}

#[tokio::test]
async fn each_change_has_a_connection_of_its_own_and_reads_share_one() {
    let (server, transport) = pair((0..6).map(|_| answer(200, OK))).await;
    for call in [get(), post(), get(), post(), post(), get()] {
        transport.send(&call).await.unwrap();
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 4, "three for changes, one for reads");
}

#[tokio::test]
async fn a_gateways_page_is_told_by_status_and_kind() {
    let page = || Act::Answer(502, "text/html", "<html>nginx sKeY</html>");
    let (server, transport) = pair([page(), page(), page(), page()]).await;
    let text = error(transport.send(&get()).await).to_string();
    assert_eq!(
        text,
        "the answer to GET /admin/v3/integrations is not from Duo's API: it is text/html, not JSON (HTTP 502)"
    );
    assert_eq!(server.requests(), 3);
    assert!(error(transport.send(&post()).await).outcome_unknown());
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_lost() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let cut = || Act::Bytes(format!("{head}Content-Length: 500\r\n\r\n{{\"stat\": \"OK\"").into_bytes());
    let whole_but_short =
        || Act::Bytes(format!("{head}Content-Length: 14\r\n\r\n{{\"stat\": \"OK\",").into_bytes());
    let no_reply = || Act::Bytes(Vec::new());
    let (server, transport) =
        pair([cut(), whole_but_short(), no_reply(), cut(), cut(), answer(200, OK)]).await;
    for count in 1..=3 {
        let lost = error(transport.send(&post()).await);
        assert!(matches!(lost, DuoError::Lost { .. }), "{lost:?}");
        assert_eq!(server.requests(), count);
    }
    transport.send(&get()).await.unwrap();
    assert_eq!(server.requests(), 6);
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let announced = Act::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{".to_vec());
    let (server, transport) = pair([announced, Act::Flood]).await;
    for _ in 0..2 {
        let text = error(transport.send(&get()).await).to_string();
        assert!(text.contains("larger than 32 MB"), "{text}");
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_redirect_is_refused_and_its_target_is_never_contacted() {
    let authority = Authority::new();
    let target = Server::start(authority.leaf("localhost", 2020, 2099), []).await;
    let location = format!("https://localhost:{}/x?sig=1", target.address.port());
    for status in [301, 302, 307, 308] {
        let head = format!("HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let server = Server::start(authority.leaf(HOST, 2020, 2099), [Act::Bytes(head.into_bytes())]).await;
        let transport =
            HttpsTransport::open(config(Some(authority.file.path()), Some(server.address))).unwrap();
        let text = error(transport.send(&get()).await).to_string();
        assert!(text.contains(&format!("redirects to localhost:{}", target.address.port())), "{text}");
        assert_eq!(server.requests(), 1);
    }
    assert_eq!(target.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_explained_and_nothing_is_sent() {
    let (ours, theirs, namesake) = (Authority::new(), Authority::named("Another"), Authority::new());
    let cases = [
        (namesake.leaf(HOST, 2020, 2099), "not signed by the trusted authority of that name"),
        (theirs.leaf(HOST, 2020, 2099), "an untrusted authority"),
        (ours.leaf("api-ffffffff.duosecurity.com", 2020, 2099), "for another hostname"),
        (ours.leaf(HOST, 2020, 2021), "has expired, or this machine's clock is wrong"),
        (ours.leaf(HOST, 2090, 2099), "not valid yet, or this machine's clock is wrong"),
    ];
    for (leaf, expected) in cases {
        let server = Server::start(leaf, [answer(200, OK)]).await;
        let transport = HttpsTransport::open(config(Some(ours.file.path()), Some(server.address))).unwrap();
        let (kind, reason) = unreachable(transport.send(&post()).await);
        assert!(kind == Unreachable::Tls && reason.contains(expected), "{kind:?} {reason}");
        assert_eq!(server.requests(), 0);
    }
    let server = Server::start(ours.leaf(HOST, 2020, 2099), [answer(200, OK)]).await;
    let transport = HttpsTransport::open(config(None, Some(server.address))).unwrap();
    let (kind, _) = unreachable(transport.send(&get()).await);
    assert_eq!((kind, server.requests()), (Unreachable::Tls, 0), "a private authority is not built in");
}

#[tokio::test]
async fn tls_older_than_1_2_and_no_tls_at_all_are_refused() {
    // A ServerHello of TLS 1.1 that picks TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA.
    let mut hello = vec![0x16, 3, 2, 0, 0x2a, 2, 0, 0, 0x26, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x13, 0]);
    let too_old = "it does not offer TLS 1.2 or newer with a cipher that is still safe";
    let cases = [
        (hello, too_old),
        (vec![0x15, 3, 1, 0, 2, 2, 70], too_old),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "the server does not use TLS"),
    ];
    for (bytes, expected) in cases {
        let address = speak_first(bytes).await;
        let transport = HttpsTransport::open(config(None, Some(address))).unwrap();
        assert_eq!(unreachable(transport.send(&post()).await), (Unreachable::Tls, expected.to_owned()));
    }
}

#[tokio::test]
async fn a_slow_drip_ends_at_the_total_timeout() {
    let authority = Authority::new();
    let drip = || Act::Drip(Duration::from_millis(20));
    let server = Server::start(authority.leaf(HOST, 2020, 2099), [drip(), drip(), drip(), drip()]).await;
    let mut config = config(Some(authority.file.path()), Some(server.address));
    config.total_timeout = Duration::from_millis(400);
    let transport = HttpsTransport::open(config).unwrap();
    let limit = Duration::from_secs(10);
    let lost = error(tokio::time::timeout(limit, transport.send(&post())).await.expect("no timeout"));
    assert!(lost.to_string().ends_with("was lost: it did not arrive within 0.4 s"), "{lost}");
    assert_eq!(server.requests(), 1);
    error(transport.send(&get()).await);
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_connection_that_never_stands_is_unreachable() {
    let silent = speak_first(Vec::new()).await;
    let mut slow = config(None, Some(silent));
    slow.connect_timeout = Duration::from_millis(200);
    let found = unreachable(HttpsTransport::open(slow).unwrap().send(&post()).await);
    assert_eq!(found, (Unreachable::Timeout, "no connection within 0.2 s".to_owned()));

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let transport = HttpsTransport::open(config(None, Some(closed))).unwrap();
    assert_eq!(
        unreachable(transport.send(&post()).await),
        (Unreachable::Connect, "connection refused".to_owned())
    );
}

#[tokio::test]
async fn hosts_and_detours_that_could_mislead_are_refused() {
    let open = |host: &str, connect_to: Option<&str>| {
        let mut config = config(None, connect_to.map(|address| address.parse().unwrap()));
        config.host = host.to_owned();
        HttpsTransport::open(config).map(drop).unwrap_err()
    };
    assert!(matches!(open("evil.example", None), HttpsError::Host(_)));
    assert!(matches!(open("127.0.0.1", None), HttpsError::Host(_)));
    assert!(matches!(open("https://api-1.duosecurity.com", Some("127.0.0.1:1")), HttpsError::Host(_)));
    for outside in ["192.0.2.1:443", "[2001:db8::1]:443", "0.0.0.0:443", "[::ffff:192.0.2.1]:443"] {
        assert!(matches!(open(HOST, Some(outside)), HttpsError::NotLoopback(_)), "{outside}");
    }
    assert!(matches!(open("127.0.0.2", Some("127.0.0.1:1")), HttpsError::OtherAddress { .. }));
}

#[tokio::test]
async fn a_loopback_address_may_be_the_host() {
    let authority = Authority::new();
    for host in ["127.0.0.1", "localhost"] {
        let server = Server::start(authority.leaf(host, 2020, 2099), [answer(200, OK)]).await;
        let mut config = config(Some(authority.file.path()), Some(server.address));
        config.host = host.to_owned();
        HttpsTransport::open(config).unwrap().send(&get()).await.unwrap();
        assert_eq!(server.received.lock().unwrap()[0].header("host"), Some(host));
    }
}

/// Runs [`call_as_the_environment_says`] in its own process, since proxies come from the environment.
async fn with_environment(ca_file: &Path, variables: &[(&str, String)]) -> String {
    let mut command = crate::support::alone(module_path!(), "call_as_the_environment_says");
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
        .env_remove("SSL_CERT_DIR")
        .env("WIRE_TEST_CA", ca_file)
        .envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.split_once("OUTCOME ")).unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[tokio::test]
#[ignore = "started by the proxy tests, with an environment"]
async fn call_as_the_environment_says() {
    let Ok(ca_file) = std::env::var("WIRE_TEST_CA") else { return };
    let detour = std::env::var("WIRE_TEST_CONNECT_TO").ok().map(|address| address.parse().unwrap());
    let mut config = config(Some(Path::new(&ca_file)), detour);
    if let Ok(roots) = std::env::var("WIRE_TEST_ROOTS") {
        config.authorities = Authorities { roots: TlsRoots::named(&roots).unwrap(), ca_file: None };
    }
    match HttpsTransport::open(config) {
        Ok(transport) => println!("OUTCOME {:?}", transport.send(&post()).await),
        Err(error) => println!("OUTCOME {error}"),
    }
}

#[tokio::test]
async fn the_authorities_of_this_machine_are_trusted_only_when_asked_for() {
    let (ours, other) = (Authority::new(), Authority::new());
    let empty = tempfile::NamedTempFile::new().unwrap();
    let server = Server::start(ours.leaf(HOST, 2020, 2099), [answer(200, OK)]).await;
    let cases = [
        ("system", ours.file.path(), "Ok("),
        ("bundled", ours.file.path(), "kind: Tls"),
        ("system", other.file.path(), "kind: Tls"),
        ("system", empty.path(), "this machine has no usable certificate authorities"),
    ];
    for (roots, machine, expected) in cases {
        let variables = [
            ("SSL_CERT_FILE", machine.display().to_string()),
            ("WIRE_TEST_CONNECT_TO", server.address.to_string()),
            ("WIRE_TEST_ROOTS", roots.to_owned()),
        ];
        let outcome = with_environment(ours.file.path(), &variables).await;
        assert!(outcome.contains(expected), "{roots}: {outcome}");
    }
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_used_for_duo() {
    let authority = Authority::new();
    let server = Server::start(authority.leaf(HOST, 2020, 2099), [answer(200, OK)]).await;
    let (address, lines) = proxy(Proxying::Tunnel(server.address)).await;
    let variables = [("HTTPS_PROXY", format!("http://{address}"))];
    let outcome = with_environment(authority.file.path(), &variables).await;
    assert!(outcome.starts_with("Ok("), "{outcome}");
    assert_eq!(*lines.lock().unwrap(), [format!("CONNECT {HOST}:443 HTTP/1.1")]);
    assert_eq!(server.received.lock().unwrap()[0].header("host"), Some(HOST));
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_apart() {
    let authority = Authority::new();
    let cases = [
        ("403 Forbidden", "refuses to connect"),
        ("407 Proxy Authentication Required", "asks for credentials"),
    ];
    for (status, expected) in cases {
        let (address, _) = proxy(Proxying::Refuse(status)).await;
        let variables = [("HTTPS_PROXY", format!("http://user:hunter2@{address}"))];
        let outcome = with_environment(authority.file.path(), &variables).await;
        assert!(outcome.contains("kind: Proxy") && outcome.contains(expected), "{outcome}");
        assert!(!outcome.contains("hunter2"), "{outcome}");
    }
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let variables = [("HTTPS_PROXY", format!("http://{closed}"))];
    let outcome = with_environment(authority.file.path(), &variables).await;
    assert!(outcome.contains("kind: Proxy") && outcome.contains("cannot be reached"), "{outcome}");
}

#[tokio::test]
async fn a_detour_to_loopback_bypasses_proxies() {
    let authority = Authority::new();
    let server = Server::start(authority.leaf(HOST, 2020, 2099), [answer(200, OK)]).await;
    let (address, lines) = proxy(Proxying::Refuse("403 Forbidden")).await;
    let proxy = format!("http://{address}");
    let detour = server.address.to_string();
    let variables = [("HTTPS_PROXY", proxy.clone()), ("ALL_PROXY", proxy), ("WIRE_TEST_CONNECT_TO", detour)];
    let outcome = with_environment(authority.file.path(), &variables).await;
    assert!(outcome.starts_with("Ok("), "{outcome}");
    assert!(lines.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_trace_shows_calls_and_no_secret() {
    let log = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    #[derive(Clone)]
    struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let writer = Log(log.clone());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: whether an event is of interest is cached for all threads, and tests without a subscriber of their
    // own meet the same events. Their events are in the log as well, and must not show a secret either.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let refused = r#"{"stat": "FAIL", "code": 40301, "message": "Access forbidden"}"#;
    let (_server, transport) = pair([answer(200, OK), answer(403, refused), Act::Reset]).await;
    transport.send(&get()).await.unwrap();
    error(transport.send(&get()).await);
    error(transport.send(&post()).await);
    let text = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(text.contains("method=\"GET\" path=\"/admin/v3/integrations\" status=200 ms="), "{text}");
    assert!(text.contains("status=403") && text.contains("not answered"), "{text}");
    for secret in [SKEY, "Basic", "R%26D", "R&D", "Café", "uthorization"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
