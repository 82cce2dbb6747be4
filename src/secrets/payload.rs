//! What is delivered, in two text formats: one JSON object, or lines of `NAME=value`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::duo::object::Ikey;
use crate::secret::Secret;

const INTEGRATION_KEY: &str = "integration_key";
const SECRET_KEY: &str = "secret_key";
const API_HOSTNAME: &str = "api_hostname";
const ADDRESS: &str = "address";
const WORKSPACE: &str = "workspace";
const DELIVERED_AT: &str = "delivered_at";
const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";

/// The prefix of the names of keys that a rotation is about to retire.
const PREVIOUS: &str = "previous_";

/// The prefix of the names in a dotenv file.
const PREFIX: &str = "DUO_";

/// The largest size that is accepted from a place in a store, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// How a payload is written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    #[default]
    Json,
    /// Lines of `DUO_NAME=value`.
    Dotenv,
}

impl Format {
    /// The format of a target; JSON by default.
    pub fn of(name: Option<&str>) -> Self {
        if name == Some("dotenv") { Self::Dotenv } else { Self::Json }
    }

    /// Its name in the YAML.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Dotenv => "dotenv",
        }
    }
}

/// The keys of one application and what a consumer needs with them.
#[derive(Clone)]
pub struct Payload {
    /// The application.
    pub ikey: Ikey,
    /// Its secret key; OIDC and OAuth applications have none (duo-api.md, section 3.3).
    pub secret_key: Option<Secret>,
    /// Client secrets of an OIDC or OAuth application by client id (duo-api.md, section 3.1).
    pub clients: BTreeMap<String, Secret>,
    /// The API hostname.
    pub api_hostname: String,
    /// The address in the YAML.
    pub address: String,
    /// The workspace of that address; empty in payloads of earlier versions.
    pub workspace: String,
    /// When it was delivered, RFC 3339.
    pub delivered_at: String,
    /// The keys that also work while a rotation is under way.
    pub previous: Option<Previous>,
}

/// The owner of the keys at a place.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The workspace.
    pub workspace: &'a str,
    /// The former name of the workspace.
    pub formerly: Option<&'a str>,
    /// The address.
    pub address: &'a str,
    /// The API hostname of the account.
    pub host: &'a str,
}

impl Owner<'_> {
    /// Whether keys that name their owner may be replaced. Keys without an owner, entered by hand or by an earlier version,
    /// are accepted.
    pub fn owns(&self, workspace: &str, address: &str, host: &str) -> bool {
        let same = [Some(""), Some(self.workspace), self.formerly].contains(&Some(workspace));
        let here = host.is_empty() || host.eq_ignore_ascii_case(self.host);
        same && here && (address.is_empty() || address == self.address)
    }
}

/// The application's keys that a rotation is about to retire.
#[derive(Clone)]
pub struct Previous {
    /// The application.
    pub ikey: Ikey,
    /// Its secret key.
    pub secret_key: Secret,
}

impl Payload {
    /// Whether both grant the same access; when and for which address they were delivered does not matter.
    pub fn same_keys(&self, other: &Self) -> bool {
        fn clear(secret: &Secret) -> &str {
            secret.expose()
        }
        let clients = |payload: &Self| -> Vec<(String, String)> {
            payload.clients.iter().map(|(id, secret)| (id.clone(), clear(secret).to_owned())).collect()
        };
        self.ikey == other.ikey
            && self.api_hostname == other.api_hostname
            && self.secret_key.as_ref().map(clear) == other.secret_key.as_ref().map(clear)
            && clients(self) == clients(other)
    }

    /// Whether both hold the same previous keys.
    pub fn same_previous(&self, other: &Self) -> bool {
        let of = |payload: &Self| {
            let previous = payload.previous.as_ref()?;
            Some((previous.ikey.clone(), previous.secret_key.expose().to_owned()))
        };
        of(self) == of(other)
    }

    /// Every secret in it, for masking a command's output.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let previous = self.previous.iter().map(|previous| &previous.secret_key);
        self.secret_key.iter().chain(self.clients.values()).chain(previous)
    }

    /// Names and values in the order of writing. The names of a second client end in `_2`, and so on.
    pub fn pairs(&self) -> Vec<(String, Secret)> {
        let plain = |name: &str, text: &str| (name.to_owned(), Secret::new(text));
        let mut pairs = vec![plain(INTEGRATION_KEY, self.ikey.as_str())];
        pairs.extend(self.secret_key.iter().map(|key| (SECRET_KEY.to_owned(), key.clone())));
        for (number, (id, secret)) in self.clients.iter().enumerate() {
            let suffix = suffix(number);
            pairs.push(plain(&format!("{CLIENT_ID}{suffix}"), id));
            pairs.push((format!("{CLIENT_SECRET}{suffix}"), secret.clone()));
        }
        pairs.push(plain(API_HOSTNAME, &self.api_hostname));
        pairs.push(plain(ADDRESS, &self.address));
        if !self.workspace.is_empty() {
            pairs.push(plain(WORKSPACE, &self.workspace));
        }
        pairs.push(plain(DELIVERED_AT, &self.delivered_at));
        if let Some(previous) = &self.previous {
            pairs.push(plain(&format!("{PREVIOUS}{INTEGRATION_KEY}"), previous.ikey.as_str()));
            pairs.push((format!("{PREVIOUS}{SECRET_KEY}"), previous.secret_key.clone()));
        }
        pairs
    }

    /// The pairs as one flat JSON object, with the secrets in clear text.
    pub fn object(&self) -> Map<String, Value> {
        self.pairs().into_iter().map(|(name, value)| (name, Value::from(value.expose()))).collect()
    }

    /// The text for a store.
    pub fn render(&self, format: Format) -> Secret {
        match format {
            Format::Json => {
                let mut text = serde_json::to_string_pretty(&self.object()).unwrap_or_default();
                text.push('\n');
                Secret::new(text)
            }
            Format::Dotenv => {
                let line = |(name, value): (String, Secret)| {
                    format!("{PREFIX}{}={}\n", name.to_uppercase(), quoted(value.expose()))
                };
                Secret::new(self.pairs().into_iter().map(line).collect::<String>())
            }
        }
    }

    /// Reads what [`Self::render`] wrote. Whitespace alone counts as nothing.
    ///
    /// # Errors
    ///
    /// Why duoctl did not write the text. The reason repeats none of it.
    pub fn parse(text: &str, format: Format) -> Result<Option<Self>, &'static str> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let object = match format {
            Format::Json => match serde_json::from_str(text) {
                Ok(Value::Object(object)) => object,
                Ok(_) => return Err("it is not a JSON object"),
                Err(_) => return Err("it is not JSON"),
            },
            Format::Dotenv => dotenv(text)?,
        };
        Self::from_object(&object).map(Some)
    }

    /// Reads the flat object.
    ///
    /// # Errors
    ///
    /// Why duoctl did not write the object.
    pub fn from_object(object: &Map<String, Value>) -> Result<Self, &'static str> {
        let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let ikey = text(INTEGRATION_KEY).ok_or("it has no `integration_key`")?;
        let client = |number: usize| {
            let suffix = suffix(number);
            let id = text(&format!("{CLIENT_ID}{suffix}"))?;
            Some((id.to_owned(), Secret::new(text(&format!("{CLIENT_SECRET}{suffix}"))?)))
        };
        let owned = |name: &str| text(name).unwrap_or_default().to_owned();
        let previous = text(&format!("{PREVIOUS}{INTEGRATION_KEY}"))
            .zip(text(&format!("{PREVIOUS}{SECRET_KEY}")))
            .map(|(ikey, secret)| Previous { ikey: Ikey::new(ikey), secret_key: Secret::new(secret) });
        Ok(Self {
            ikey: Ikey::new(ikey),
            secret_key: text(SECRET_KEY).map(Secret::new),
            clients: (0..).map_while(client).collect(),
            api_hostname: owned(API_HOSTNAME),
            address: owned(ADDRESS),
            workspace: owned(WORKSPACE),
            delivered_at: owned(DELIVERED_AT),
            previous,
        })
    }
}

fn suffix(number: usize) -> String {
    if number == 0 { String::new() } else { format!("_{}", number + 1) }
}

/// A value that shells and dotenv readers parse in the same way: unquoted if it has no special characters.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@+".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' | '`' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

fn dotenv(text: &str) -> Result<Map<String, Value>, &'static str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut object = Map::new();
    for line in lines {
        let (name, value) = line.split_once('=').ok_or("a line is not NAME=value")?;
        let name = name.trim_start_matches("export ").trim();
        if let Some(name) = name.strip_prefix(PREFIX) {
            object.insert(name.to_lowercase(), Value::from(unquoted(value)?));
        }
    }
    Ok(object)
}

fn unquoted(value: &str) -> Result<String, &'static str> {
    if let Some(inner) = value.strip_prefix('\'') {
        return inner.strip_suffix('\'').map(str::to_owned).ok_or("a quoted value is not closed");
    }
    let Some(inner) = value.strip_prefix('"') else { return Ok(value.to_owned()) };
    let mut text = String::new();
    let mut rest = inner.chars();
    loop {
        match rest.next() {
            Some('\\') => match rest.next() {
                Some('n') => text.push('\n'),
                Some(other) => text.push(other),
                None => return Err("a quoted value is not closed"),
            },
            Some('"') if rest.as_str().is_empty() => return Ok(text),
            Some('"') | None => return Err("a quoted value is not closed"),
            Some(other) => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Payload {
        Payload {
            ikey: Ikey::new("DIAAAAAAAAAAAAAAAAA1"),
            secret_key: Some(Secret::new("abcdefghij0123456789")),
            clients: BTreeMap::new(),
            api_hostname: "api-1a2b3c4d.duosecurity.com".to_owned(),
            address: "applications.vpn".to_owned(),
            workspace: "acme".to_owned(),
            delivered_at: "2026-11-24T22:00:00Z".to_owned(),
            previous: None,
        }
    }

    fn clients() -> Payload {
        let clients = [("a b$\"'\\", "first"), ("portal", "second")];
        let clients = clients.map(|(id, secret)| (id.to_owned(), Secret::new(secret)));
        Payload { secret_key: None, clients: BTreeMap::from(clients), ..payload() }
    }

    #[test]
    fn both_forms_are_read_back_as_they_were_written() {
        let previous = Previous { ikey: Ikey::new("DIOLD"), secret_key: Secret::new("formerformerformer") };
        let rotating = Payload { previous: Some(previous), ..payload() };
        for payload in [payload(), clients(), rotating] {
            for format in [Format::Json, Format::Dotenv] {
                let text = payload.render(format);
                let read = Payload::parse(text.expose(), format).unwrap().unwrap();
                assert!(read.same_keys(&payload), "{}", text.expose());
                assert!(read.same_previous(&payload), "{}", text.expose());
                assert_eq!(read.render(format).expose(), text.expose());
            }
        }
    }

    #[test]
    fn the_forms_are_stable() {
        insta::assert_snapshot!(payload().render(Format::Json).expose(), @r#"
        {
          "integration_key": "DIAAAAAAAAAAAAAAAAA1",
          "secret_key": "abcdefghij0123456789",
          "api_hostname": "api-1a2b3c4d.duosecurity.com",
          "address": "applications.vpn",
          "workspace": "acme",
          "delivered_at": "2026-11-24T22:00:00Z"
        }
        "#);
        insta::assert_snapshot!(clients().render(Format::Dotenv).expose(), @r#"
        DUO_INTEGRATION_KEY=DIAAAAAAAAAAAAAAAAA1
        DUO_CLIENT_ID="a b\$\"'\\"
        DUO_CLIENT_SECRET=first
        DUO_CLIENT_ID_2=portal
        DUO_CLIENT_SECRET_2=second
        DUO_API_HOSTNAME=api-1a2b3c4d.duosecurity.com
        DUO_ADDRESS=applications.vpn
        DUO_WORKSPACE=acme
        DUO_DELIVERED_AT=2026-11-24T22:00:00Z
        "#);
    }

    #[test]
    fn keys_belong_to_the_address_and_the_workspace_that_they_name() {
        let host = "api-1a2b3c4d.duosecurity.com";
        let own = Owner { workspace: "acme", formerly: Some("acme-old"), address: "applications.vpn", host };
        for (workspace, address) in [
            ("acme", "applications.vpn"),
            ("acme-old", "applications.vpn"),
            ("", "applications.vpn"),
            ("acme", ""),
            ("", ""),
        ] {
            for of in [host, "API-1a2b3c4d.duosecurity.com", ""] {
                assert!(own.owns(workspace, address, of), "{workspace} {address} {of}");
            }
            assert!(!own.owns(workspace, address, "api-9z8y7x6w.duosecurity.com"), "{workspace} {address}");
        }
        for (workspace, address) in [
            ("acme", "applications.wiki"),
            ("other", "applications.vpn"),
            ("", "applications.wiki"),
            ("other", ""),
        ] {
            assert!(!own.owns(workspace, address, host), "{workspace} {address}");
        }
        assert!(!Owner { formerly: None, ..own }.owns("acme-old", "applications.vpn", host));
        let early = r#"{"integration_key": "DI1", "secret_key": "x", "address": "applications.vpn"}"#;
        assert_eq!(Payload::parse(early, Format::Json).unwrap().unwrap().workspace, "");
    }

    #[test]
    fn nothing_is_not_the_same_as_something_else() {
        let reason = |text: &str, format| Payload::parse(text, format).err();
        assert!(Payload::parse(" \n", Format::Json).unwrap().is_none());
        assert_eq!(reason("hunter2", Format::Json), Some("it is not JSON"));
        assert_eq!(reason("[1]", Format::Json), Some("it is not a JSON object"));
        assert_eq!(reason("{\"password\": \"x\"}", Format::Json), Some("it has no `integration_key`"));
        assert_eq!(reason("PASSWORD=x", Format::Dotenv), Some("it has no `integration_key`"));
        assert_eq!(reason("-----BEGIN KEY-----", Format::Dotenv), Some("a line is not NAME=value"));
        assert_eq!(reason("DUO_X=\"a", Format::Dotenv), Some("a quoted value is not closed"));
    }

    #[test]
    fn another_key_is_told_apart() {
        let other = Payload { secret_key: Some(Secret::new("other")), ..payload() };
        assert!(!payload().same_keys(&other));
        let later =
            Payload { delivered_at: "2027".to_owned(), address: "applications.x".into(), ..payload() };
        assert!(payload().same_keys(&later));
        assert!(!clients().same_keys(&payload()));
    }
}
