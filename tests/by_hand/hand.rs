//! A client of Duo as the reference describes it (duo-api.md, section 1), and tables of requests and expected answers.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use duoctl::sandbox::call::Reply;
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Certificate, Client};
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha512};

const FORM: &str = "application/x-www-form-urlencoded";

/// How a request is signed.
#[derive(Clone, Copy)]
pub(crate) enum Version {
    TwoSha1,
    TwoSha512,
    Four,
    Five,
}

/// One request, before it is signed and sent.
#[derive(Clone)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    query: Vec<(String, String)>,
    body: String,
    media: Option<&'static str>,
    host: Option<&'static str>,
    key: &'static str,
    secret: Option<&'static str>,
    version: Version,
    offset: i64,
    date: Option<&'static str>,
    duo_date: bool,
    upper: bool,
    unsigned: bool,
}

fn request(method: &'static str, path: &str) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Request {
        method,
        path: path.to_owned(),
        query: plain_pairs(query),
        body: String::new(),
        media: None,
        host: None,
        key: "operator",
        secret: None,
        version: Version::Five,
        offset: 0,
        date: None,
        duo_date: false,
        upper: false,
        unsigned: false,
    }
}

/// The values of the query are written unescaped, and escaped when sent.
pub(crate) fn get(path: &str) -> Request {
    request("GET", path)
}

/// A POST of a JSON object.
pub(crate) fn post(path: &str, body: Value) -> Request {
    request("POST", path).body(&body.to_string()).media("application/json")
}

pub(crate) fn put(path: &str, body: Value) -> Request {
    request("PUT", path).body(&body.to_string()).media("application/json")
}

pub(crate) fn delete(path: &str) -> Request {
    request("DELETE", path)
}

/// A POST of a form.
pub(crate) fn form(path: &str, body: &str) -> Request {
    request("POST", path).body(body).media(FORM)
}

impl Request {
    pub(crate) fn body(self, body: &str) -> Self {
        Self { body: body.to_owned(), ..self }
    }

    pub(crate) fn media(self, media: &'static str) -> Self {
        Self { media: Some(media), ..self }
    }

    pub(crate) fn no_media(self) -> Self {
        Self { media: None, ..self }
    }

    pub(crate) fn host(self, host: &'static str) -> Self {
        Self { host: Some(host), ..self }
    }

    pub(crate) fn key(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    pub(crate) fn secret(self, secret: &'static str) -> Self {
        Self { secret: Some(secret), ..self }
    }

    pub(crate) fn version(self, version: Version) -> Self {
        Self { version, ..self }
    }

    pub(crate) fn seconds_off(self, offset: i64) -> Self {
        Self { offset, ..self }
    }

    pub(crate) fn date(self, date: &'static str) -> Self {
        Self { date: Some(date), ..self }
    }

    pub(crate) fn duo_date(self) -> Self {
        Self { duo_date: true, ..self }
    }

    pub(crate) fn upper(self) -> Self {
        Self { upper: true, ..self }
    }

    pub(crate) fn unsigned(self) -> Self {
        Self { unsigned: true, ..self }
    }
}

/// The signed content (section 1.2).
pub(crate) struct Signable<'a> {
    pub(crate) version: Version,
    pub(crate) date: &'a str,
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    /// Of the query, and of a form if the version covers it.
    pub(crate) params: Vec<(String, String)>,
    pub(crate) body: &'a [u8],
    /// The `X-Duo-` headers as hashed: lower-case names and values, separated by NUL characters.
    pub(crate) headers: String,
}

impl Signable<'_> {
    fn canonical(&self) -> String {
        let mut lines = vec![
            self.date.to_owned(),
            self.method.to_owned(),
            self.host.to_lowercase(),
            self.path.to_owned(),
            canonical_query(&self.params),
        ];
        if matches!(self.version, Version::Four | Version::Five) {
            lines.push(hex(&Sha512::digest(self.body)));
        }
        if matches!(self.version, Version::Five) {
            lines.push(hex(&Sha512::digest(self.headers.as_bytes())));
        }
        lines.join("\n")
    }

    /// The signature in lower-case hex.
    pub(crate) fn sign(&self, secret: &str) -> String {
        let text = self.canonical();
        match self.version {
            Version::TwoSha1 => {
                let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
                hex(&mac.chain_update(text).finalize().into_bytes())
            }
            _ => {
                let mac = Hmac::<Sha512>::new_from_slice(secret.as_bytes()).unwrap();
                hex(&mac.chain_update(text).finalize().into_bytes())
            }
        }
    }
}

/// The pairs of an unescaped form or query.
pub(crate) fn plain_pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| part.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    text.split('&').filter_map(pair).collect()
}

fn canonical_query(params: &[(String, String)]) -> String {
    let mut encoded: Vec<_> = params.iter().map(|(key, value)| (escape(key), escape(value))).collect();
    encoded.sort();
    encoded.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").unwrap();
        }
    }
    escaped
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A reply.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body; `null` if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The expected answer of a row.
#[derive(Clone)]
pub(crate) enum Expected {
    /// 200, with this value at a JSON pointer.
    At(&'static str, Value),
    /// 200.
    Done,
    /// A refusal with its code, and its detail.
    Refused(u64, Option<&'static str>),
    /// 501 with a plain text.
    NotSimulated,
}

pub(crate) use Expected::{At, Done, NotSimulated, Refused};

/// A sandbox that is called by hand.
pub(crate) struct Sandbox {
    pub(crate) running: Running,
    client: Client,
}

impl Sandbox {
    /// With these switches.
    pub(crate) async fn with(switches: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut options = ServeOptions::default();
        switches.iter().for_each(|switch| options.switches.set(switch).unwrap());
        let running = start(options).await.unwrap();
        let ca = Certificate::from_pem(running.ca_pem().as_bytes()).unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([ca]).build().unwrap();
        Self { running, client }
    }

    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// An application created by an administrator, whose key has the type's name.
    pub(crate) fn place(&self, kind: &str) -> String {
        let stored = json!({"kind": kind, "name": format!("placed {kind}"), "user_access": "ALL_USERS"});
        self.running.account().place_application(&stored).unwrap()
    }

    /// The integration key and the secret key of a seeded key, or of a placed application.
    pub(crate) fn pair(&self, name: &str) -> (String, String) {
        let mut account = self.running.account();
        if let Some(key) = account.key(name) {
            return (key.integration_key, key.secret_key.expose().to_owned());
        }
        let path = format!("/admin/v1/integrations/{name}/skey");
        let Reply::Ok(found) = account.as_administrator("GET", &path, Map::new()) else {
            panic!("no {name}")
        };
        (name.to_owned(), found["secret_key"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        self.send_as(request, request.key).await
    }

    /// With the key of an application.
    pub(crate) async fn send_as(&self, request: &Request, key: &str) -> Answer {
        let host = request.host.map_or_else(|| self.running.api_hostname(), str::to_owned);
        let bare = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        let bare = bare.map_or(host.as_str(), |(bare, _)| bare);
        let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + request.offset).unwrap();
        let date = now.strftime("%a, %d %b %Y %H:%M:%S -0000").to_string();
        let date = request.date.map_or(date, str::to_owned);
        let query = canonical_query(&request.query);
        let question = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{question}{query}", self.running.url(), request.path);
        let mut built = self.client.request(request.method.parse().unwrap(), url).header("Host", &host);
        if !request.unsigned {
            let (ikey, secret) = self.pair(key);
            let secret = request.secret.unwrap_or(&secret);
            let is_form = request.media == Some(FORM)
                && matches!(request.version, Version::TwoSha1 | Version::TwoSha512);
            let mut params = request.query.clone();
            params.extend(if is_form { plain_pairs(&request.body) } else { Vec::new() });
            let signable = Signable {
                version: request.version,
                date: &date,
                method: request.method,
                host: bare,
                path: &request.path,
                params,
                body: request.body.as_bytes(),
                headers: if request.duo_date { format!("x-duo-date\0{date}") } else { String::new() },
            };
            let mut signature = signable.sign(secret);
            if request.upper {
                signature.make_ascii_uppercase();
            }
            let credentials = BASE64_STANDARD.encode(format!("{ikey}:{signature}"));
            built = built.header("Authorization", format!("Basic {credentials}"));
        }
        built = built.header(if request.duo_date { "X-Duo-Date" } else { "Date" }, date);
        if let Some(media) = request.media {
            built = built.header("Content-Type", media);
        }
        let response = built.body(request.body.clone()).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    /// Sends every row, and reports those with another answer.
    pub(crate) async fn answers(&self, table: &[(&str, Request, Expected)]) {
        let mut wrong = Vec::new();
        for (what, request, expected) in table {
            let answer = self.send(request).await;
            if let Err(reason) = compare(&answer, expected) {
                wrong.push(format!("{what}: {reason}\n    {} {}", answer.status, answer.text));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

fn compare(answer: &Answer, expected: &Expected) -> Result<(), String> {
    let body = answer.json();
    let holds = match expected {
        Expected::Done => answer.status == 200,
        Expected::At(pointer, value) => {
            answer.status == 200 && body.pointer(pointer).unwrap_or(&Value::Null) == value
        }
        Expected::Refused(code, detail) => {
            u64::from(answer.status) == code / 100
                && body["stat"] == "FAIL"
                && body["code"] == *code
                && body["message_detail"].as_str() == *detail
        }
        Expected::NotSimulated => {
            answer.status == 501
                && body.is_null()
                && answer.header("content-type").is_some_and(|media| media.starts_with("text/plain"))
        }
    };
    match (holds, expected) {
        (true, _) => Ok(()),
        (false, Expected::Done) => Err("expected 200".to_owned()),
        (false, Expected::At(pointer, value)) => Err(format!("expected {value} at {pointer}")),
        (false, Expected::Refused(code, detail)) => Err(format!("expected {code} with {detail:?}")),
        (false, Expected::NotSimulated) => Err("expected 501 and a plain text".to_owned()),
    }
}
