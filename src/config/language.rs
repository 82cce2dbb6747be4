//! The tables of the language: every key outside applications (design, section 3). Applications are in
//! [`super::settings`], the `sso` document in [`super::sso`].

use serde_json::{Map, Value, json};

use super::diagnostic::{Code, Diagnostic, Span};
use super::shape::{Choice, Key, Object, Problem, Shape, Whole};
use super::texts;
use super::tree::{Data, Entry, find};

/// No limit on a list.
const MANY: usize = usize::MAX;

/// The top level of a file. Which keys a workspace needs is decided over all of its files.
pub static FILE: Object = Object {
    foreign: |key| match key {
        "integrations" => Some(Problem {
            code: Code::UnknownKey,
            message: "is not a key of the language".to_owned(),
            help: "duoctl says `applications`".to_owned(),
        }),
        _ => None,
    },
    ..Object::new("the file", FILE_KEYS)
};

static FILE_KEYS: &[Key] = &[
    Key::optional(
        "version",
        Shape::Whole(1, 1),
        "Version of the language. Stands exactly once in a workspace.",
        "1",
    ),
    Key::optional(
        "workspace",
        Shape::Text(&texts::WORKSPACE),
        "Name of the workspace. It is written into the notes of every application that the workspace owns, so choose it once.",
        "acme-prod",
    ),
    Key::optional(
        "tenant",
        Shape::Object(&TENANT),
        "The Duo account. Stands exactly once in a workspace.",
        "{api_hostname: api-1a2b3c4d.duosecurity.com}",
    ),
    Key::optional(
        "identity_intelligence",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Object(&INTELLIGENCE)),
        "Connections to Cisco Identity Intelligence. Each expands into the applications it needs and the sheet for its console.",
        "{emea: {display_name: Duo EMEA, access: read_only}}",
    ),
    Key::optional(
        "identity_intelligence_api",
        Shape::Object(&INTELLIGENCE_API),
        "Keys for the public API of Identity Intelligence. With them verification can go on to what arrived there.",
        "{file: identity-intelligence-api.json}",
    ),
    Key::optional(
        "applications",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Application),
        "The applications of the account that this workspace owns, by address. What is not named here is left alone.",
        "{vpn: {type: radius, name: VPN, user_access: no_users}}",
    ),
    Key::optional(
        "defaults",
        Shape::Object(&DEFAULTS),
        "Values for what an application leaves out.",
        "{applications: {self_service_allowed: false}}",
    ),
    Key::optional(
        "secret_stores",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Object(&SECRET_STORE)),
        "Places that secret keys are delivered to, by name.",
        "{vault: {type: vault, address: \"https://vault.example.com\", mount: kv, token: {env: VAULT_TOKEN}}}",
    ),
    Key::optional(
        "guards",
        Shape::Object(&GUARDS),
        "Limits that a plan must keep to unless someone consents.",
        "{max_changes: 30%, max_deletes: 3}",
    ),
];

/// `tenant`.
pub static TENANT: Object = Object {
    foreign: |key| match key {
        "host" | "hostname" | "url" | "api_host" => Some(Problem {
            code: Code::UnknownKey,
            message: "is not a key of a tenant".to_owned(),
            help: "write `api_hostname`".to_owned(),
        }),
        "integration_key" | "secret_key" => Some(Problem {
            code: Code::UnknownKey,
            message: "does not stand directly under `tenant`".to_owned(),
            help: "put it under `credentials`".to_owned(),
        }),
        _ => None,
    },
    ..Object::new(
        "the tenant",
        &[
            Key::required(
                "api_hostname",
                Shape::Text(&texts::HOSTNAME),
                "Bare API hostname of the account. No https://, path or port.",
                "api-1a2b3c4d.duosecurity.com",
            ),
            Key::optional(
                "plan",
                Shape::Choice(PLANS),
                "The account's Duo plan. Checked against features that need a larger one.",
                "advantage",
            ),
            Key::optional(
                "credentials",
                Shape::Object(&CREDENTIALS),
                "Keys of the Admin API application that duoctl itself uses. Not needed with --sandbox.",
                "{integration_key: {env: DUO_IKEY}, secret_key: {env: DUO_SKEY}}",
            ),
            Key::optional(
                "ca_file",
                Shape::Text(&texts::FILLED),
                "File with certificate authorities to trust beside the built-in ones. Relative to the workspace's folder.",
                "corporate-ca.pem",
            ),
        ],
    )
};

const PLANS: &[Choice] = &[
    Choice::new("free", "Duo Free"),
    Choice::new("essentials", "Duo Essentials, formerly Duo MFA"),
    Choice::new("advantage", "Duo Advantage, formerly Duo Access"),
    Choice::new("premier", "Duo Premier, formerly Duo Beyond"),
];

/// `tenant.credentials`.
pub static CREDENTIALS: Object = Object::new(
    "the credentials",
    &[
        Key::required(
            "integration_key",
            Shape::Source { secret: false },
            "Integration key of duoctl's own Admin API application.",
            "{env: DUO_IKEY}",
        ),
        Key::required(
            "secret_key",
            Shape::Source { secret: true },
            "Where its secret key comes from. Never the key itself.",
            "{env: DUO_SKEY}",
        ),
    ],
);

/// Where a value comes from.
pub static SOURCE: Object = Object::new(
    "a place of a value",
    &[
        Key::optional("env", Shape::Text(&texts::ENV_NAME), "Name of an environment variable.", "DUO_SKEY"),
        Key::optional(
            "file",
            Shape::Text(&texts::FILLED),
            "Path of a file, relative to the workspace's folder. One line break at its end is not part of the value.",
            "secrets/duo-skey",
        ),
        Key::optional(
            "command",
            Shape::List(&Shape::Text(&texts::FILLED), 1, MANY),
            "A program and its arguments, run without a shell. Its output is the value.",
            "[pass, show, duo/skey]",
        ),
    ],
);

/// Where a secret key is delivered.
pub static SECRET_TARGET: Object = Object::new(
    "a delivery",
    &[
        Key::required(
            "store",
            Shape::Text(&texts::FILLED),
            "Name of a store under `secret_stores`.",
            "vault",
        ),
        Key::required(
            "path",
            Shape::Text(&texts::STORE_PATH),
            "Place in the store. Relative to it, without `..`.",
            "vpn",
        ),
        Key::optional(
            "format",
            Shape::Choice(&[
                Choice::new("json", "one JSON object"),
                Choice::new("dotenv", "lines of NAME=value"),
            ]),
            "Format, where the store has several.",
            "json",
        ),
    ],
);

/// An entry of `identity_intelligence`.
pub static INTELLIGENCE: Object = Object {
    foreign: |key| {
        match key {
        "permissions" => Some(Problem {
            code: Code::UnknownKey,
            message: "is not a key of an Identity Intelligence entry".to_owned(),
            help: "`access` gives the permissions that Identity Intelligence needs; `extra_permissions` adds what your own console asks for".to_owned(),
        }),
        _ => None,
    }
    },
    whole: Some(Whole { check: |_, _, _| {}, schema: intelligence_schema }),
    ..Object::new(
        "an Identity Intelligence entry",
        &[
            Key::required(
                "display_name",
                Shape::Text(&texts::LINE),
                "Name of the integration in the Identity Intelligence console. Unique there.",
                "Duo EMEA",
            ),
            Key::required(
                "access",
                Shape::Choice(&[
                    Choice::new(
                        "read_only",
                        "Grant read log and Grant resource - Read: collection and analysis",
                    ),
                    Choice::new(
                        "read_write",
                        "the same with Grant resource - Write: remediation actions too",
                    ),
                ]),
                "What Identity Intelligence may do in Duo.",
                "read_write",
            ),
            Key::optional(
                "extra_permissions",
                Shape::List(&Shape::Choice(super::settings::PERMISSION_CHOICES), 0, MANY),
                "Admin API permissions beyond `access`. Only what your own console asks for.",
                "[info]",
            ),
            Key::optional(
                "push_verification",
                Shape::Either(&[Shape::Flag, Shape::Object(&PUSH)]),
                "Push verification at the help desk. It has an Auth API application of its own.",
                "{application_name: Acme IT Support}",
            ),
            Key::optional(
                "admin_api",
                Shape::Object(&ADMIN_API),
                "The Admin API application of this entry.",
                "{name: Identity Intelligence EMEA}",
            ),
            Key::optional(
                "endpoints",
                Shape::Flag,
                "Collect endpoints. Needs Duo Advantage or Premier.",
                "true",
            ),
            Key::optional(
                "event_streaming",
                Shape::Flag,
                "Event streaming. Only the integration that the Duo Admin Panel provisioned has it, so only false is accepted.",
                "false",
            ),
            Key::optional(
                "secrets",
                Shape::Object(&SECRET_TARGET),
                "Where the keys are delivered, for whoever fills in the console form.",
                "{store: vault, path: identity-intelligence/emea}",
            ),
            Key::optional(
                "attested",
                Shape::Text(&texts::FINGERPRINT),
                "Fingerprint by which a person says that the console holds the values. Written by `duoctl attest`.",
                "7f3a9c21",
            ),
        ],
    )
};

/// Permissions that Identity Intelligence must never have (identity-intelligence.md, section 1.4).
pub const NEVER_FOR_INTELLIGENCE: [&str; 4] =
    ["admins", "integrations", "settings", "allow_to_set_permissions"];

/// What the rules about Identity Intelligence refuse, as far as one key shows it.
fn intelligence_schema(schema: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    if let Some(Value::Object(streaming)) = properties.get_mut("event_streaming") {
        streaming.insert("const".to_owned(), json!(false));
    }
    if let Some(Value::Object(push)) = properties.get_mut("push_verification") {
        push.insert("not".to_owned(), json!({"const": true}));
    }
    let items = properties.get_mut("extra_permissions").and_then(|list| list.get_mut("items"));
    if let Some(Value::Object(items)) = items {
        let allowed = super::settings::PERMISSION_CHOICES
            .iter()
            .filter(|choice| !NEVER_FOR_INTELLIGENCE.contains(&choice.value));
        let (words, descriptions): (Vec<_>, Vec<_>) =
            allowed.map(|choice| (choice.value, choice.description)).unzip();
        items.insert("enum".to_owned(), json!(words));
        items.insert("enumDescriptions".to_owned(), json!(descriptions));
    }
}

/// `admin_api`.
pub static ADMIN_API: Object = Object::new(
    "the Admin API application",
    &[Key::optional(
        "name",
        Shape::Text(&texts::LINE),
        "Name of the Admin API application in Duo.",
        "Identity Intelligence EMEA",
    )],
);

/// `push_verification`.
pub static PUSH: Object = Object::new(
    "push verification",
    &[Key::required(
        "application_name",
        Shape::Text(&texts::LINE),
        "Name of the Auth API application. End users see it on the push, so it should name your company.",
        "Acme IT Support",
    )],
);

/// `identity_intelligence_api`.
pub static INTELLIGENCE_API: Object = Object {
    whole: Some(Whole { check: file_or_fields, schema: file_or_fields_schema }),
    ..Object::new(
        "the Identity Intelligence API",
        &[
            Key::optional(
                "token_url",
                Shape::Text(&texts::HTTPS_URL),
                "URL that gives tokens, as the console copied it.",
                "https://login.example.oort.io/oauth/token",
            ),
            Key::optional(
                "api_url",
                Shape::Text(&texts::HTTPS_URL),
                "URL of the API, as the console copied it.",
                "https://api.example.oort.io/graphql",
            ),
            Key::optional(
                "client_id",
                Shape::Source { secret: false },
                "Client id of the API client.",
                "{env: CII_CLIENT_ID}",
            ),
            Key::optional(
                "client_secret",
                Shape::Source { secret: true },
                "Where its secret comes from. Never the secret itself.",
                "{env: CII_CLIENT_SECRET}",
            ),
            Key::optional(
                "audience",
                Shape::Text(&texts::FILLED),
                "Audience, where the console shows one (clients made before September 2025).",
                "https://api.example.oort.io",
            ),
            Key::optional(
                "file",
                Shape::Text(&texts::FILLED),
                "File with the credentials as the console copied them, in place of the other keys.",
                "identity-intelligence-api.json",
            ),
        ],
    )
};

const API_FIELDS: [&str; 4] = ["token_url", "api_url", "client_id", "client_secret"];

fn file_or_fields(entries: &[Entry], at: Span, findings: &mut Vec<Diagnostic>) {
    match find(entries, "file") {
        Some(file) => {
            for entry in entries.iter().filter(|entry| {
                API_FIELDS.contains(&entry.key.value.as_str()) || entry.key.value == "audience"
            }) {
                findings.push(
                    Diagnostic::error(
                        Code::InvalidValue,
                        entry.key.span,
                        format!("`{}` stands beside `file`", entry.key.value),
                    )
                    .help("the file holds all of the credentials: keep either it or the single keys")
                    .related(file.key.span, "the file is named here"),
                );
            }
        }
        None => {
            for key in INTELLIGENCE_API
                .keys
                .iter()
                .filter(|key| API_FIELDS.contains(&key.name) && find(entries, key.name).is_none())
            {
                findings.push(super::check::missing_key(key, INTELLIGENCE_API.what, at));
            }
        }
    }
}

fn file_or_fields_schema(schema: &mut Map<String, Value>) {
    schema.insert("if".to_owned(), json!({"required": ["file"]}));
    schema.insert("then".to_owned(), json!({"maxProperties": 1}));
    schema.insert("else".to_owned(), json!({"required": API_FIELDS}));
}

/// `defaults`.
pub static DEFAULTS: Object = Object::new(
    "the defaults",
    &[Key::optional(
        "applications",
        Shape::ApplicationDefaults,
        "Values for every application whose type has the field. An application's own value wins.",
        "{self_service_allowed: false}",
    )],
);

/// `guards`.
pub static GUARDS: Object = Object::new(
    "the guards",
    &[
        Key::optional(
            "max_changes",
            Shape::Text(&texts::PERCENT),
            "Share of the owned applications that one run may change. Counted from ten owned applications on.",
            "30%",
        ),
        Key::optional(
            "max_deletes",
            Shape::Whole(0, 1_000_000),
            "How many applications one run may delete.",
            "3",
        ),
        Key::optional(
            "quarantine_days",
            Shape::Whole(0, 3650),
            "Days that a removed application stays quarantined before it may be deleted.",
            "14",
        ),
        Key::optional(
            "allow",
            Shape::List(&Shape::Object(&ALLOWANCE), 0, MANY),
            "Standing consents to risks.",
            "[{risk: widens_access, address: applications.wiki, reason: open to all staff}]",
        ),
        Key::optional(
            "caller_address",
            Shape::Text(&texts::IP),
            "Address that Duo sees duoctl come from. Guards against locking duoctl itself out.",
            "198.51.100.7",
        ),
    ],
);

/// An entry of `guards.allow`.
pub static ALLOWANCE: Object = Object::new(
    "a consent",
    &[
        Key::required("risk", Shape::Choice(RISKS), "The risk that is consented to.", "widens_access"),
        Key::optional(
            "address",
            Shape::Text(&texts::FILLED),
            "The address it is limited to. `*` stands for any characters.",
            "applications.wiki",
        ),
        Key::required(
            "reason",
            Shape::Text(&texts::FILLED),
            "Why, and until when.",
            "open to all staff since 2026",
        ),
    ],
);

/// The risks that a change may carry (design, section 4).
pub const RISKS: &[Choice] = &[
    Choice::new("widens_access", "more people may log in, or they may have to prove less"),
    Choice::new("narrows_access", "fewer people may log in, or they must prove more"),
    Choice::new("escalates_privilege", "a key may do more"),
    Choice::new("reduces_privilege", "a key may do less"),
    Choice::new("destroys", "something is lost for good"),
    Choice::new("replaces", "a new application with a new key takes the place of the old one"),
    Choice::new("breaks_handoff", "a console holds a value that stops working"),
];

/// An entry of `secret_stores`. Which keys belong together is told by its type.
pub static SECRET_STORE: Object = Object {
    whole: Some(Whole { check: store_keys, schema: store_keys_schema }),
    ..Object::new("a secret store", STORE_KEYS)
};

static STORE_KEYS: &[Key] = &[
    Key::required(
        "type",
        Shape::Choice(&[
            Choice::new("file", "a folder on this machine"),
            Choice::new("vault", "HashiCorp Vault or OpenBao"),
            Choice::new("exec", "any other store, by a command"),
        ]),
        "Kind of store.",
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
        "Version of the key-value engine in Vault. 2 when left out.",
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
        "token",
        Shape::Source { secret: true },
        "Where Vault's token comes from. Never the token itself.",
        "{env: VAULT_TOKEN}",
    ),
    Key::optional(
        "app_role",
        Shape::Object(&APP_ROLE),
        "AppRole login to Vault, in place of a token.",
        "{role_id: {env: VAULT_ROLE_ID}, secret_id: {env: VAULT_SECRET_ID}}",
    ),
    Key::optional(
        "jwt",
        Shape::Object(&JWT),
        "JWT login to Vault, in place of a token.",
        "{role: duoctl, token: {env: CI_JOB_JWT}}",
    ),
    Key::optional(
        "write",
        Shape::List(&Shape::Text(&texts::FILLED), 1, MANY),
        "Program and arguments that store a secret. It gets one JSON object on its input.",
        "[./store.sh, write]",
    ),
    Key::optional(
        "read",
        Shape::List(&Shape::Text(&texts::FILLED), 1, MANY),
        "Program and arguments that read a secret back.",
        "[./store.sh, read]",
    ),
    Key::optional(
        "environment",
        Shape::List(&Shape::Text(&texts::ENV_NAME), 1, MANY),
        "Environment variables that the commands get beside PATH, HOME and LANG.",
        "[AWS_PROFILE, AWS_REGION]",
    ),
    Key::optional("timeout_seconds", Shape::Whole(1, 3600), "How long a command may take.", "30"),
];

static APP_ROLE: Object = Object::new(
    "an AppRole login",
    &[
        Key::required("role_id", Shape::Source { secret: false }, "Id of the role.", "{env: VAULT_ROLE_ID}"),
        Key::required(
            "secret_id",
            Shape::Source { secret: true },
            "Where the secret id comes from. Never the id itself.",
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
            Shape::Source { secret: true },
            "Where the CI system's token comes from. Never the token itself.",
            "{env: CI_JOB_JWT}",
        ),
        Key::optional("mount", Shape::Text(&texts::FILLED), "Mount of the login method.", "jwt"),
    ],
);

/// For each type of store: the keys it needs, and those it may have.
const STORE_TYPES: [(&str, &[&str], &[&str]); 3] = [
    ("file", &["path"], &[]),
    ("vault", &["address", "mount"], &["kv_version", "namespace", "ca_file", "token", "app_role", "jwt"]),
    ("exec", &["write"], &["read", "environment", "timeout_seconds"]),
];

/// The ways to log in to Vault; exactly one is used.
const LOGINS: [&str; 3] = ["token", "app_role", "jwt"];

fn store_keys(entries: &[Entry], at: Span, findings: &mut Vec<Diagnostic>) {
    let Some(Data::Text(kind)) = find(entries, "type").map(|entry| &entry.value.data) else { return };
    let Some((kind, needs, may)) = STORE_TYPES.iter().find(|(name, ..)| name == kind) else { return };
    for entry in entries.iter().filter(|entry| STORE_KEYS.iter().any(|key| key.name == entry.key.value)) {
        let name = entry.key.value.as_str();
        if name != "type" && !needs.contains(&name) && !may.contains(&name) {
            findings.push(
                Diagnostic::error(
                    Code::FieldNotApplicable,
                    entry.key.span,
                    format!("a store of type `{kind}` has no `{name}`"),
                )
                .help(format!("its keys are {}", [*needs, *may].concat().join(", "))),
            );
        }
    }
    for key in STORE_KEYS.iter().filter(|key| needs.contains(&key.name) && find(entries, key.name).is_none())
    {
        findings.push(super::check::missing_key(key, &format!("a store of type `{kind}`"), at));
    }
    let logins = LOGINS.iter().filter(|login| find(entries, login).is_some()).count();
    if *kind == "vault" && logins != 1 {
        let amount = if logins == 0 { "no login" } else { "more than one login" };
        findings.push(
            Diagnostic::error(Code::InvalidValue, at, format!("a store of type `vault` with {amount}"))
                .help("give exactly one of `token`, `app_role` and `jwt`, e.g. `token: {env: VAULT_TOKEN}`"),
        );
    }
}

fn store_keys_schema(schema: &mut Map<String, Value>) {
    let rules: Vec<Value> = STORE_TYPES
        .iter()
        .map(|(kind, needs, may)| {
            let names: Vec<&str> = std::iter::once("type").chain([*needs, *may].concat()).collect();
            let mut then = json!({"required": needs, "propertyNames": {"enum": names}});
            if let (&"vault", Value::Object(then)) = (kind, &mut then) {
                then.insert(
                    "oneOf".to_owned(),
                    LOGINS.iter().map(|key| json!({"required": [key]})).collect(),
                );
            }
            json!({"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": then})
        })
        .collect();
    schema.insert("allOf".to_owned(), Value::Array(rules));
}

/// What to write in place of a list that must not be empty.
pub fn empty_list_help(name: &str) -> String {
    match name {
        "groups_allowed" => {
            "name at least one group; to let nobody in, write `user_access: no_users`".to_owned()
        }
        "networks_for_api_access" => {
            "name the networks; to lift the restriction, write `networks_for_api_access: null`".to_owned()
        }
        _ => "write at least one item, or leave the key out".to_owned(),
    }
}
