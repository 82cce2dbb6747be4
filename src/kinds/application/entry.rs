//! An entry of `applications`, and `defaults.applications`: mappings whose keys are the fields of the type.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Help, Span};
use crate::duo::catalogue::{Family, PERMISSIONS, Variant, kinds, lookup};
use crate::kinds::field::{Field, Roles};
use crate::language::shape::{Findings, Object, Problem, Variants, Whole, foreign, renamed};
use crate::yaml::{Data, Entry, find};

use super::fields::{DEFAULT_KEYS, FIELDS, KEYS, field};
use super::{ACCESS, GROUPS, NETWORKS, PERMISSION_LIST, sso};

/// An entry of `applications`.
pub static APPLICATION: Object = Object {
    foreign: elsewhere,
    unless: Some("integration_key"),
    variants: Some(&TYPES),
    definition: Some("application"),
    whole: Some(Whole { check: sections, schema: rules }),
    ..Object::new("an application", KEYS)
};

/// `defaults.applications`, and those of one type.
pub static DEFAULTS: Object = Object {
    foreign: || {
        let none = "has no default";
        let help =
            "set it on each application: identity and access have no defaults; YAML anchors avoid repetition";
        let fields = FIELDS.iter().filter(|field| !field.is(Roles::DEFAULTABLE));
        let fields = fields.map(|field| (field.name().to_owned(), Problem::invalid(none, help)));
        fields.chain(elsewhere()).collect()
    },
    definition: Some("defaults"),
    ..Object::new("an application", DEFAULT_KEYS)
};

static TYPES: Variants = Variants {
    by: "type",
    what: "an application",
    lacks: |kind, key| {
        let (kind, field) = (lookup(kind)?, field(key)?);
        (!field.applies_to(Some(kind))).then(|| format!("remove it; {}", why_not(field, kind)))
    },
    needs: |_| &[],
};

/// Why a type does not have a field.
fn why_not(field: &Field, kind: &Variant) -> &'static str {
    match (field.name(), kind.family) {
        (PERMISSION_LIST, _) => "only `adminapi` applications have permissions",
        (NETWORKS, _) => {
            "only `adminapi` and `accountsapi` applications have it; to restrict logins, use a policy's `authorized_networks`"
        }
        ("sso", _) => "only `sso-...` types (Duo Single Sign-On) have it",
        ("prompt_v4_enabled", Family::AuthApi | Family::Native) => "this type shows no prompt in a browser",
        _ => "users do not log in to it: it only holds API keys",
    }
}

/// The type of an entry, if it is known.
pub fn known_type(entries: &[Entry]) -> Option<&'static Variant> {
    match &find(entries, "type")?.value.data {
        Data::Text(kind) => lookup(kind),
        _ => None,
    }
}

/// The section of `sso` that a family has.
fn section(family: Family) -> Option<&'static str> {
    match family {
        Family::Saml => Some("saml_config"),
        Family::Oidc => Some("oidc_config"),
        Family::OAuth => Some("oauth_config"),
        Family::AdminApi
        | Family::AccountsApi
        | Family::AuthApi
        | Family::AccessGateway
        | Family::Native
        | Family::UserFacing => None,
    }
}

/// Reports sections of an `sso` document that do not belong to the type.
fn sections(entries: &[Entry], _: Span, findings: &mut Findings) {
    let Some(kind) = known_type(entries) else { return };
    let (Some(section), Some(sso)) = (section(kind.family), find(entries, "sso")) else { return };
    let Data::Mapping(document) = &sso.value.data else { return };
    let known = |entry: &&Entry| sso::DOCUMENT.keys.iter().any(|key| key.name == entry.key.value);
    for entry in document.iter().filter(known).filter(|entry| entry.key.value != section) {
        let message = format!("an application of type `{}` has no `{}`", kind.name, entry.key.value);
        findings.push(
            Diagnostic::error(Code::FieldNotApplicable, entry.key.span, message)
                .help(format!("write `{section}`, or choose another type")),
        );
    }
}

/// The schema rules that involve several keys.
fn rules(schema: &mut Map<String, Value>) {
    let description = "One application. Fields that are left out are not managed, unless `authoritative` is true; then they count as unset. `null` clears a field, a value sets it. `type`, `name` and `user_access` are required, unless `integration_key` pins a live application.";
    schema.shift_insert(0, "description".to_owned(), json!(description));
    if let Some(Value::Object(kind)) = schema.get_mut("properties").and_then(|all| all.get_mut("type")) {
        let products: Vec<&str> = kinds().iter().map(|kind| kind.product).collect();
        // The empty alternative accepts every type, so a type that Duo adds later is not an error.
        let known = json!({"enum": type_names(|_| true), "enumDescriptions": products});
        kind.insert("anyOf".to_owned(), json!([known, {}]));
    }
    let Some(Value::Array(rules)) = schema.get_mut("allOf") else { return };
    rules.push(json!({
        "if": {"properties": {ACCESS: {"const": "permitted_groups"}}, "required": [ACCESS]},
        "then": {"required": [GROUPS], "properties": {GROUPS: {
            "type": "array",
            "errorMessage": "`user_access: permitted_groups` needs at least one group here.",
            "doNotSuggest": true,
        }}, "errorMessage": "`user_access: permitted_groups` needs `groups_allowed` with at least one group."},
        "else": {
            "if": {"properties": {ACCESS: {"$ref": "#/definitions/variable"}}, "required": [ACCESS]},
            "then": {},
            "else": {"properties": {GROUPS: {
                "type": "null",
                "errorMessage": "`groups_allowed` requires `user_access: permitted_groups`.",
                "doNotSuggest": true,
            }}},
        },
    }));
    rules.extend(FIELDS.iter().flat_map(not_applicable));
    for family in [Family::Saml, Family::Oidc, Family::OAuth] {
        let others = sso::DOCUMENT.keys.iter().filter(|key| Some(key.name) != section(family));
        let others: Map<String, Value> = others.map(|key| (key.name.to_owned(), json!(false))).collect();
        let message = format!("Only `{}` belongs to this type.", section(family).unwrap_or_default());
        rules.push(json!({
            "if": {"properties": {"type": {"enum": type_names(|kind| kind.family == family)}}, "required": ["type"]},
            "then": {"properties": {"sso": {"properties": others, "errorMessage": message}}},
        }));
    }
}

/// The rules that known types without a field must not set it, one for each reason. Each lists either the types with the
/// field or those without, whichever is shorter.
fn not_applicable(field: &Field) -> Vec<Value> {
    let lacks = |kind: &Variant| !field.applies_to(Some(kind));
    let reasons: BTreeSet<&str> =
        kinds().iter().filter(|kind| lacks(kind)).map(|kind| why_not(field, kind)).collect();
    let rule = |reason: &&str| {
        let meant = |kind: &Variant| lacks(kind) && why_not(field, kind) == *reason;
        let (without, with) = (type_names(meant), type_names(|kind| !meant(kind)));
        let those = if without.len() <= with.len() {
            json!({"enum": without})
        } else {
            json!({"allOf": [{"$ref": "#/definitions/known_type"}, {"not": {"enum": with}}]})
        };
        json!({
            "if": {"properties": {"type": those}, "required": ["type"]},
            "then": {
                "properties": {field.name(): false},
                "errorMessage": format!("This type has no `{}`: {reason}.", field.name()),
            },
        })
    };
    reasons.iter().map(rule).collect()
}

/// The names of known types, sorted.
pub fn type_names(filter: impl Fn(&Variant) -> bool) -> Vec<&'static str> {
    kinds().iter().filter(|kind| filter(kind)).map(|kind| kind.name).collect()
}

/// Keys that Duo's API has, or had, and the language does not.
fn elsewhere() -> Vec<(String, Problem)> {
    let with = |code: Code, key: &str, message: &str, help: Help| {
        let (key, problem) = foreign(key, message, help);
        (key, Problem { code, ..problem })
    };
    let of = "is not a key of an application";
    let replaced = |key: &str, section: &str| {
        let help = format!(
            "the policy section `{section}` replaced it: set it there and attach the policy with `policy`"
        );
        with(Code::LegacyField, key, "is a legacy field that Duo no longer acts on", Help::removing(help))
    };
    let ours = "Duo generates the secret key; `secret: {store, path}` says where to deliver it; if it was committed or pushed, reset it: it stays in the history";
    let secret = |key: &str| with(Code::PlainSecret, key, "must not be in the YAML", Help::removing(ours));
    let permission =
        |name: &str| foreign(&format!("adminapi_{name}"), of, format!("add `{name}` to `permissions`"));
    let mut all = vec![
        replaced("enroll_policy", "new_user"),
        replaced("trusted_device_days", "remembered_devices"),
        replaced("ip_whitelist", "authorized_networks"),
        replaced("ip_whitelist_enroll_policy", "authorized_networks"),
        with(
            Code::LegacyField,
            "visual_style",
            "is a legacy field that Duo ignores",
            Help::removing("remove it; it has no replacement"),
        ),
        foreign("policy_key", of, "write `policy` with the policy's name or `{id: KEY}`"),
        renamed("groups", of, "groups_allowed"),
        renamed("ikey", of, "integration_key"),
        foreign(
            "frameless_auth_prompt_enabled",
            of,
            Help::removing("Duo sets it itself; `prompt_v4_enabled` turns the Universal Prompt on"),
        ),
        secret("skey"),
        secret("secret_key"),
        foreign(
            "reset_secret_key",
            of,
            Help::removing("use `duoctl keys rotate ADDRESS` to get a new secret key"),
        ),
    ];
    all.extend(PERMISSIONS.iter().map(|known| permission(known.name)));
    all
}
