//! Turns a checked tree into typed values. Reports nothing: [`check`](crate::language::check) has reported invalid values.
//! They are replaced by placeholders, so that the rules can find other problems.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::declaration::{self, Defaults};
use super::model::{
    Allowance, COMMAND_TIMEOUT, Credentials, Declaration, DuoPlan, Guards, IntelligenceAccess,
    IntelligenceApi, IntelligenceApiFields, IntelligenceEntry, Part, Removal, SecretStore, StateKey,
    Suppression, Tenant, ValueSource, Workspace,
};
use super::read::{exception, flag, ignores, items, mapping, max_age, secret_target, text, text_of};
use super::variables::Assigned;
use crate::diagnostic::{Code, Span, Spanned};
use crate::duo::https::TlsRoots;
use crate::kinds::Kind;
use crate::kinds::policy::language::GLOBAL;
use crate::kinds::reference::Reference;
use crate::language::address::{ADMIN_API, AUTH_API, Pattern};
use crate::language::age;
use crate::text::is_secret_key;
use crate::yaml::{Data, Entry, Node, find};

/// Decodes the merged top level of a workspace, without its meaning. `start` is the place used for missing keys.
pub fn workspace(mut entries: Vec<Entry>, root: &Path, start: Span) -> Workspace {
    // There may be many, so they are moved out of the tree and not copied.
    let sections = Kind::ALL.map(|kind| {
        let section = entries.iter().position(|entry| entry.key.value == kind.section());
        (kind, section.map(|index| entries.swap_remove(index).value.data))
    });
    let global = find(&entries, GLOBAL).cloned();
    let entries = entries.as_slice();
    let root_of = |key: &str| mapping(entries, key);
    let authoritative =
        find(entries, "authoritative").and_then(|entry| flag(&entry.value)).unwrap_or_default();
    let defaults = Defaults::decode(root_of("defaults"), authoritative);
    Workspace {
        root: root.to_owned(),
        name: numeric_text(entries, "workspace").unwrap_or_else(|| Spanned::new(String::new(), start)),
        formerly: numeric_text(entries, "formerly"),
        tenant: tenant(root_of("tenant"), root, start),
        authoritative,
        defaults: find(entries, "defaults").map(|entry| entry.value.json()).unwrap_or_default(),
        objects: sections
            .into_iter()
            .map(|(kind, section)| {
                let mut objects = objects(kind, section, &defaults);
                if let Some(Entry { key, value }) = global.clone().filter(|_| kind == Kind::Policy) {
                    // It has no key of its own: its address is `global_policy`. It cannot lose what the YAML leaves out.
                    let declared = declaration::decode(kind, key.span, value, &defaults);
                    objects.insert(String::new(), Declaration { authoritative: false, ..declared });
                }
                (kind, objects)
            })
            .collect(),
        identity_intelligence: entries_of(root_of("identity_intelligence"), |key, node| {
            intelligence(key, node, authoritative, root)
        }),
        removed: root_of("removed")
            .iter()
            .filter_map(|entry| {
                Some((entry.key.value.clone(), Spanned::new(removal(&entry.value)?, entry.key.span)))
            })
            .collect(),
        secret_stores: entries_of(root_of("secret_stores"), store),
        guards: guards(root_of("guards")),
        meaning: String::new(),
        suppress: find(entries, "suppress")
            .map(|entry| items(&entry.value).iter().filter_map(suppression).collect())
            .unwrap_or_default(),
        assigned: Assigned::default(),
    }
}

/// The entries of the section of a kind.
fn objects(kind: Kind, section: Option<Data>, defaults: &Defaults) -> BTreeMap<String, Declaration> {
    let Some(Data::Mapping(entries)) = section else { return BTreeMap::new() };
    let decoded = |entry: Entry| {
        let declared = declaration::decode(kind, entry.key.span, entry.value, defaults);
        (entry.key.value, declared)
    };
    entries.into_iter().map(decoded).collect()
}

/// A hash of the meaning of the entries, independent of their spelling. Variables are already replaced. The sources of
/// duoctl's own keys are left out, because they do not describe the account.
pub(super) fn meaning(entries: &[Entry]) -> String {
    let read = |entry: &&Entry| !entry.key.value.starts_with("x-") && entry.key.value != "vars";
    let said = entries.iter().filter(read).map(|entry| {
        let mut value = entry.value.json();
        if let (Value::Object(tenant), "tenant") = (&mut value, entry.key.value.as_str()) {
            tenant.remove("credentials");
        }
        (entry.key.value.clone(), sorted(value))
    });
    let said: BTreeMap<String, Value> = said.collect();
    let mut hash = String::new();
    for byte in Sha256::digest(json!(said).to_string()) {
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<String, Value> =
                map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(map.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        value => value,
    }
}

/// Text that YAML may read as a number, as written.
fn numeric_text(entries: &[Entry], key: &str) -> Option<Spanned<String>> {
    numeric_node(&find(entries, key)?.value)
}

fn numeric_node(node: &Node) -> Option<Spanned<String>> {
    match &node.data {
        Data::Text(text) | Data::Number(_, text) => Some(Spanned::new(text.clone(), node.span)),
        _ => None,
    }
}

fn number_of(entries: &[Entry], key: &str) -> Option<u32> {
    match &find(entries, key)?.value.data {
        Data::Number(number, _) => u32::try_from(number.as_u64()?).ok(),
        _ => None,
    }
}

fn removal(node: &Node) -> Option<Removal> {
    match &node.data {
        Data::Text(word) if word == "retain" => Some(Removal::Retain),
        Data::Text(word) if word == "delete" => Some(Removal::Delete),
        Data::Mapping(entries) => match find(entries, "delete") {
            Some(entry) => Some(Removal::DeletePolicy(Reference::read(Kind::Policy, &entry.value)?)),
            None => Some(Removal::Attested(numeric_text(entries, "attested")?.value)),
        },
        _ => None,
    }
}

fn entries_of<T>(entries: &[Entry], decode: impl Fn(&Spanned<String>, &Node) -> T) -> BTreeMap<String, T> {
    entries.iter().map(|entry| (entry.key.value.clone(), decode(&entry.key, &entry.value))).collect()
}

fn tenant(entries: &[Entry], root: &Path, start: Span) -> Tenant {
    Tenant {
        api_hostname: text_of(entries, "api_hostname").unwrap_or_else(|| Spanned::new(String::new(), start)),
        plan: text_of(entries, "plan").and_then(|plan| Some(Spanned::new(duo_plan(&plan.value)?, plan.span))),
        credentials: credentials(mapping(entries, "credentials"), root),
        ca_file: text_of(entries, "ca_file").map(|path| path_in(root, path)),
        tls_roots: text_of(entries, "tls_roots")
            .and_then(|name| TlsRoots::named(&name.value))
            .unwrap_or_default(),
    }
}

fn path_in(root: &Path, path: Spanned<String>) -> Spanned<PathBuf> {
    Spanned::new(root.join(path.value), path.span)
}

fn duo_plan(name: &str) -> Option<DuoPlan> {
    match name {
        "free" => Some(DuoPlan::Free),
        "essentials" => Some(DuoPlan::Essentials),
        "advantage" => Some(DuoPlan::Advantage),
        "premier" => Some(DuoPlan::Premier),
        _ => None,
    }
}

fn credentials(entries: &[Entry], root: &Path) -> Option<Credentials> {
    Some(Credentials {
        integration_key: source(&find(entries, "integration_key")?.value, root)?,
        secret_key: secret_source(&find(entries, "secret_key")?.value, root)?,
        recovery: credentials(mapping(entries, "recovery"), root).map(Box::new),
        state_keys: find(entries, "state_keys")
            .map(|entry| items(&entry.value).iter().filter_map(|node| state_key(node, root)).collect()),
    })
}

fn state_key(node: &Node, root: &Path) -> Option<Spanned<StateKey>> {
    let key = match text(node).as_ref().map(|word| word.value.as_str()) {
        Some("operator") => StateKey::Operator,
        Some("recovery") => StateKey::Recovery,
        Some(_) => return None,
        None => StateKey::From(secret_source(node, root)?.value),
    };
    Some(Spanned::new(key, node.span))
}

fn source(node: &Node, root: &Path) -> Option<Spanned<ValueSource>> {
    if let Data::Text(text) = &node.data {
        return Some(Spanned::new(ValueSource::Plain(text.clone()), node.span));
    }
    secret_source(node, root)
}

/// Accepts a source only: the plain value of a secret must not even be kept in memory.
fn secret_source(node: &Node, root: &Path) -> Option<Spanned<ValueSource>> {
    let Data::Mapping(entries) = &node.data else { return None };
    let timeout = text_of(entries, "timeout").and_then(|text| age::timeout(&text.value).ok());
    let mut places = entries.iter().filter(|entry| entry.key.value != "timeout");
    let (Some(entry), None) = (places.next(), places.next()) else { return None };
    let place = match entry.key.value.as_str() {
        "env" => ValueSource::Env(text(&entry.value)?.value),
        "file" => ValueSource::File(root.join(text(&entry.value)?.value)),
        "command" => ValueSource::Command {
            words: items(&entry.value).iter().filter_map(text).map(|argument| argument.value).collect(),
            timeout: timeout.unwrap_or(COMMAND_TIMEOUT),
        },
        _ => return None,
    };
    Some(Spanned::new(place, node.span))
}

fn intelligence(key: &Spanned<String>, node: &Node, authoritative: bool, root: &Path) -> IntelligenceEntry {
    let entries: &[Entry] = match &node.data {
        Data::Mapping(entries) => entries,
        _ => &[],
    };
    let access = match text_of(entries, "access") {
        Some(access) if access.value == "read_write" => {
            Spanned::new(IntelligenceAccess::ReadWrite, access.span)
        }
        Some(access) => Spanned::new(IntelligenceAccess::ReadOnly, access.span),
        None => Spanned::new(IntelligenceAccess::ReadOnly, key.span),
    };
    let flag_of = |name: &str| {
        let entry = find(entries, name)?;
        Some(Spanned::new(flag(&entry.value)?, entry.value.span))
    };
    IntelligenceEntry {
        span: key.span,
        display_name: text_of(entries, "display_name")
            .unwrap_or_else(|| Spanned::new(key.value.clone(), key.span)),
        access,
        extra_permissions: find(entries, "extra_permissions")
            .map(|entry| items(&entry.value).iter().filter_map(text).collect())
            .unwrap_or_default(),
        push_verification: flag_of("push_verification"),
        push_application_name: text_of(mapping(entries, "push_verification"), "application_name"),
        admin_api: part(entries, ADMIN_API, authoritative),
        auth_api: part(entries, AUTH_API, authoritative),
        admin_api_name: text_of(mapping(entries, ADMIN_API), "name"),
        networks: find(mapping(entries, ADMIN_API), "networks_for_api_access")
            .map(|entry| items(&entry.value).iter().filter_map(text).collect())
            .unwrap_or_default(),
        endpoints: flag_of("endpoints"),
        event_streaming: flag_of("event_streaming"),
        secret: find(entries, "secret").and_then(|entry| secret_target(&entry.value)),
        api: find(entries, "api").and_then(|entry| intelligence_api(entry, root)),
        max_age: find(entries, "max_age").and_then(|entry| max_age(&entry.value)),
        attested: numeric_text(entries, "attested"),
    }
}

fn part(entries: &[Entry], name: &str, authoritative: bool) -> Part {
    let own = mapping(entries, name);
    let says = find(own, "authoritative").and_then(|entry| flag(&entry.value));
    Part {
        span: find(entries, name).map(|entry| entry.key.span),
        integration_key: text_of(own, "integration_key"),
        protect: find(own, "protect").and_then(|entry| flag(&entry.value)).unwrap_or_default(),
        authoritative: says.unwrap_or(authoritative),
        ignore: find(own, "ignore").map(|entry| ignores(&entry.value)).unwrap_or_default(),
    }
}

fn intelligence_api(entry: &Entry, root: &Path) -> Option<Spanned<IntelligenceApi>> {
    let Data::Mapping(entries) = &entry.value.data else { return None };
    let api = match text_of(entries, "file") {
        Some(file) => IntelligenceApi::File(root.join(file.value)),
        None => IntelligenceApi::Fields(Box::new(IntelligenceApiFields {
            token_url: text_of(entries, "token_url")?,
            api_url: text_of(entries, "api_url")?,
            client_id: source(&find(entries, "client_id")?.value, root)?,
            client_secret: secret_source(&find(entries, "client_secret")?.value, root)?,
            audience: text_of(entries, "audience"),
        })),
    };
    Some(Spanned::new(api, entry.key.span))
}

fn store(key: &Spanned<String>, node: &Node) -> SecretStore {
    let entries: &[Entry] = match &node.data {
        Data::Mapping(entries) => entries,
        _ => &[],
    };
    let mut options: Value = entries
        .iter()
        .filter(|entry| entry.key.value != "type")
        .map(|entry| (entry.key.value.clone(), entry.value.json()))
        .collect();
    drop_plain_secrets(&mut options);
    SecretStore {
        span: key.span,
        kind: text_of(entries, "type").unwrap_or_else(|| Spanned::new(String::new(), key.span)),
        options,
    }
}

/// Removes secrets in plain text: they are rejected and must not be kept.
fn drop_plain_secrets(options: &mut Value) {
    if let Value::Object(options) = options {
        options.retain(|key, value| !is_secret_key(key) || value.is_object());
        options.values_mut().for_each(drop_plain_secrets);
    }
}

fn guards(entries: &[Entry]) -> Guards {
    let defaults = Guards::default();
    let percent = |text: Spanned<String>| text.value.strip_suffix('%').and_then(|number| number.parse().ok());
    Guards {
        max_changes_percent: text_of(entries, "max_changes")
            .and_then(percent)
            .unwrap_or(defaults.max_changes_percent),
        max_deletes: number_of(entries, "max_deletes").unwrap_or(defaults.max_deletes),
        quarantine_days: number_of(entries, "quarantine_days").unwrap_or(defaults.quarantine_days),
        allow: find(entries, "allow")
            .map(|entry| items(&entry.value).iter().filter_map(allowance).collect())
            .unwrap_or_default(),
        caller_address: text_of(entries, "caller_address").and_then(|address| address.value.parse().ok()),
    }
}

fn allowance(node: &Node) -> Option<Spanned<Allowance>> {
    let Data::Mapping(entries) = &node.data else { return None };
    let allowance = Allowance {
        risk: text_of(entries, "risk")?.value,
        address: text_of(entries, "address").map(|address| address.value),
        exception: exception(entries)?,
    };
    Some(Spanned::new(allowance, node.span))
}

fn suppression(node: &Node) -> Option<Spanned<Suppression>> {
    let Data::Mapping(entries) = &node.data else { return None };
    let name = text_of(entries, "code")?.value;
    let address = text_of(entries, "address").map(|address| address.value);
    let suppression = Suppression {
        code: Code::ALL.iter().copied().find(|code| code.name() == name)?,
        pattern: address.as_deref().and_then(|address| Pattern::parse(address).ok()),
        address,
        exception: exception(entries)?,
    };
    Some(Spanned::new(suppression, node.span))
}
