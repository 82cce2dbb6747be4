//! A strict double of Vault's HTTP API: seal, namespaces, tokens that expire, AppRole and JWT logins, key-value engines of both
//! versions with check-and-set. Status codes and texts are those of Vault's documentation and source.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use hyper::body::{Body as _, Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub const TOKEN: &str = "hvs.double-root-token";
pub const UNSEAL_KEY: &str = "5f0c7c1a";

/// The double's state, for a test to inspect and change.
#[derive(Default)]
pub struct State {
    pub sealed: bool,
    /// Seals after this many more writes.
    pub seal_after: Option<usize>,
    /// Expires every token after this many more writes.
    pub expire_after: Option<usize>,
    pub namespace: String,
    /// Mount and version; `pki` is 0.
    pub mounts: BTreeMap<String, u8>,
    /// Without `sys/internal/ui/mounts`, like older servers.
    pub no_preflight: bool,
    /// Tokens and their permissions: `""` for everything, else only paths with this prefix.
    pub tokens: BTreeMap<String, String>,
    /// The lifetime that a token reports in seconds, and whether it can be renewed.
    pub lease: (u64, bool),
    /// `role/secret` pairs of AppRole, and `role/jwt` pairs.
    pub logins: Vec<String>,
    /// Versions of each secret by `mount/path`; `None` is a deleted one.
    pub data: BTreeMap<String, Vec<Option<Map<String, Value>>>>,
    /// Another client writes between a read and a write, once.
    pub intruder: bool,
    /// Every request so far: method and path.
    pub log: Vec<String>,
}

/// A running double.
pub struct Vault {
    pub address: SocketAddr,
    pub ca: tempfile::NamedTempFile,
    state: Arc<Mutex<State>>,
}

impl Vault {
    pub async fn start() -> Self {
        let (ca, tls) = tls();
        let state = State {
            mounts: BTreeMap::from([("kv".into(), 2), ("old".into(), 1), ("pki".into(), 0)]),
            tokens: BTreeMap::from([(TOKEN.into(), String::new())]),
            ..State::default()
        };
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, state) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| answer(Arc::clone(&state), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, ca, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The newest version of a secret.
    pub fn secret(&self, path: &str) -> Map<String, Value> {
        self.state().data[path].last().unwrap().clone().unwrap()
    }

    /// How many versions were ever written.
    pub fn versions(&self, path: &str) -> usize {
        self.state().data.get(path).map_or(0, Vec::len)
    }

    /// `secret_stores` with one store, `vault`.
    pub fn store(&self, mount: &str, login: &str) -> String {
        format!(
            "secret_stores: {{vault: {{type: vault, address: \"https://localhost:{}\", mount: {mount}, ca_file: {}, {login}}}}}",
            self.address.port(),
            self.ca.path().display()
        )
    }
}

/// An authority, and a certificate for `localhost` with its key, all as PEM.
pub fn certificates() -> [String; 3] {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Some clients mistake a leaf with the same name for a self-signed certificate.
    params.distinguished_name.push(DnType::CommonName, "authority of a test");
    let ca = params.self_signed(&authority).unwrap().pem();
    let issuer = Issuer::new(params, authority);
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    [ca, leaf.pem(), key.serialize_pem()]
}

fn tls() -> (tempfile::NamedTempFile, ServerConfig) {
    let [ca, leaf, key] = certificates();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), ca).unwrap();
    let leaf = CertificateDer::from_pem_slice(leaf.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)
        .unwrap();
    (file, config)
}

type Reply = (u16, Value);

fn errors(status: u16, texts: &[&str]) -> Reply {
    (status, json!({"errors": texts}))
}

fn denied() -> Reply {
    errors(403, &["1 error occurred:\n\t* permission denied\n\n"])
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<FullBody>, Infallible> {
    let (head, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame.unwrap().into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    let header =
        |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = head.uri.path().strip_prefix("/v1/").unwrap_or_default().to_owned();
    let mut state = state.lock().unwrap();
    state.log.push(format!("{} {path}", head.method));
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    let (status, reply) = if header("x-vault-request") != "true" {
        errors(400, &["missing X-Vault-Request"])
    } else {
        let query = head.uri.query().unwrap_or_default().to_owned();
        let request = Asked {
            method: head.method.as_str(),
            path: &path,
            query: &query,
            body: &body,
            token: header("x-vault-token"),
            namespace: header("x-vault-namespace"),
        };
        state.answer(&request)
    };
    let bytes = if reply.is_null() { Vec::new() } else { reply.to_string().into_bytes() };
    let json = (hyper::header::CONTENT_TYPE, "application/json");
    Ok(Response::builder()
        .status(status)
        .header(json.0, json.1)
        .body(FullBody(Some(Bytes::from(bytes))))
        .unwrap())
}

/// A request.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    body: &'a Value,
    token: &'a str,
    namespace: &'a str,
}

impl State {
    fn answer(&mut self, asked: &Asked<'_>) -> Reply {
        let Asked { method, path, body, token, .. } = *asked;
        match (method, path) {
            ("GET", "sys/seal-status") => return self.seal_status(),
            ("POST" | "PUT", "sys/unseal") => {
                self.sealed &= body["key"] != UNSEAL_KEY;
                return self.seal_status();
            }
            _ if self.sealed => return errors(503, &["Vault is sealed"]),
            ("POST" | "PUT", "sys/seal") if token == TOKEN => {
                self.sealed = true;
                return (204, Value::Null);
            }
            _ => {}
        }
        if asked.namespace != self.namespace {
            return errors(404, &[&format!("no handler for route \"{path}\". route entry not found.")]);
        }
        if let ("POST", Some(login)) = (method, path.strip_suffix("/login")) {
            return self.login(login, body);
        }
        let Some(allowed) = self.tokens.get(token).cloned() else {
            return errors(403, &["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]);
        };
        match (method, path) {
            ("GET", "auth/token/lookup-self") => {
                (200, json!({"data": {"ttl": self.lease.0, "renewable": self.lease.1}}))
            }
            ("POST" | "PUT", "auth/token/renew-self") => {
                (200, json!({"auth": {"client_token": token, "lease_duration": self.lease.0}}))
            }
            ("GET", _) if path.starts_with("sys/internal/ui/mounts/") => self.preflight(path, &allowed),
            _ if !path.starts_with(&allowed) => denied(),
            _ => self.key_value(asked),
        }
    }

    fn seal_status(&self) -> Reply {
        (
            200,
            json!({"type": "shamir", "initialized": true, "sealed": self.sealed, "t": 1, "n": 1, "progress": 0}),
        )
    }

    fn login(&mut self, login: &str, body: &Value) -> Reply {
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        let pair = match login {
            "auth/approle" => format!("{}/{}", text("role_id"), text("secret_id")),
            "auth/jwt" | "auth/ci/jwt" => format!("{}/{}", text("role"), text("jwt")),
            _ => {
                return errors(
                    404,
                    &[&format!("no handler for route \"{login}/login\". route entry not found.")],
                );
            }
        };
        if !self.logins.contains(&pair) {
            return errors(400, &["invalid role or secret ID"]);
        }
        let token = format!("hvs.login-{}", self.log.len());
        self.tokens.insert(token.clone(), String::new());
        (200, json!({"auth": {"client_token": token, "lease_duration": self.lease.0, "renewable": true}}))
    }

    fn preflight(&self, path: &str, allowed: &str) -> Reply {
        if self.no_preflight {
            return errors(404, &[]);
        }
        let mount = path.trim_start_matches("sys/internal/ui/mounts/");
        match self.mounts.get(mount) {
            Some(_) if !allowed.is_empty() && !allowed.starts_with(mount) => {
                errors(403, &["preflight capability check returned 403"])
            }
            Some(0) => (200, json!({"data": {"type": "pki", "options": null}})),
            Some(version) => {
                (200, json!({"data": {"type": "kv", "options": {"version": version.to_string()}}}))
            }
            None => errors(
                403,
                &[
                    "preflight capability check returned 403, please ensure client's policies grant access to path",
                ],
            ),
        }
    }

    fn key_value(&mut self, asked: &Asked<'_>) -> Reply {
        let Some((mount, rest)) = asked.path.split_once('/') else { return errors(404, &[]) };
        match (self.mounts.get(mount), rest.split_once('/')) {
            (Some(2), Some(("data", name))) => self.version_two(asked, &format!("{mount}/{name}")),
            (Some(2), Some(("metadata", name))) => self.metadata(&format!("{mount}/{name}")),
            (Some(2), _) => (
                404,
                json!({"errors": [], "warnings": ["Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use."]}),
            ),
            (Some(1), _) => self.version_one(asked),
            _ => errors(404, &[&format!("no handler for route \"{}\". route entry not found.", asked.path)]),
        }
    }

    fn metadata(&self, path: &str) -> Reply {
        let Some(versions) = self.data.get(path).filter(|versions| !versions.is_empty()) else {
            return errors(404, &[]);
        };
        let all: Map<String, Value> = (1..=versions.len())
            .map(|number| (number.to_string(), version_metadata(versions, number)))
            .collect();
        (200, json!({"data": {"current_version": versions.len(), "versions": all}}))
    }

    fn written(&mut self) {
        if let Some(left) = &mut self.seal_after {
            *left = left.saturating_sub(1);
            self.sealed = *left == 0;
        }
        if let Some(left) = &mut self.expire_after {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.expire_after = None;
                self.tokens.clear();
            }
        }
    }

    fn version_one(&mut self, asked: &Asked<'_>) -> Reply {
        match asked.method {
            "GET" => {
                match self.data.get(asked.path).and_then(|versions| versions.last()).cloned().flatten() {
                    Some(data) => (200, json!({"data": data})),
                    None => errors(404, &[]),
                }
            }
            "POST" | "PUT" => {
                self.data.insert(asked.path.to_owned(), vec![asked.body.as_object().cloned()]);
                self.written();
                (204, Value::Null)
            }
            "DELETE" => {
                self.data.remove(asked.path);
                (204, Value::Null)
            }
            _ => errors(405, &[]),
        }
    }

    fn version_two(&mut self, asked: &Asked<'_>, path: &str) -> Reply {
        if self.intruder && asked.method == "POST" {
            self.intruder = false;
            let other = json!({"integration_key": "DIINTRUDER"}).as_object().cloned();
            self.data.entry(path.to_owned()).or_default().push(other);
        }
        let versions = self.data.entry(path.to_owned()).or_default();
        match asked.method {
            "GET" => {
                let wanted = asked.query.strip_prefix("version=").and_then(|number| number.parse().ok());
                let number = wanted.filter(|number| *number > 0).unwrap_or(versions.len());
                let Some(data) = number.checked_sub(1).and_then(|index| versions.get(index)) else {
                    return errors(404, &[]);
                };
                let status = if data.is_some() { 200 } else { 404 };
                (status, json!({"data": {"data": data, "metadata": version_metadata(versions, number)}}))
            }
            "POST" | "PUT" => {
                let cas = asked.body["options"]["cas"].as_u64();
                let (Some(data), Some(cas)) = (asked.body["data"].as_object(), cas) else {
                    return errors(400, &["check-and-set parameter required for this call"]);
                };
                if cas != u64::try_from(versions.len()).unwrap() {
                    return errors(400, &["check-and-set parameter did not match the current version"]);
                }
                versions.push(Some(data.clone()));
                let metadata = version_metadata(versions, versions.len());
                self.written();
                (200, json!({"data": metadata}))
            }
            "DELETE" => {
                if let Some(newest) = versions.last_mut() {
                    *newest = None;
                }
                (204, Value::Null)
            }
            _ => errors(405, &[]),
        }
    }
}

fn version_metadata(versions: &[Option<Map<String, Value>>], number: usize) -> Value {
    let deleted = versions.get(number - 1).is_some_and(Option::is_none);
    let deletion_time = if deleted { "2026-11-24T22:00:00Z" } else { "" };
    json!({
        "created_time": "2026-11-24T21:00:00Z",
        "custom_metadata": null,
        "deletion_time": deletion_time,
        "destroyed": false,
        "version": number,
    })
}

/// A body of one piece.
pub struct FullBody(Option<Bytes>);

impl hyper::body::Body for FullBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(self.0.take().map(|bytes| Ok(hyper::body::Frame::data(bytes))))
    }
}
