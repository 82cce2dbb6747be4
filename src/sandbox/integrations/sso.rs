//! The `sso` object: merged, completed with defaults, shown without secrets (duo-api.md, section 3.5).

use std::collections::btree_map::Entry;
use std::io;

use serde_json::{Map, Value, json};

use super::super::application::{Application, mask};
use super::super::call::Reply;
use super::super::message::bare_host;
use super::super::store::Store;
use super::super::switches::Switches;
use super::super::{hosts, ids, kinds};
use super::content;

/// The name under which an OIDC application's client secret is stored.
pub(super) const OIDC_CLIENT: &str = "oidc";

const FLAGS: &[&str] = &["sign_assertion", "sign_response", "encrypt_assertion"];

/// Applies what was sent: objects are merged, arrays and scalars replaced.
pub(super) fn merge(
    application: &mut Application,
    sent: &Map<String, Value>,
    store: &Store,
    switches: &Switches,
) -> Result<(), Reply> {
    let own = kinds::sso_section(&application.kind);
    let takes = |section: &str| match own {
        Some(own) => own == section,
        None => switches.oauth_server_config && matches!(section, "oidc_config" | "oauth_config"),
    };
    let mut sso = application.sso.take().unwrap_or_default();
    for (section, value) in sent {
        // Owned by the server: sending it back is not refused, but has no effect.
        if section == "idp_metadata" {
            continue;
        }
        let (Value::Object(sent), true) = (value, takes(section)) else {
            return Err(Reply::invalid(&format!("sso.{section}")));
        };
        let mut sent = sent.clone();
        if switches.scopes_as_object {
            scopes_to_list(&mut sent);
        }
        if switches.check_sso {
            content::check(section, &sent, store)?;
        }
        let kept = sso.entry(section.clone()).or_insert_with(|| json!({}));
        if !kept.is_object() {
            *kept = json!({});
        }
        let Value::Object(kept) = kept else { continue };
        for (setting, value) in &sent {
            match value {
                Value::Object(inner) if !switches.shallow_sso => {
                    deep_merge(kept.entry(setting.clone()).or_insert(Value::Null), inner);
                }
                Value::Array(items) if switches.merge_sso_lists => {
                    add(kept.entry(setting.clone()).or_insert_with(|| json!([])), items);
                }
                other => drop(kept.insert(setting.clone(), other.clone())),
            }
        }
    }
    check(&mut sso)?;
    for (section, config) in &sso {
        if let (Value::Object(config), true) = (config, switches.check_sso) {
            content::check_whole(section, config)?;
        }
    }
    application.sso = Some(sso);
    Ok(())
}

/// `{"openid": true, "email": {...}}` as a list of named objects.
fn scopes_to_list(config: &mut Map<String, Value>) {
    let Some(Value::Object(scopes)) = config.get("scopes") else { return };
    let listed = scopes.iter().filter(|(_, value)| **value != json!(false)).map(|(name, value)| {
        let mut scope = value.as_object().cloned().unwrap_or_default();
        scope.insert("name".to_owned(), json!(name));
        Value::Object(scope)
    });
    config.insert("scopes".to_owned(), listed.collect());
}

/// The reverse.
fn scopes_to_object(config: &mut Map<String, Value>) {
    let Some(Value::Array(scopes)) = config.get("scopes") else { return };
    let named = scopes.iter().filter_map(|scope| {
        let mut rest = scope.as_object()?.clone();
        let name = rest.remove("name")?.as_str()?.to_owned();
        Some((name, if rest.is_empty() { json!(true) } else { Value::Object(rest) }))
    });
    config.insert("scopes".to_owned(), Value::Object(named.collect()));
}

/// Adds new items to a list; an existing item is replaced.
fn add(kept: &mut Value, items: &[Value]) {
    let Value::Array(list) = kept else {
        *kept = Value::Array(items.to_vec());
        return;
    };
    let name = |item: &Value| {
        let names = ["url", "client_id", "id", "name"].iter().find_map(|key| item.get(key));
        names.unwrap_or(item).clone()
    };
    for item in items {
        match list.iter_mut().find(|kept| name(kept) == name(item)) {
            Some(kept) => *kept = item.clone(),
            None => list.push(item.clone()),
        }
    }
}

fn deep_merge(kept: &mut Value, sent: &Map<String, Value>) {
    if !kept.is_object() {
        *kept = json!({});
    }
    let Value::Object(kept) = kept else { return };
    for (key, value) in sent {
        match value {
            Value::Object(inner) => deep_merge(kept.entry(key.clone()).or_insert(Value::Null), inner),
            other => drop(kept.insert(key.clone(), other.clone())),
        }
    }
}

/// Refuses shapes that Duo would not accept, and converts texts that it turns into booleans.
fn check(sso: &mut Map<String, Value>) -> Result<(), Reply> {
    if let Some(Value::Object(saml)) = sso.get_mut("saml_config") {
        for flag in FLAGS {
            let Some(value) = saml.get_mut(*flag) else { continue };
            let text = value.as_str().map(str::to_ascii_lowercase);
            match (text.as_deref(), &value) {
                (Some("true" | "1"), _) => *value = json!(true),
                (Some("false" | "0"), _) => *value = json!(false),
                (None, Value::Bool(_) | Value::Null) => {}
                (_, _) => return Err(Reply::invalid(&format!("sso.saml_config.{flag}"))),
            }
        }
        let urls = saml.get_mut("acs_urls").and_then(Value::as_array_mut).into_iter().flatten();
        for default in urls.filter_map(|url| url.get_mut("isDefault")).filter(|default| default.is_string()) {
            let is_on = default
                .as_str()
                .is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "true" | "1"));
            *default = json!(is_on);
        }
        let urls = saml.get("acs_urls");
        if urls.is_some_and(|urls| !is_list(urls, |item| item.get("url").is_some_and(Value::is_string))) {
            return Err(Reply::invalid("sso.saml_config.acs_urls"));
        }
        if saml.get("entity_id").is_some_and(|id| id.as_str().is_none_or(str::is_empty)) {
            return Err(Reply::invalid("sso.saml_config.entity_id"));
        }
    }
    if let Some(oidc) = sso.get("oidc_config") {
        let named = |item: &Value| item.get("name").is_some_and(Value::is_string);
        let fits = [
            ("grant_types", oidc.get("grant_types").is_none_or(Value::is_object)),
            ("redirect_uris", oidc.get("redirect_uris").is_none_or(|uris| is_list(uris, Value::is_string))),
            ("scopes", oidc.get("scopes").is_none_or(|scopes| is_list(scopes, named))),
        ];
        if let Some((name, _)) = fits.iter().find(|(_, fits)| !fits) {
            return Err(Reply::invalid(&format!("sso.oidc_config.{name}")));
        }
    }
    if let Some(oauth) = sso.get("oauth_config") {
        for (list, id) in [("clients", "client_id"), ("scopes", "id")] {
            let named = |item: &Value| item.get(id).and_then(Value::as_str).is_some_and(|id| !id.is_empty());
            if oauth.get(list).is_some_and(|items| !is_list(items, named)) {
                return Err(Reply::invalid(&format!("sso.oauth_config.{list}")));
            }
        }
    }
    Ok(())
}

fn is_list(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(fits))
}

/// Checks what a new application must contain.
pub(super) fn check_complete(
    application: &Application,
    section: &str,
    switches: &Switches,
) -> Result<(), Reply> {
    let required = match (section, switches.short_saml) {
        ("saml_config", false) => content::SAML_REQUIRED,
        ("saml_config", true) => content::SAML_SHORT,
        _ => content::OIDC_REQUIRED,
    };
    let Some(sso) = &application.sso else { return Err(Reply::missing("sso")) };
    let Some(config) = sso.get(section) else { return Err(Reply::missing(&format!("sso.{section}"))) };
    let missing = required.iter().find(|name| config.get(**name).is_none_or(Value::is_null));
    missing.map_or(Ok(()), |name| Err(Reply::missing(&format!("sso.{section}.{name}"))))
}

/// Fills in defaults and creates client secrets, so that a read returns more than was sent (trap 24).
pub(in crate::sandbox) fn complete(application: &mut Application, switches: &Switches) -> io::Result<()> {
    if !kinds::is_sso(&application.kind) {
        return Ok(());
    }
    let sso = application.sso.get_or_insert_default();
    let section = kinds::sso_section(&application.kind);
    if let Some(section) = section {
        let config = sso.entry(section).or_insert_with(|| json!({}));
        let defaults = match section {
            "saml_config" => saml_defaults(),
            "oidc_config" => json!({"grant_types": {}, "redirect_uris": [], "scopes": []}),
            _ => json!({"clients": [], "scopes": []}),
        };
        fill(config, &defaults);
        if section == "saml_config" {
            let urls = config.get_mut("acs_urls").and_then(Value::as_array_mut);
            let shape = json!({"binding": null, "index": null, "isDefault": null});
            urls.into_iter().flatten().for_each(|url| fill(url, &shape));
        }
        if section == "oidc_config" && switches.expand_grants {
            expand_grants(config);
        }
    }
    let clients: Vec<String> = match section {
        Some("oidc_config") => vec![OIDC_CLIENT.to_owned()],
        Some("oauth_config") => oauth_clients(sso).filter_map(client_id).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    application.client_secrets.retain(|client, _| clients.contains(client));
    for client in clients {
        if let Entry::Vacant(place) = application.client_secrets.entry(client) {
            place.insert(ids::secret()?);
        }
    }
    Ok(())
}

fn saml_defaults() -> Value {
    json!({
        "assertion_encryption_algorithm": null, "attribute_transformations": {}, "encrypt_assertion": false,
        "key_transport_encryption_algorithm": null, "mapped_attrs": {}, "nameid_attribute": "<Email Address>",
        "nameid_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", "relaystate": null,
        "remote_cert": null, "role_attrs": {}, "sign_assertion": true, "sign_response": true,
        "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "slo_url": null,
        "spinitiated_url": null, "static_attrs": null,
    })
}

fn fill(value: &mut Value, defaults: &Value) {
    let (Value::Object(map), Value::Object(defaults)) = (value, defaults) else { return };
    for (key, default) in defaults {
        if !map.contains_key(key) {
            map.insert(key.clone(), default.clone());
        }
    }
}

fn expand_grants(config: &mut Value) {
    let Some(Value::Object(grants)) = config.get_mut("grant_types") else { return };
    let Some(code) = grants.get_mut("authorization_code").filter(|code| code.as_bool() == Some(true)) else {
        return;
    };
    *code = json!({"access_token_lifespan": 3600, "allow_pkce_only": false});
    // The refresh token's lifetimes are inside the code grant.
    if grants.get("refresh_token").and_then(Value::as_bool) == Some(true) {
        grants.remove("refresh_token");
        let lifetimes =
            json!({"refresh_token_chain_lifespan": 2_592_000, "refresh_token_single_lifespan": 86_400});
        if let Some(Value::Object(code)) = grants.get_mut("authorization_code") {
            code.insert("refresh_token".to_owned(), lifetimes);
        }
    }
}

fn oauth_clients(sso: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let clients = sso.get("oauth_config").and_then(|config| config.get("clients"));
    clients.and_then(Value::as_array).into_iter().flatten()
}

fn client_id(client: &Value) -> Option<&str> {
    client.get("client_id")?.as_str()
}

/// The object as returned by a read, with the server's metadata.
pub(super) fn show(application: &Application, authority: &str, created: bool, switches: &Switches) -> Value {
    let hidden = !created && !switches.show_client_secrets;
    let mut sso = application.sso.clone().unwrap_or_default();
    if let Some(Value::Array(clients)) =
        sso.get_mut("oauth_config").and_then(|config| config.get_mut("clients"))
    {
        for client in clients {
            let id = client_id(client).unwrap_or_default();
            let shown = |secret: &String| if created { secret.clone() } else { mask(secret, switches) };
            let secret = application.client_secrets.get(id).map(shown);
            if let Value::Object(client) = client
                && !hidden
            {
                client.insert("client_secret".to_owned(), json!(secret));
            }
        }
    }
    if let (Some(Value::Object(config)), true) = (sso.get_mut("oidc_config"), switches.scopes_as_object) {
        scopes_to_object(config);
    }
    sso.insert("idp_metadata".to_owned(), metadata(application, authority, hidden, switches));
    Value::Object(sso)
}

/// The base URL of the account's single sign-on service: next to the API host, on the same port.
pub(in crate::sandbox) fn sso_base(authority: &str) -> String {
    let host = bare_host(authority);
    let port = authority.strip_prefix(host).unwrap_or_default();
    let named = hosts::sso(host).map(|name| format!("https://{name}{port}"));
    named.unwrap_or_else(|| format!("https://{authority}"))
}

fn metadata(application: &Application, authority: &str, hidden: bool, switches: &Switches) -> Value {
    let base = sso_base(authority);
    let ikey = &application.integration_key;
    match kinds::sso_section(&application.kind) {
        Some("saml_config") => json!({
            "cert": CERTIFICATE, "entity_id": format!("{base}/saml2/sp/{ikey}/metadata"),
            "metadata_url": format!("{base}/saml2/sp/{ikey}/metadata"),
            "slo_url": format!("{base}/saml2/sp/{ikey}/slo"), "sso_url": format!("{base}/saml2/sp/{ikey}/sso"),
        }),
        Some("oidc_config") => {
            let secret = application.client_secrets.get(OIDC_CLIENT).map(|secret| mask(secret, switches));
            let mut metadata = endpoints(&base, ikey);
            metadata.insert("client_id".to_owned(), json!(ikey));
            if !hidden {
                metadata.insert("client_secret".to_owned(), json!(secret));
            }
            Value::Object(metadata)
        }
        _ => Value::Object(endpoints(&base, ikey)),
    }
}

fn endpoints(base: &str, ikey: &str) -> Map<String, Value> {
    let issuer = format!("{base}/oidc/{ikey}");
    let url = |path: &str| json!(format!("{issuer}/{path}"));
    Map::from_iter([
        ("issuer".to_owned(), json!(issuer)),
        ("discovery_url".to_owned(), url(".well-known/openid-configuration")),
        ("authorize_endpoint_url".to_owned(), url("authorize")),
        ("token_endpoint_url".to_owned(), url("token")),
        ("token_introspection_endpoint_url".to_owned(), url("token_introspection")),
        ("userinfo_endpoint_url".to_owned(), url("userinfo")),
        ("jwks_endpoint_url".to_owned(), url("jwks")),
    ])
}

/// The certificate of the simulated identity provider. No one has its private key: the sandbox signs nothing.
pub(in crate::sandbox) const CERTIFICATE: &str = include_str!("identity-provider.pem");
