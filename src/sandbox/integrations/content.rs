//! What `sso` may contain (duo-api.md, section 3.5): each setting alone, and settings that depend on each other.

use serde_json::{Map, Value};

use super::super::call::Reply;
use super::super::collections::GROUPS;
use super::super::store::Store;

/// The settings that Duo requires for a new SAML application (duo-api.md, correction to section 3.5).
pub(super) const SAML_REQUIRED: &[&str] = &[
    "entity_id",
    "acs_urls",
    "nameid_format",
    "nameid_attribute",
    "sign_assertion",
    "sign_response",
    "signing_algorithm",
];
/// The settings that it requires if a switch makes it fill in the rest.
pub(super) const SAML_SHORT: &[&str] = &["entity_id", "acs_urls"];
/// The settings that it requires for a new OIDC application.
pub(super) const OIDC_REQUIRED: &[&str] = &["grant_types", "redirect_uris", "scopes"];

const BINDINGS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:";
const NAME_FORMATS: &[&str] = &[
    "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:entity",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
];
const SIGNING: &[&str] = &[
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
];

type Fits = fn(&Value, &Store) -> bool;
type Rules = &'static [(&'static str, Fits)];

#[rustfmt::skip]
const SAML: Rules = &[
    ("entity_id", filled), ("acs_urls", acs_urls), ("nameid_format", name_format), ("nameid_attribute", filled),
    ("sign_assertion", flag), ("sign_response", flag), ("signing_algorithm", signing), ("encrypt_assertion", unset_or_flag),
    ("assertion_encryption_algorithm", unset_or_algorithm), ("key_transport_encryption_algorithm", unset_or_algorithm),
    ("remote_cert", unset_or_text), ("relaystate", unset_or_text), ("slo_url", unset_or_url),
    ("spinitiated_url", unset_or_url), ("mapped_attrs", attributes), ("static_attrs", attributes),
    ("role_attrs", roles), ("attribute_transformations", programs),
];
const ACS_URL: Rules = &[
    ("url", web_url),
    ("binding", unset_or_binding),
    ("isDefault", unset_or_flag),
    ("index", unset_or_number),
];
const OIDC: Rules =
    &[("grant_types", grant_types), ("redirect_uris", redirect_uris), ("scopes", oidc_scopes)];
const GRANTS: Rules = &[("authorization_code", grant), ("refresh_token", refresh)];
const GRANT: Rules =
    &[("access_token_lifespan", number), ("allow_pkce_only", flag), ("refresh_token", refresh)];
const REFRESH: Rules = &[("refresh_token_chain_lifespan", number), ("refresh_token_single_lifespan", number)];
const OIDC_SCOPE: Rules = &[("name", filled), ("idp_attribute_claim_mapping", claims)];
const CLAIM: Rules = &[("idp_attribute", filled), ("oidc_claim", filled)];
const OAUTH: Rules = &[("clients", clients), ("scopes", oauth_scopes)];
const OAUTH_SCOPE: Rules = &[("id", filled), ("name", filled), ("description", unset_or_text)];
/// A client secret that is sent back unchanged has no effect.
#[rustfmt::skip]
const CLIENT: Rules = &[
    ("client_id", filled), ("name", filled), ("description", unset_or_text), ("assigned_scopes_ids", texts),
    ("client_secret", unset_or_text),
];

/// Checks the settings that were sent for a section; the refusal names the setting.
pub(super) fn check(section: &str, sent: &Map<String, Value>, store: &Store) -> Result<(), Reply> {
    let rules = match section {
        "saml_config" => SAML,
        "oidc_config" => OIDC,
        _ => OAUTH,
    };
    for (name, value) in sent {
        let rule = rules.iter().find(|(known, _)| known == name);
        if !rule.is_some_and(|(_, fits)| fits(value, store)) {
            return Err(Reply::invalid(&format!("sso.{section}.{name}")));
        }
    }
    Ok(())
}

/// Checks that all settings of a section, old and new, are consistent.
pub(super) fn check_whole(section: &str, config: &Map<String, Value>) -> Result<(), Reply> {
    let list = |name: &str| config.get(name).and_then(Value::as_array).into_iter().flatten();
    let of =
        |item: &'_ Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let ids: Vec<String> = list("scopes").map(|scope| of(scope, "id")).collect();
    let assigned = |client: &Value| -> Vec<String> {
        let ids = client.get("assigned_scopes_ids").and_then(Value::as_array).into_iter().flatten();
        ids.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    if section == "oauth_config" && list("clients").flat_map(assigned).any(|id| !ids.contains(&id)) {
        return Err(Reply::invalid("sso.oauth_config.clients.assigned_scopes_ids"));
    }
    Ok(())
}

/// An object with known keys and valid values.
fn object(value: &Value, rules: Rules, store: &Store) -> bool {
    let fits = |(name, value): (&String, &Value)| {
        rules.iter().find(|(known, _)| known == name).is_some_and(|(_, fits)| fits(value, store))
    };
    value.as_object().is_some_and(|map| map.iter().all(fits))
}

/// A list of such objects with unique names.
fn named(value: &Value, name: &str, rules: Rules, store: &Store) -> bool {
    let Some(items) = value.as_array() else { return false };
    let names: Vec<&Value> = items.iter().filter_map(|item| item.get(name)).collect();
    let mut sorted: Vec<&str> = names.iter().filter_map(|name| name.as_str()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len() == items.len() && items.iter().all(|item| object(item, rules, store))
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

fn filled(value: &Value, _: &Store) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

fn unset_or_text(value: &Value, _: &Store) -> bool {
    value.is_null() || value.is_string()
}

fn texts(value: &Value, store: &Store) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(|item| filled(item, store)))
}

/// Booleans, also as text, which the official collection sends.
fn flag(value: &Value, _: &Store) -> bool {
    let text = value.as_str().map(str::to_ascii_lowercase);
    value.is_boolean() || matches!(text.as_deref(), Some("true" | "false" | "1" | "0"))
}

fn unset_or_flag(value: &Value, store: &Store) -> bool {
    value.is_null() || flag(value, store)
}

fn number(value: &Value, _: &Store) -> bool {
    value.as_u64().is_some_and(|number| number <= u64::from(u32::MAX))
}

fn unset_or_number(value: &Value, store: &Store) -> bool {
    value.is_null() || number(value, store)
}

/// An absolute URL: a scheme, followed by text without whitespace.
fn url<'a>(value: &'a Value, schemes: &[&str]) -> Option<&'a str> {
    let text = value.as_str()?;
    let (scheme, rest) = text.split_once(':')?;
    let plain = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let fits = plain
        && (schemes.is_empty() || schemes.contains(&scheme.to_ascii_lowercase().as_str()))
        && !rest.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    fits.then_some(rest)
}

fn web_url(value: &Value, _: &Store) -> bool {
    let host = url(value, &["http", "https"]).and_then(|rest| rest.strip_prefix("//"));
    host.is_some_and(|rest| !rest.starts_with(['/', '?', '#', ':']) && !rest.is_empty())
}

fn unset_or_url(value: &Value, store: &Store) -> bool {
    value.is_null() || value == "" || web_url(value, store)
}

/// App schemes, which have no host, are valid, too.
fn redirect_uris(value: &Value, store: &Store) -> bool {
    let fits = |uri: &Value| match url(uri, &["http", "https"]) {
        Some(_) => web_url(uri, store) && !uri.as_str().is_some_and(|uri| uri.contains('#')),
        None => url(uri, &[]).is_some_and(|rest| !rest.contains('#')),
    };
    value.as_array().is_some_and(|uris| !uris.is_empty() && uris.iter().all(fits))
}

fn name_format(value: &Value, _: &Store) -> bool {
    value.as_str().is_some_and(|format| NAME_FORMATS.contains(&format))
}

fn signing(value: &Value, _: &Store) -> bool {
    value.as_str().is_some_and(|algorithm| SIGNING.contains(&algorithm))
}

fn unset_or_algorithm(value: &Value, _: &Store) -> bool {
    value.is_null()
        || value.as_str().is_some_and(|uri| uri.is_empty() || uri.starts_with("http://www.w3.org/"))
}

fn unset_or_binding(value: &Value, _: &Store) -> bool {
    value.is_null()
        || value.as_str().is_some_and(|binding| binding.is_empty() || binding.starts_with(BINDINGS))
}

fn acs_urls(value: &Value, store: &Store) -> bool {
    !is_empty(value) && named(value, "url", ACS_URL, store)
}

/// Attributes with one or several values.
fn attributes(value: &Value, store: &Store) -> bool {
    let fits = |value: &Value| value.is_string() || texts(value, store);
    value.is_null() || value.as_object().is_some_and(|map| map.values().all(fits))
}

fn programs(value: &Value, _: &Store) -> bool {
    value.is_null() || value.as_object().is_some_and(|map| map.values().all(Value::is_string))
}

/// Every innermost text is the id of a group.
fn roles(value: &Value, store: &Store) -> bool {
    fn groups(value: &Value, store: &Store) -> bool {
        match value {
            Value::String(id) => store.get(GROUPS, id).is_some(),
            Value::Array(ids) => ids.iter().all(|id| id.is_string() && groups(id, store)),
            Value::Object(map) => map.values().all(|value| groups(value, store)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    value.is_null() || (value.is_object() && groups(value, store))
}

/// At least one grant is on.
fn grant_types(value: &Value, store: &Store) -> bool {
    let is_on = |grant: &Value| grant.is_object() || grant.as_bool() == Some(true);
    object(value, GRANTS, store) && value.as_object().is_some_and(|map| map.values().any(is_on))
}

fn grant(value: &Value, store: &Store) -> bool {
    value.is_boolean() || object(value, GRANT, store)
}

fn refresh(value: &Value, store: &Store) -> bool {
    value.is_boolean() || object(value, REFRESH, store)
}

/// `email` and `profile` need a mapping, as found by testing (duo-api.md, section 3.5).
fn oidc_scopes(value: &Value, store: &Store) -> bool {
    let is_mapped = |scope: &Value| {
        let needs = matches!(scope.get("name").and_then(Value::as_str), Some("email" | "profile"));
        let claims = scope.get("idp_attribute_claim_mapping").and_then(Value::as_array);
        !needs || claims.is_some_and(|claims| !claims.is_empty())
    };
    !is_empty(value)
        && named(value, "name", OIDC_SCOPE, store)
        && value.as_array().is_some_and(|scopes| scopes.iter().all(is_mapped))
}

fn claims(value: &Value, store: &Store) -> bool {
    let fits = |claim: &Value| {
        object(claim, CLAIM, store) && CLAIM.iter().all(|(name, _)| claim.get(*name).is_some())
    };
    value.as_array().is_some_and(|claims| claims.iter().all(fits))
}

fn clients(value: &Value, store: &Store) -> bool {
    named(value, "client_id", CLIENT, store)
}

fn oauth_scopes(value: &Value, store: &Store) -> bool {
    named(value, "id", OAUTH_SCOPE, store)
}
