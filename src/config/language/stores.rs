//! The tables of secret stores, with the keys of each type.

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::language::shape::{Choice, Findings, Key, MANY, Object, Shape, Variants, Whole, one_of};
use crate::language::texts;
use crate::yaml::{Data, Entry, find};

/// An entry of `secret_stores`. The type decides which keys it has.
pub static STORE: Object = Object {
    variants: Some(&TYPES),
    whole: Some(Whole { check: login, schema: store_keys_schema }),
    ..Object::new("a secret store", STORE_KEYS)
};

/// The values of `tls_roots`; [`crate::duo::https::TlsRoots`] has the same.
pub(super) const TLS_ROOTS: &[Choice] = &[
    Choice::new("bundled", "Mozilla's list, included in duoctl"),
    Choice::new("system", "the list of this machine, e.g. for a proxy that inspects TLS"),
];

static STORE_KEYS: &[Key] = &[
    Key::required(
        "type",
        Shape::Choice(&[
            Choice::new("file", "a folder on this machine"),
            Choice::new("vault", "HashiCorp Vault or OpenBao"),
            Choice::new("exec", "any other store, through commands"),
        ]),
        "Type of the store.",
        "vault",
    ),
    Key::optional(
        "path",
        Shape::Text(&texts::FILLED),
        "Folder of a file store. Relative to the workspace's folder.",
        "secrets",
    ),
    Key::optional(
        "address",
        Shape::Text(&texts::HTTPS_URL),
        "URL of the Vault server.",
        "https://vault.example.com",
    ),
    Key::optional("mount", Shape::Text(&texts::FILLED), "Mount of the key-value engine in Vault.", "kv"),
    Key::optional(
        "kv_version",
        Shape::Whole(1, 2),
        "Version of the key-value engine in Vault. The default is 2.",
        "2",
    ),
    Key::optional("namespace", Shape::Text(&texts::FILLED), "Namespace in Vault.", "infrastructure"),
    Key::optional(
        "ca_file",
        Shape::Text(&texts::FILLED),
        "File with certificate authorities to trust for Vault.",
        "vault-ca.pem",
    ),
    Key::optional(
        "tls_roots",
        Shape::Choice(TLS_ROOTS),
        "Which certificate authorities to trust for Vault.",
        "system",
    )
    .default("bundled"),
    Key::optional(
        "token",
        Shape::Source { plain: None },
        "Source of the Vault token. Never the token itself.",
        "{env: VAULT_TOKEN}",
    ),
    Key::optional(
        "app_role",
        Shape::Object(&APP_ROLE),
        "AppRole login to Vault, instead of a token.",
        "{role_id: {env: VAULT_ROLE_ID}, secret_id: {env: VAULT_SECRET_ID}}",
    ),
    Key::optional(
        "jwt",
        Shape::Object(&JWT),
        "JWT login to Vault, instead of a token.",
        "{role: duoctl, token: {env: CI_JOB_JWT}}",
    ),
    Key::optional(
        "write",
        Shape::List(&Shape::Text(&texts::FILLED), 1, MANY),
        "Program and arguments to store a secret. The program gets one JSON object on standard input.",
        "[./store.sh, write]",
    ),
    Key::optional(
        "read",
        Shape::List(&Shape::Text(&texts::FILLED), 1, MANY),
        "Program and arguments to read a secret.",
        "[./store.sh, read]",
    ),
    Key::optional(
        "environment",
        Shape::List(&Shape::Text(&texts::ENV_NAME), 1, MANY),
        "Environment variables passed to the commands in addition to PATH, HOME and LANG.",
        "[AWS_PROFILE, AWS_REGION]",
    ),
    Key::optional(
        "timeout",
        Shape::Text(&texts::TIMEOUT),
        "Timeout of a command. The default is 60s.",
        "30s",
    ),
];

static APP_ROLE: Object = Object::new(
    "an AppRole login",
    &[
        Key::required(
            "role_id",
            Shape::Source { plain: Some(&texts::FILLED) },
            "ID of the role.",
            "{env: VAULT_ROLE_ID}",
        ),
        Key::required(
            "secret_id",
            Shape::Source { plain: None },
            "Source of the secret ID. Never the ID itself.",
            "{env: VAULT_SECRET_ID}",
        ),
        Key::optional("mount", Shape::Text(&texts::FILLED), "Mount of the login method.", "approle"),
    ],
);

static JWT: Object = Object::new(
    "a JWT login",
    &[
        Key::required("role", Shape::Text(&texts::FILLED), "Role to log in as.", "duoctl"),
        Key::required(
            "token",
            Shape::Source { plain: None },
            "Source of the CI system's token. Never the token itself.",
            "{env: CI_JOB_JWT}",
        ),
        Key::optional("mount", Shape::Text(&texts::FILLED), "Mount of the login method.", "jwt"),
    ],
);

/// For each type of store, its required and optional keys.
const STORE_TYPES: [(&str, &[&str], &[&str]); 3] = [
    ("file", &["path"], &[]),
    (
        "vault",
        &["address", "mount"],
        &["kv_version", "namespace", "ca_file", "tls_roots", "token", "app_role", "jwt"],
    ),
    ("exec", &["write"], &["read", "environment", "timeout"]),
];

/// The ways to log in to Vault; exactly one is used.
const LOGINS: [&str; 3] = ["token", "app_role", "jwt"];

static TYPES: Variants = Variants {
    by: "type",
    what: "a store",
    lacks: |kind, key| {
        let (_, needs, may) = STORE_TYPES.iter().find(|(name, ..)| *name == kind)?;
        let lacks = key != "type" && !needs.contains(&key) && !may.contains(&key);
        lacks.then(|| format!("valid keys are {}", [*needs, *may].concat().join(", ")))
    },
    needs: |kind| STORE_TYPES.iter().find(|(name, ..)| *name == kind).map_or(&[], |(_, needs, _)| needs),
};

/// Vault needs exactly one login.
fn login(entries: &[Entry], at: Span, findings: &mut Findings) {
    let is_vault = |entry: &Entry| matches!(&entry.value.data, Data::Text(kind) if kind == "vault");
    let logins = LOGINS.iter().filter(|login| find(entries, login).is_some()).count();
    if find(entries, "type").is_some_and(is_vault) && logins != 1 {
        let amount = if logins == 0 { "no login" } else { "several logins" };
        findings.push(
            Diagnostic::error(
                Code::InvalidValue,
                at,
                format!("a store of type `vault` needs one login, but this one has {amount}"),
            )
            .help("set exactly one of `token`, `app_role` and `jwt`, e.g. `token: {env: VAULT_TOKEN}`"),
        );
    }
}

fn store_keys_schema(schema: &mut Map<String, Value>) {
    let rules: Vec<Value> = STORE_TYPES
        .iter()
        .map(|(kind, needs, may)| {
            let others = STORE_KEYS.iter().filter(|key| (TYPES.lacks)(kind, key.name).is_some());
            let others: Map<String, Value> = others.map(|key| (key.name.to_owned(), json!(false))).collect();
            let names = [*needs, *may].concat().join(", ");
            let message = format!("A store of type `{kind}` has no such key. Its keys are {names}.");
            let mut all =
                vec![json!({"properties": others, "errorMessage": message}), json!({"required": needs})];
            if *kind == "vault" {
                all.extend(one_of(
                    &LOGINS,
                    "A store of type `vault` needs exactly one of `token`, `app_role` and `jwt`.",
                ));
            }
            json!({
                "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
                "then": {"allOf": all},
            })
        })
        .collect();
    schema.insert("allOf".to_owned(), Value::Array(rules));
}
