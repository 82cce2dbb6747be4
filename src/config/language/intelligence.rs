//! The tables of Identity Intelligence (design, section 6).

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::application::fields::{IGNORE, PERMISSION_CHOICES};
use crate::language::places::SECRET_TARGET;
use crate::language::shape::{Choice, Findings, Key, MANY, Object, Shape, Whole, foreign, missing_key};
use crate::language::texts;
use crate::yaml::{Entry, find};

/// An entry of `identity_intelligence`.
pub static ENTRY: Object = Object {
    foreign: || {
        vec![foreign(
            "permissions",
            "is not a key of an Identity Intelligence entry",
            "`access` grants the permissions that Identity Intelligence needs; use `extra_permissions` for more",
        )]
    },
    whole: Some(Whole { check: |_, _, _| {}, schema: intelligence_schema }),
    ..Object::new(
        "an Identity Intelligence entry",
        &[
            Key::required(
                "display_name",
                Shape::Text(&texts::LINE),
                "Name of the integration in the Identity Intelligence console. Must be unique there.",
                "Duo EMEA",
            ),
            Key::required(
                "access",
                Shape::Choice(&[
                    Choice::new(
                        "read_only",
                        "Grant read log and Grant resource - Read: data collection and analysis",
                    ),
                    Choice::new(
                        "read_write",
                        "also Grant resource - Write: remediation actions",
                    ),
                ]),
                "Access of Identity Intelligence to Duo.",
                "read_write",
            ),
            Key::optional(
                "extra_permissions",
                Shape::List(&Shape::Choice(PERMISSION_CHOICES), 0, MANY),
                "Admin API permissions in addition to those of `access`. Only if your console asks for them.",
                "[info]",
            ).default("[]"),
            Key::optional(
                "push_verification",
                Shape::Either(&[Shape::Flag, Shape::Object(&PUSH)]),
                "Push verification for the help desk. Uses a separate Auth API application.",
                "{application_name: Acme IT Support}",
            ).default("false"),
            Key::optional(
                "admin_api",
                Shape::Object(&ADMIN_API),
                "Settings of the entry's Admin API application.",
                "{name: Identity Intelligence EMEA}",
            ),
            Key::optional(
                "auth_api",
                Shape::Object(&AUTH_API),
                "Settings of the entry's Auth API application, which `push_verification` needs.",
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
                "Event streaming. Must be false, because only the integration that the Duo Admin Panel provisions supports it.",
                "false",
            ).literal().default("false"),
            Key::optional(
                "secret",
                Shape::Object(&SECRET_TARGET),
                "Where to deliver the keys, for the person who fills in the console form. `path` is a prefix: the keys are written to `PATH/admin_api` and `PATH/auth_api`.",
                "{store: vault, path: identity-intelligence/emea}",
            )
            .literal(),
            Key::optional(
                "api",
                Shape::Object(&API),
                "Credentials of the tenant's public Identity Intelligence API. With them, duoctl can verify that data arrives there.",
                "{file: emea-api.json}",
            )
            .literal(),
            Key::optional(
                "max_age",
                Shape::Text(&texts::AGE),
                "Maximum age of the keys. Older keys are reported.",
                "180d",
            ),
            Key::optional(
                "attested",
                Shape::Text(&texts::FINGERPRINT),
                "Confirms that the current values were entered in the console. Written by `duoctl attest`.",
                "7f3a9c21",
            ).literal(),
        ],
    )
};

/// Permissions that Identity Intelligence must never have (identity-intelligence.md, section 1.4).
pub const NEVER: [&str; 4] = ["admins", "integrations", "settings", "allow_to_set_permissions"];

/// Rules about Identity Intelligence that can be expressed in the schema.
fn intelligence_schema(schema: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    if let Some(Value::Object(streaming)) = properties.get_mut("event_streaming") {
        streaming.insert("const".to_owned(), json!(false));
        streaming.insert(
            "errorMessage".to_owned(),
            json!("`event_streaming` must be false: only the integration that the Duo Admin Panel provisions supports it."),
        );
    }
    // A new application needs a name; a pinned one has one already.
    let message = "`push_verification` needs the name of its Auth API application: write `{application_name: NAME}`, or false.";
    let named = json!({"properties": {"push_verification": {
        "if": {"type": "boolean"},
        "then": {"const": false, "errorMessage": message},
    }}});
    let pinned = json!({
        "properties": {"auth_api": {"required": ["integration_key"]}},
        "required": ["auth_api"],
    });
    let on = json!({
        "if": {"required": ["push_verification"], "properties": {"push_verification": {"not": {"const": false}}}},
        "then": {},
        "else": {
            "properties": {"auth_api": false},
            "errorMessage": "`auth_api` has an effect only with `push_verification`.",
        },
    });
    schema.insert("allOf".to_owned(), json!([on]));
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
            "Networks from which Identity Intelligence may use the key. An error without a consent in `guards.allow`, because the vendor does not publish its addresses.",
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
    "Integration key of the live application to manage, if it was set up by hand or before the entry was renamed. Written by `duoctl adopt`.",
    "DIXXXXXXXXXXXXXXXXXX",
);

const PROTECT: Key =
    Key::optional("protect", Shape::Flag, "Refuse to delete, replace or quarantine the application.", "true")
        .default("false");

const AUTHORITATIVE: Key = Key::optional(
    "authoritative",
    Shape::Flag,
    "Treat fields that the entry leaves out, or has no key for, as unset. Otherwise such fields are not managed.",
    "true",
)
.default("false");

const IGNORED_ITEM: &Shape = &Shape::Object(&IGNORE);

const IGNORED: Key = Key::optional(
    "ignore",
    Shape::List(IGNORED_ITEM, 0, MANY),
    "Fields whose differences are ignored, each with a reason.",
    "[{field: name, reason: the console team renames it}]",
)
.default("[]");

/// `push_verification`.
pub static PUSH: Object = Object::new(
    "push verification",
    &[Key::required(
        "application_name",
        Shape::Text(&texts::LINE),
        "Name of the Auth API application. Users see it in the push, so it should name your company.",
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
                "Token URL, as copied from the console.",
                "https://login.example.oort.io/oauth/token",
            ),
            Key::optional(
                "api_url",
                Shape::Text(&texts::HTTPS_URL),
                "API URL, as copied from the console.",
                "https://api.example.oort.io/graphql",
            ),
            Key::optional(
                "client_id",
                Shape::Source { plain: Some(&texts::FILLED) },
                "ID of the API client.",
                "{env: CII_CLIENT_ID}",
            ),
            Key::optional(
                "client_secret",
                Shape::Source { plain: None },
                "Source of the client secret. Never the secret itself.",
                "{env: CII_CLIENT_SECRET}",
            ),
            Key::optional(
                "audience",
                Shape::Text(&texts::FILLED),
                "Audience, if the console shows one (clients created before September 2025).",
                "https://api.example.oort.io",
            ),
            Key::optional(
                "file",
                Shape::Text(&texts::FILLED),
                "File with the credentials as copied from the console. Replaces the other keys.",
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
                        format!("`{}` cannot be combined with `file`", entry.key.value),
                    )
                    .help("the file contains all credentials: keep either `file` or the other keys")
                    .related(file.key.span, "`file` is set here"),
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
    let others = API.keys.iter().map(|key| key.name).filter(|name| *name != "file");
    let others: Map<String, Value> = others.map(|name| (name.to_owned(), json!(false))).collect();
    let message = "`file` contains all credentials: keep either `file` or the other keys.";
    schema.insert("then".to_owned(), json!({"properties": others, "errorMessage": message}));
    schema.insert("else".to_owned(), json!({"required": API_FIELDS}));
}
