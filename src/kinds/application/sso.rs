//! The `sso` document of Duo Single Sign-On applications (duo-api.md, section 3.5).

use serde_json::Value;

use crate::diagnostic::{Code, Help};
use crate::kinds::reference::{EXPLICIT, REFERENCE};
use crate::language::shape::{Key, MANY, Object, Problem, Shape, TextRule, foreign};
use crate::language::similar::did_you_mean;
use crate::language::texts;

/// Values that the standards define (SAML 2.0 core, section 8.3; XML Signature and Encryption).
#[derive(Clone, Copy, Debug)]
pub struct Standard {
    /// The key of `saml_config`.
    pub key: &'static str,
    /// The values.
    pub values: &'static [&'static str],
}

impl Standard {
    /// What to write instead of a value that is not one of them.
    pub fn meant(&self, text: &str) -> String {
        let ending = || self.values.iter().find(|known| !text.is_empty() && known.ends_with(text));
        did_you_mean(text, self.values.iter().copied())
            .or_else(|| ending().map(|known| format!("did you mean `{known}`?")))
            .unwrap_or_else(|| format!("the standard values are {}", self.values.join(", ")))
    }

    fn check(&self, text: &str) -> Result<(), Problem> {
        let message = || "is not a URI, which the standards use";
        if texts::is_uri(text) { Ok(()) } else { Err(Problem::invalid(message(), self.meant(text))) }
    }
}

const URI: &str = r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$";
const URI_OR_NONE: &str = r"^([A-Za-z][A-Za-z0-9+.-]*:\S+)?$";

static NAMEID_FORMATS: Standard = Standard {
    key: "nameid_format",
    values: &[
        "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
        "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
        "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
        "urn:oasis:names:tc:SAML:2.0:nameid-format:entity",
        "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
    ],
};

static SIGNATURES: Standard = Standard {
    key: "signing_algorithm",
    values: &[
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    ],
};

static CIPHERS: Standard = Standard {
    key: "assertion_encryption_algorithm",
    values: &[
        "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        "http://www.w3.org/2009/xmlenc11#aes192-gcm",
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    ],
};

static TRANSPORTS: Standard = Standard {
    key: "key_transport_encryption_algorithm",
    values: &[
        "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
        "http://www.w3.org/2009/xmlenc11#rsa-oaep",
    ],
};

/// The keys with standard values.
pub static STANDARDS: [&Standard; 4] = [&NAMEID_FORMATS, &SIGNATURES, &CIPHERS, &TRANSPORTS];

static NAMEID_FORMAT: TextRule =
    TextRule { pattern: URI, check: |text| NAMEID_FORMATS.check(text), numeric: false };
static SIGNATURE: TextRule = TextRule { pattern: URI, check: |text| SIGNATURES.check(text), numeric: false };
// Third parties have seen these empty.
static CIPHER: TextRule = TextRule {
    pattern: URI_OR_NONE,
    check: |text| if text.is_empty() { Ok(()) } else { CIPHERS.check(text) },
    numeric: false,
};
static TRANSPORT: TextRule = TextRule {
    pattern: URI_OR_NONE,
    check: |text| if text.is_empty() { Ok(()) } else { TRANSPORTS.check(text) },
    numeric: false,
};

const TEXT: Shape = Shape::Text(&texts::ANY);
const FILLED: Shape = Shape::Text(&texts::FILLED);
/// One text, or several.
const TEXTS: Shape = Shape::Either(&[TEXT, Shape::List(&TEXT, 0, MANY)]);
/// One group, or several.
const GROUPS: Shape = Shape::Either(&[TEXT, Shape::Object(&EXPLICIT), Shape::List(&REFERENCE, 0, MANY)]);
const LIFESPAN: Shape = Shape::Whole(0, u32::MAX);

/// Switches that are off by default. The defaults of all other switches are not known for certain.
pub const OFF: [&str; 3] = ["encrypt_assertion", "isDefault", "allow_pkce_only"];

/// Settings that Duo requires, although third parties have seen them empty (duo-api.md, correction to section 3.5).
const REQUIRED: [&str; 2] = ["nameid_format", "nameid_attribute"];

/// The value that clears a setting; `None` if Duo cannot clear it.
pub(super) fn cleared(key: &Key) -> Option<Value> {
    match key.shape {
        _ if REQUIRED.contains(&key.name) => None,
        _ if key.nullable => Some(Value::Null),
        Shape::Flag if OFF.contains(&key.name) => Some(Value::Bool(false)),
        Shape::List(_, 0, _) => Some(Value::Array(Vec::new())),
        _ => None,
    }
}

/// The document. The application's type decides which of its keys is used.
pub static DOCUMENT: Object = Object {
    foreign: || {
        let problem =
            Problem::invalid("is generated by Duo", Help::removing("remove it; duoctl never compares it"));
        vec![("idp_metadata".to_owned(), problem)]
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
            "Entity ID of the service provider.",
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
            Shape::Text(&NAMEID_FORMAT),
            "Format of the NameID.",
            "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        )
        .nullable(),
        Key::optional("nameid_attribute", FILLED, "Attribute that provides the NameID.", "mail")
            .nullable(),
        Key::optional("sign_assertion", Shape::Flag, "Sign the assertion.", "true"),
        Key::optional("sign_response", Shape::Flag, "Sign the response.", "true"),
        Key::optional(
            "signing_algorithm",
            Shape::Text(&SIGNATURE),
            "Signature algorithm.",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        ),
        Key::optional("encrypt_assertion", Shape::Flag, "Encrypt the assertion.", "false")
            .nullable(),
        Key::optional(
            "assertion_encryption_algorithm",
            Shape::Text(&CIPHER),
            "Algorithm that encrypts the assertion.",
            "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        )
        .nullable(),
        Key::optional(
            "key_transport_encryption_algorithm",
            Shape::Text(&TRANSPORT),
            "Algorithm that encrypts the key.",
            "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
        )
        .nullable(),
        Key::optional(
            "remote_cert",
            Shape::Text(&texts::PEM),
            "Certificate of the service provider, for encryption. PEM text.",
            "\"-----BEGIN CERTIFICATE-----\"",
        )
        .nullable(),
        Key::optional(
            "relaystate",
            TEXT,
            "RelayState sent with logins that start at Duo.",
            "https://wiki.example.com/start",
        )
        .nullable(),
        Key::optional(
            "slo_url",
            Shape::Text(&texts::WEB_URL_OR_NONE),
            "Single logout URL of the service provider.",
            "https://wiki.example.com/logout",
        )
        .nullable(),
        Key::optional(
            "spinitiated_url",
            Shape::Text(&texts::WEB_URL_OR_NONE),
            "URL where logins start at the service provider.",
            "https://wiki.example.com/login",
        )
        .nullable(),
        Key::optional(
            "mapped_attrs",
            Shape::Entries(&texts::ANY, &TEXTS),
            "Attributes to send. Maps a bridge attribute to a SAML attribute.",
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
            "Attributes by group. Maps each attribute to its values, and each value to groups, named as in `groups_allowed`.",
            "{role: {admin: [Wiki Admins]}}",
        )
        .nullable(),
        Key::optional(
            "attribute_transformations",
            Shape::Entries(&texts::ANY, &TEXT),
            "Scripts that compute attributes.",
            "{nick: 'use \"<Username>\"'}",
        )
        .nullable(),
    ],
);

static ACS_URL: Object = Object::new(
    "an item of `acs_urls`",
    &[
        Key::required("url", Shape::Text(&texts::WEB_URL), "The URL.", "https://wiki.example.com/acs"),
        Key::optional("binding", TEXT, "SAML binding.", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")
            .nullable(),
        Key::optional("isDefault", Shape::Flag, "Make this URL the default.", "true").nullable(),
        Key::optional("index", Shape::Whole(0, 65_535), "Index of the URL.", "0").nullable(),
    ],
);

static OIDC: Object = Object::new(
    "`oidc_config`",
    &[
        Key::optional(
            "grant_types",
            Shape::Entries(&texts::ANY, &Shape::Either(&[Shape::Flag, Shape::Object(&GRANT)])),
            "Grant types. Each is set to `true` or to a mapping with its settings.",
            "{authorization_code: true}",
        ),
        Key::optional(
            "redirect_uris",
            Shape::List(&Shape::Text(&texts::REDIRECT_URI), 1, MANY),
            "URIs that users are redirected to after login.",
            "[\"https://portal.example.com/cb\"]",
        ),
        Key::optional(
            "scopes",
            Shape::List(&Shape::Object(&OIDC_SCOPE), 1, MANY),
            "Scopes that the relying party may request.",
            "[{name: openid}]",
        ),
    ],
);

static GRANT: Object = Object::new(
    "a grant type",
    &[
        Key::optional("access_token_lifespan", LIFESPAN, "Lifespan of an access token in seconds.", "3600"),
        Key::optional("allow_pkce_only", Shape::Flag, "Let clients without a secret use PKCE.", "false"),
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
            "Claims of the scope. Required for `email` and `profile`.",
            "[{idp_attribute: mail, oidc_claim: email}]",
        ),
    ],
);

static CLAIM: Object = Object::new(
    "a claim",
    &[
        Key::required("idp_attribute", FILLED, "Attribute that provides the claim.", "mail"),
        Key::required("oidc_claim", FILLED, "Name of the claim.", "email"),
    ],
);

static OAUTH: Object = Object::new(
    "`oauth_config`",
    &[
        Key::optional(
            "scopes",
            Shape::List(&Shape::Object(&OAUTH_SCOPE), 0, MANY),
            "Scopes that can be granted to clients.",
            "[{id: 5e5c1f3a-0000-4000-8000-000000000001, name: read}]",
        ),
        Key::optional(
            "clients",
            Shape::List(&Shape::Object(&CLIENT), 0, MANY),
            "Clients that may request tokens.",
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
            "ID of the scope, a UUID of your choice.",
            "5e5c1f3a-0000-4000-8000-000000000001",
        ),
        Key::required("name", FILLED, "Name of the scope.", "read"),
        Key::optional("description", TEXT, "Purpose of the entry.", "read the reports").nullable(),
    ],
);

static CLIENT: Object = Object {
    foreign: || {
        let (key, problem) = foreign(
            "client_secret",
            "is generated by Duo",
            Help::removing("remove it; if it was committed or pushed, reset it: it stays in the history"),
        );
        vec![(key, Problem { code: Code::PlainSecret, ..problem })]
    },
    ..Object::new(
        "a client",
        &[
            Key::required(
                "client_id",
                FILLED,
                "ID of the client, a UUID of your choice.",
                "5e5c1f3a-0000-4000-8000-000000000002",
            ),
            Key::required("name", FILLED, "Name of the client.", "nightly job"),
            Key::optional("description", TEXT, "Purpose of the entry.", "fetches the reports").nullable(),
            Key::optional(
                "assigned_scopes_ids",
                Shape::List(&FILLED, 0, MANY),
                "IDs of the scopes that the client may request.",
                "[5e5c1f3a-0000-4000-8000-000000000001]",
            ),
        ],
    )
};
