//! The tables of Identity Intelligence (design, section 6).

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::application::fields::{IGNORE, PERMISSION_CHOICES};
use crate::language::places::SECRET_TARGET;
use crate::language::shape::{Choice, Findings, Key, MANY, Object, Problem, Shape, Whole, missing_key};
use crate::language::texts;
use crate::yaml::{Entry, find};

/// An entry of `identity_intelligence`.
pub static ENTRY: Object = Object {
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
                Shape::List(&Shape::Choice(PERMISSION_CHOICES), 0, MANY),
                "Admin API permissions beyond `access`. Only what your own console asks for.",
                "[info]",
            ).default("[]"),
            Key::optional(
                "push_verification",
                Shape::Either(&[Shape::Flag, Shape::Object(&PUSH)]),
                "Push verification at the help desk. It has an Auth API application of its own.",
                "{application_name: Acme IT Support}",
            ).default("false"),
            Key::optional(
                "admin_api",
                Shape::Object(&ADMIN_API),
                "The Admin API application of this entry.",
                "{name: Identity Intelligence EMEA}",
            ),
            Key::optional(
                "auth_api",
                Shape::Object(&AUTH_API),
                "The Auth API application of this entry, which `push_verification` asks for.",
                "{protect: true}",
            ),
            Key::optional(
                "endpoints",
                Shape::Flag,
                "Collect endpoints. Needs Duo Advantage or Premier.",
                "true",
            ).default("false"),
            Key::optional(
                "event_streaming",
                Shape::Flag,
                "Event streaming. Only the integration that the Duo Admin Panel provisioned has it, so only false is accepted.",
                "false",
            ).literal().default("false"),
            Key::optional(
                "secret",
                Shape::Object(&SECRET_TARGET),
                "Where the keys are delivered, for whoever fills in the console form. `path` is a prefix: each application has a place of its own below it, `PATH/admin_api` and `PATH/auth_api`.",
                "{store: vault, path: identity-intelligence/emea}",
            )
            .literal(),
            Key::optional(
                "api",
                Shape::Object(&API),
                "Keys for the public API of this tenant of Identity Intelligence. With them verification can go on to what arrived there.",
                "{file: emea-api.json}",
            )
            .literal(),
            Key::optional(
                "max_age",
                Shape::Text(&texts::AGE),
                "How old the keys may become. Older ones are a finding.",
                "180d",
            ),
            Key::optional(
                "attested",
                Shape::Text(&texts::FINGERPRINT),
                "Fingerprint by which a person says that the console holds the values. Written by `duoctl attest`.",
                "7f3a9c21",
            ).literal(),
        ],
    )
};

/// Permissions that Identity Intelligence must never have (identity-intelligence.md, section 1.4).
pub const NEVER: [&str; 4] = ["admins", "integrations", "settings", "allow_to_set_permissions"];

/// What the rules about Identity Intelligence refuse, as far as one key shows it.
fn intelligence_schema(schema: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    if let Some(Value::Object(streaming)) = properties.get_mut("event_streaming") {
        streaming.insert("const".to_owned(), json!(false));
    }
    // A new application needs a name; one that is pinned has one.
    let named =
        json!({"properties": {"push_verification": {"if": {"type": "boolean"}, "then": {"const": false}}}});
    let pinned = json!({
        "properties": {"auth_api": {"required": ["integration_key"]}},
        "required": ["auth_api"],
    });
    let on = json!({"required": ["push_verification"], "properties": {"push_verification": {"not": {"const": false}}}});
    schema.insert("dependencies".to_owned(), json!({"auth_api": on}));
    schema.insert("if".to_owned(), pinned);
    schema.insert("else".to_owned(), named);
}

/// `admin_api`.
pub static ADMIN_API: Object = Object::new(
    "the Admin API application",
    &[
        Key::optional(
            "name",
            Shape::Text(&texts::LINE),
            "Name of the Admin API application in Duo.",
            "Identity Intelligence EMEA",
        ),
        PIN,
        Key::optional(
            "networks_for_api_access",
            Shape::List(&Shape::Text(&texts::NETWORK), 1, MANY),
            "Addresses that Identity Intelligence may call from. An error unless `guards.allow` insists on it: the vendor's addresses are not published.",
            "[192.0.2.0/24]",
        ),
        PROTECT,
        AUTHORITATIVE,
        IGNORED,
    ],
);

/// `auth_api`.
pub static AUTH_API: Object =
    Object::new("the Auth API application", &[PIN, PROTECT, AUTHORITATIVE, IGNORED]);

const PIN: Key = Key::optional(
    "integration_key",
    Shape::Text(&texts::INTEGRATION_KEY),
    "Pins one live application: one that was set up by hand, or before the entry was renamed. Written by `duoctl adopt`.",
    "DIXXXXXXXXXXXXXXXXXX",
);

const PROTECT: Key = Key::optional(
    "protect",
    Shape::Flag,
    "Refuses to delete, replace or quarantine the application.",
    "true",
)
.default("false");

const AUTHORITATIVE: Key = Key::optional(
    "authoritative",
    Shape::Flag,
    "Whether what the entry has no key for, or leaves out, counts as unset in Duo. Without it, that is left alone.",
    "true",
)
.default("false");

const IGNORED_ITEM: &Shape = &Shape::Object(&IGNORE);

const IGNORED: Key = Key::optional(
    "ignore",
    Shape::List(IGNORED_ITEM, 0, MANY),
    "Fields whose difference is left alone, each with a reason.",
    "[{field: name, reason: the console team renames it}]",
)
.default("[]");

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

/// `api`.
pub static API: Object = Object {
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

fn file_or_fields(entries: &[Entry], at: Span, findings: &mut Findings) {
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
            for key in API
                .keys
                .iter()
                .filter(|key| API_FIELDS.contains(&key.name) && find(entries, key.name).is_none())
            {
                findings.push(missing_key(key, API.what, at));
            }
        }
    }
}

fn file_or_fields_schema(schema: &mut Map<String, Value>) {
    schema.insert("if".to_owned(), json!({"required": ["file"]}));
    schema.insert("then".to_owned(), json!({"maxProperties": 1}));
    schema.insert("else".to_owned(), json!({"required": API_FIELDS}));
}
