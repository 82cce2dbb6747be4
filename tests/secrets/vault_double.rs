//! A strict double of Vault's HTTP API: seal, namespaces, tokens that end, AppRole and JWT logins, key-value engines of
//! both versions with check-and-set. Status codes and texts are those that Vault's documentation and source have.

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
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub const TOKEN: &str = "hvs.double-root-token";

/// What the double remembers, for a test to look at and to change.
#[derive(Default)]
pub struct State {
    pub sealed: bool,
    /// Seal after so many more writes.
    pub seal_after: Option<usize>,
    pub namespace: String,
    /// Mount and version; `pki` is 0.
    pub mounts: BTreeMap<String, u8>,
    /// Without `sys/internal/ui/mounts`, as older servers are.
    pub no_preflight: bool,
    /// Tokens and what they may do: `""` everything, else only paths that begin so.
    pub tokens: BTreeMap<String, String>,
    /// Seconds that a token says to live, and whether it can be renewed.
    pub lease: (u64, bool),
    /// `role/secret` pairs of AppRole, and `role/jwt` pairs.
    pub logins: Vec<String>,
    /// Versions of each secret by `mount/path`; `None` is a deleted one.
    pub data: BTreeMap<String, Vec<Option<Map<String, Value>>>>,
    /// Another writer comes between a read and a write, once.
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

fn tls() -> (tempfile::NamedTempFile, ServerConfig) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Some clients take a leaf of the same name for one that signed itself.
    params.distinguished_name.push(DnType::CommonName, "authority of a test");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), params.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
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
        state.answer(head.method.as_str(), &path, &body, header("x-vault-token"), header("x-vault-namespace"))
    };
    let bytes = if reply.is_null() { Vec::new() } else { reply.to_string().into_bytes() };
    Ok(Response::builder().status(status).body(FullBody(Some(Bytes::from(bytes)))).unwrap())
}

impl State {
    fn answer(&mut self, method: &str, path: &str, body: &Value, token: &str, namespace: &str) -> Reply {
        if self.sealed {
            return errors(503, &["Vault is sealed"]);
        }
        if namespace != self.namespace {
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
            _ => self.key_value(method, path, body),
        }
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

    fn key_value(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        let Some((mount, rest)) = path.split_once('/') else { return errors(404, &[]) };
        match (self.mounts.get(mount), rest.split_once('/')) {
            (Some(2), Some(("data", name))) => self.version_two(method, &format!("{mount}/{name}"), body),
            (Some(2), _) => (
                404,
                json!({"errors": [], "warnings": ["Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use."]}),
            ),
            (Some(1), _) => self.version_one(method, path, body),
            _ => errors(404, &[&format!("no handler for route \"{path}\". route entry not found.")]),
        }
    }

    fn written(&mut self) {
        if let Some(left) = &mut self.seal_after {
            *left = left.saturating_sub(1);
            self.sealed = *left == 0;
        }
    }

    fn version_one(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        match method {
            "GET" => match self.data.get(path).and_then(|versions| versions.last()).cloned().flatten() {
                Some(data) => (200, json!({"data": data})),
                None => errors(404, &[]),
            },
            "POST" | "PUT" => {
                self.data.insert(path.to_owned(), vec![body.as_object().cloned()]);
                self.written();
                (204, Value::Null)
            }
            _ => errors(405, &[]),
        }
    }

    fn version_two(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        if self.intruder && method == "POST" {
            self.intruder = false;
            let other = json!({"integration_key": "DIINTRUDER"}).as_object().cloned();
            self.data.entry(path.to_owned()).or_default().push(other);
        }
        let versions = self.data.entry(path.to_owned()).or_default();
        let metadata = json!({"version": versions.len(), "deletion_time": "", "destroyed": false});
        match method {
            "GET" => match versions.last() {
                None => errors(404, &[]),
                Some(None) => (404, json!({"data": {"data": null, "metadata": metadata}})),
                Some(Some(data)) => (200, json!({"data": {"data": data, "metadata": metadata}})),
            },
            "POST" | "PUT" => {
                let cas = body["options"]["cas"].as_u64();
                let (Some(data), Some(cas)) = (body["data"].as_object(), cas) else {
                    return errors(400, &["check-and-set parameter required for this call"]);
                };
                if cas != u64::try_from(versions.len()).unwrap() {
                    return errors(400, &["check-and-set parameter did not match the current version"]);
                }
                versions.push(Some(data.clone()));
                let version = versions.len();
                self.written();
                (200, json!({"data": {"version": version}}))
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
