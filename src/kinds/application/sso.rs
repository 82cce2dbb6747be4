//! The `sso` document of Duo Single Sign-On applications (duo-api.md, section 3.5).

use serde_json::Value;

use crate::diagnostic::Code;
use crate::kinds::reference::{EXPLICIT, REFERENCE};
use crate::language::shape::{Key, MANY, Object, Problem, Shape};
use crate::language::texts;

const TEXT: Shape = Shape::Text(&texts::ANY);
const FILLED: Shape = Shape::Text(&texts::FILLED);
/// One text, or several.
const TEXTS: Shape = Shape::Either(&[TEXT, Shape::List(&TEXT, 0, MANY)]);
/// One group, or several.
const GROUPS: Shape = Shape::Either(&[TEXT, Shape::Object(&EXPLICIT), Shape::List(&REFERENCE, 0, MANY)]);
const LIFESPAN: Shape = Shape::Whole(0, u32::MAX);

/// Switches that are off unless somebody turns them on; Duo's default of every other one is not known for certain.
pub const OFF: [&str; 3] = ["encrypt_assertion", "isDefault", "allow_pkce_only"];

/// Settings that Duo requires, although third parties saw them empty (duo-api.md, correction to section 3.5).
const REQUIRED: [&str; 2] = ["nameid_format", "nameid_attribute"];

/// What is sent to clear a setting; `None` where Duo does not let it be cleared.
pub(super) fn cleared(key: &Key) -> Option<Value> {
    match key.shape {
        _ if REQUIRED.contains(&key.name) => None,
        _ if key.nullable => Some(Value::Null),
        Shape::Flag if OFF.contains(&key.name) => Some(Value::Bool(false)),
        Shape::List(_, 0, _) => Some(Value::Array(Vec::new())),
        _ => None,
    }
}

/// The document: one of its keys, by the application's type.
pub static DOCUMENT: Object = Object {
    foreign: |key| match key {
        "idp_metadata" => Some(Problem {
            code: Code::InvalidValue,
            message: "belongs to Duo, which makes it itself".to_owned(),
            help: "remove it; `duoctl plan` never compares it".to_owned(),
        }),
        _ => None,
    },
    ..Object::new(
        "an `sso` document",
        &[
            Key::optional(
                "saml_config",
                Shape::Object(&SAML),
                "SAML settings of the service provider. For SAML types such as `sso-generic`.",
                "{entity_id: \"https://wiki.example.com/meta\", acs_urls: [{url: \"https://wiki.example.com/acs\"}]}",
            ),
            Key::optional(
                "oidc_config",
                Shape::Object(&OIDC),
                "OpenID Connect settings of the relying party. For `sso-oidc-generic`.",
                "{grant_types: {authorization_code: true}, redirect_uris: [\"https://portal.example.com/cb\"], scopes: [{name: openid}]}",
            ),
            Key::optional(
                "oauth_config",
                Shape::Object(&OAUTH),
                "OAuth scopes and clients. For `sso-oauth-client-credentials`.",
                "{scopes: [{id: 5e5c1f3a-0000-4000-8000-000000000001, name: read}]}",
            ),
        ],
    )
};

static SAML: Object = Object::new(
    "`saml_config`",
    &[
        Key::optional(
            "entity_id",
            FILLED,
            "Entity id of the service provider.",
            "https://wiki.example.com/meta",
        ),
        Key::optional(
            "acs_urls",
            Shape::List(&Shape::Object(&ACS_URL), 1, MANY),
            "Assertion consumer service URLs. At least one.",
            "[{url: \"https://wiki.example.com/acs\"}]",
        ),
        Key::optional(
            "nameid_format",
            FILLED,
            "Format of the NameID.",
            "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        )
        .nullable(),
        Key::optional("nameid_attribute", FILLED, "Attribute that the NameID is taken from.", "mail")
            .nullable(),
        Key::optional("sign_assertion", Shape::Flag, "Whether the assertion is signed.", "true"),
        Key::optional("sign_response", Shape::Flag, "Whether the response is signed.", "true"),
        Key::optional(
            "signing_algorithm",
            FILLED,
            "Algorithm of the signature.",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        ),
        Key::optional("encrypt_assertion", Shape::Flag, "Whether the assertion is encrypted.", "false")
            .nullable(),
        Key::optional(
            "assertion_encryption_algorithm",
            TEXT,
            "Algorithm of the assertion's encryption.",
            "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        )
        .nullable(),
        Key::optional(
            "key_transport_encryption_algorithm",
            TEXT,
            "Algorithm of the key's encryption.",
            "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
        )
        .nullable(),
        Key::optional(
            "remote_cert",
            TEXT,
            "Certificate of the service provider, for encryption. PEM text.",
            "\"-----BEGIN CERTIFICATE-----\"",
        )
        .nullable(),
        Key::optional(
            "relaystate",
            TEXT,
            "RelayState sent with a login that Duo begins.",
            "https://wiki.example.com/start",
        )
        .nullable(),
        Key::optional(
            "slo_url",
            TEXT,
            "Single logout URL of the service provider.",
            "https://wiki.example.com/logout",
        )
        .nullable(),
        Key::optional(
            "spinitiated_url",
            TEXT,
            "URL where a login begins at the service provider.",
            "https://wiki.example.com/login",
        )
        .nullable(),
        Key::optional(
            "mapped_attrs",
            Shape::Entries(&texts::ANY, &TEXTS),
            "Attributes to send. Bridge attribute on the left, SAML attribute on the right.",
            "{\"<Email Address>\": mail}",
        )
        .nullable(),
        Key::optional(
            "static_attrs",
            Shape::Entries(&texts::ANY, &TEXTS),
            "Attributes with fixed values.",
            "{tenant: acme}",
        )
        .nullable(),
        Key::optional(
            "role_attrs",
            Shape::Entries(&texts::ANY, &Shape::Either(&[TEXT, Shape::Entries(&texts::ANY, &GROUPS)])),
            "Attributes by group. For each attribute, the groups that get each value, named as in `groups_allowed`.",
            "{role: {admin: [Wiki Admins]}}",
        )
        .nullable(),
        Key::optional(
            "attribute_transformations",
            Shape::Entries(&texts::ANY, &TEXT),
            "Small programs that make attributes.",
            "{nick: 'use \"<Username>\"'}",
        )
        .nullable(),
    ],
);

static ACS_URL: Object = Object::new(
    "an item of `acs_urls`",
    &[
        Key::required("url", FILLED, "The URL.", "https://wiki.example.com/acs"),
        Key::optional("binding", TEXT, "SAML binding.", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")
            .nullable(),
        Key::optional("isDefault", Shape::Flag, "Whether it is the default one.", "true").nullable(),
        Key::optional("index", Shape::Whole(0, 65_535), "Its index.", "0").nullable(),
    ],
);

static OIDC: Object = Object::new(
    "`oidc_config`",
    &[
        Key::optional(
            "grant_types",
            Shape::Entries(&texts::ANY, &Shape::Either(&[Shape::Flag, Shape::Object(&GRANT)])),
            "Grant types, each with true or with its settings.",
            "{authorization_code: true}",
        ),
        Key::optional(
            "redirect_uris",
            Shape::List(&FILLED, 1, MANY),
            "URIs that users are sent back to.",
            "[\"https://portal.example.com/cb\"]",
        ),
        Key::optional(
            "scopes",
            Shape::List(&Shape::Object(&OIDC_SCOPE), 1, MANY),
            "Scopes that the relying party may ask for.",
            "[{name: openid}]",
        ),
    ],
);

static GRANT: Object = Object::new(
    "a grant type",
    &[
        Key::optional("access_token_lifespan", LIFESPAN, "Lifespan of an access token in seconds.", "3600"),
        Key::optional(
            "allow_pkce_only",
            Shape::Flag,
            "Whether clients without a secret may use PKCE.",
            "false",
        ),
        Key::optional(
            "refresh_token",
            Shape::Either(&[Shape::Flag, Shape::Object(&REFRESH)]),
            "Refresh tokens.",
            "{refresh_token_single_lifespan: 86400}",
        ),
    ],
);

static REFRESH: Object = Object::new(
    "`refresh_token`",
    &[
        Key::optional(
            "refresh_token_chain_lifespan",
            LIFESPAN,
            "Lifespan of a chain of refresh tokens in seconds.",
            "2592000",
        ),
        Key::optional(
            "refresh_token_single_lifespan",
            LIFESPAN,
            "Lifespan of one refresh token in seconds.",
            "86400",
        ),
    ],
);

static OIDC_SCOPE: Object = Object::new(
    "a scope",
    &[
        Key::required("name", FILLED, "Name of the scope.", "email"),
        Key::optional(
            "idp_attribute_claim_mapping",
            Shape::List(&Shape::Object(&CLAIM), 0, MANY),
            "Claims of the scope. `email` and `profile` need them.",
            "[{idp_attribute: mail, oidc_claim: email}]",
        ),
    ],
);

static CLAIM: Object = Object::new(
    "a claim",
    &[
        Key::required("idp_attribute", FILLED, "Attribute that the claim is taken from.", "mail"),
        Key::required("oidc_claim", FILLED, "Name of the claim.", "email"),
    ],
);

static OAUTH: Object = Object::new(
    "`oauth_config`",
    &[
        Key::optional(
            "scopes",
            Shape::List(&Shape::Object(&OAUTH_SCOPE), 0, MANY),
            "Scopes that clients may be given.",
            "[{id: 5e5c1f3a-0000-4000-8000-000000000001, name: read}]",
        ),
        Key::optional(
            "clients",
            Shape::List(&Shape::Object(&CLIENT), 0, MANY),
            "Clients that may ask for tokens.",
            "[{client_id: 5e5c1f3a-0000-4000-8000-000000000002, name: nightly job}]",
        ),
    ],
);

static OAUTH_SCOPE: Object = Object::new(
    "a scope",
    &[
        Key::required(
            "id",
            FILLED,
            "Id of the scope, a UUID of your choice.",
            "5e5c1f3a-0000-4000-8000-000000000001",
        ),
        Key::required("name", FILLED, "Name of the scope.", "read"),
        Key::optional("description", TEXT, "What it is for.", "read the reports").nullable(),
    ],
);

static CLIENT: Object = Object {
    foreign: |key| match key {
        "client_secret" => Some(Problem {
            code: Code::PlainSecret,
            message: "belongs to Duo, which makes it itself".to_owned(),
            help: "remove it; a secret that was committed must be reset".to_owned(),
        }),
        _ => None,
    },
    ..Object::new(
        "a client",
        &[
            Key::required(
                "client_id",
                FILLED,
                "Id of the client, a UUID of your choice.",
                "5e5c1f3a-0000-4000-8000-000000000002",
            ),
            Key::required("name", FILLED, "Name of the client.", "nightly job"),
            Key::optional("description", TEXT, "What it is for.", "fetches the reports").nullable(),
            Key::optional(
                "assigned_scopes_ids",
                Shape::List(&FILLED, 0, MANY),
                "Ids of the scopes it may ask for.",
                "[5e5c1f3a-0000-4000-8000-000000000001]",
            ),
        ],
    )
};
