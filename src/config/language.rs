//! The tables of the language: every key outside of what each kind brings along (design, section 3).

pub mod intelligence;
pub mod stores;
pub mod variables;

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::duo::catalogue::lookup;
use crate::kinds::application::entry::{self, APPLICATION};
use crate::kinds::application::fields::{DUO, UNTIL, field};
use crate::kinds::risk::CONSENTS;
use crate::language::address::ADDRESS;
use crate::language::shape::{Choice, Findings, Key, MANY, Object, Problem, Shape, Whole};
use crate::language::similar::did_you_mean;
use crate::language::texts;
use crate::text::shown;
use crate::yaml::{Data, Entry, find};

/// The top level of a file. Which keys a workspace needs is decided over all of its files.
pub static FILE: Object = Object {
    foreign: |key| match key {
        "identity_intelligence_api" => Some(Problem {
            code: Code::UnknownKey,
            message: "is not a key of the language".to_owned(),
            help: "write it as `api` of the entry of `identity_intelligence`".to_owned(),
        }),
        "integrations" => Some(Problem {
            code: Code::UnknownKey,
            message: "is not a key of the language".to_owned(),
            help: "duoctl says `applications`".to_owned(),
        }),
        _ => None,
    },
    free: Some("x-"),
    ..Object::new("the file", FILE_KEYS)
};

static FILE_KEYS: &[Key] = &[
    Key::optional(
        "version",
        Shape::Whole(1, 1),
        "Version of the language. Stands exactly once in a workspace.",
        "1",
    ).literal(),
    Key::optional(
        "workspace",
        Shape::Text(&texts::WORKSPACE),
        "Name of the workspace. It is written into the notes of every application that the workspace owns, so choose it once.",
        "acme-prod",
    ).literal(),
    Key::optional(
        "formerly",
        Shape::Text(&texts::WORKSPACE),
        "Name that the workspace had before. It takes over the applications of that name whose addresses it declares. Written by `duoctl adopt --formerly`; no longer needed once no application carries the old name.",
        "acme",
    ).literal(),
    Key::optional(
        "vars",
        Shape::Entries(&variables::NAME, &Shape::Object(&variables::VARIABLE)),
        "Values that the caller sets with `--var NAME=VALUE` or the environment variable `DUOCTL_VAR_NAME` (in upper case). `${vars.NAME}` stands for them in values, but not in names, secrets, `credentials` and secret stores. `$${` stands for the text `${`.",
        "{host: {default: api-1a2b3c4d.duosecurity.com, description: staging or production}}",
    )
    .literal(),
    Key::optional(
        "tenant",
        Shape::Object(&TENANT),
        "The Duo account. Stands exactly once in a workspace.",
        "{api_hostname: api-1a2b3c4d.duosecurity.com}",
    )
    .link(("Duo's documentation", "https://duo.com/docs/adminapi#first-steps")),
    Key::optional(
        "authoritative",
        Shape::Flag,
        "Whether what is left out counts as unset. Then a policy attached in Duo, or an option switched on there, is drift although the YAML does not mention it. Applications, their defaults and the applications of `identity_intelligence` may say otherwise.",
        "true",
    )
    .default("false"),
    Key::optional(
        "identity_intelligence",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Object(&intelligence::ENTRY)),
        "Connections to Cisco Identity Intelligence. Each expands into the applications it needs and the sheet for its console.",
        "{emea: {display_name: Duo EMEA, access: read_only}}",
    )
    .link((
        "Identity Intelligence's documentation",
        "https://docs.oort.io/integrations/duo-security-integration",
    )),
    Key::optional(
        "applications",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Object(&APPLICATION)),
        "The applications of the account that this workspace owns, by address. What is not named here is left alone.",
        "{vpn: {type: radius, name: VPN, user_access: no_users}}",
    )
    .link(DUO),
    Key::optional(
        "defaults",
        Shape::Object(&DEFAULTS),
        "Values for what an application leaves out.",
        "{applications: {self_service_allowed: false}}",
    ),
    Key::optional(
        "removed",
        Shape::Entries(&ADDRESS, &Shape::Either(&[Shape::Choice(REMOVALS), Shape::Object(&LET_GO)])),
        "Addresses that left the YAML, and what becomes of their applications: `retain` forgets them and leaves them as they are, `delete` quarantines them and deletes them later as --prune does. `{attested: FINGERPRINT}` says that the console let an entry of `identity_intelligence` go. Without an entry they are reported, and removed with --prune.",
        "{applications.old-vpn: retain}",
    ),
    Key::optional(
        "secret_stores",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Object(&stores::STORE)),
        "Places that secret keys are delivered to, by name.",
        "{vault: {type: vault, address: \"https://vault.example.com\", mount: kv, token: {env: VAULT_TOKEN}}}",
    ).literal(),
    Key::optional(
        "guards",
        Shape::Object(&GUARDS),
        "Limits that a plan must keep to unless someone consents.",
        "{max_changes: 30%, max_deletes: 3}",
    ),
    Key::optional(
        "suppress",
        Shape::List(&Shape::Object(&SUPPRESSION), 0, MANY),
        "Warnings and notes that are not shown.",
        "[{code: possible-duplicate, address: applications.wiki, reason: two wikis}]",
    )
    .default("[]"),
];

/// What becomes of an application that left the YAML.
const REMOVALS: &[Choice] = &[
    Choice::new(
        "retain",
        "the application stays as it is, and duoctl forgets it: its marker goes; what a quarantine took away is given back",
    ),
    Choice::new("delete", "the application is quarantined, and deleted once the quarantine is over"),
];

/// What a person says of an entry that left `identity_intelligence`.
static LET_GO: Object = Object::new(
    "an attestation",
    &[Key::required(
        "attested",
        Shape::Text(&texts::FINGERPRINT),
        "Fingerprint by which a person says that the console let the entry go. Written by `duoctl attest`; no longer needed once the entry's applications are deleted.",
        "7f3a9c21",
    )
    .literal()],
);

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
            )
            .literal(),
            Key::optional(
                "ca_file",
                Shape::Text(&texts::FILLED),
                "File with certificate authorities to trust in addition to `tls_roots`. Relative to the workspace's folder.",
                "corporate-ca.pem",
            ),
            Key::optional(
                "tls_roots",
                Shape::Choice(stores::TLS_ROOTS),
                "Which certificate authorities to trust for Duo and Identity Intelligence.",
                "system",
            )
            .default("bundled"),
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
        Key::optional(
            "recovery",
            Shape::Object(&RECOVERY_CREDENTIALS),
            "Keys of another Admin API application, the recovery key. It rotates the operator's key, which no key can do to itself in Duo, and makes the changes of the operator's application: if the operator stops working, it takes them back.",
            "{integration_key: {env: DUO_RECOVERY_IKEY}, secret_key: {env: DUO_RECOVERY_SKEY}}",
        ),
        Key::optional(
            "state_keys",
            Shape::List(&STATE_KEY, 1, 5),
            "What seals the markers that duoctl writes into the notes of applications, so that whoever edits notes cannot write one. The first one seals, all of them verify. Give the same to every pipeline and workstation that uses this workspace. A key of your own also keeps out other Admin API keys, which can read duoctl's secret key.",
            "[{env: DUO_STATE_KEY}, operator]",
        )
        .default("[operator, recovery]"),
    ],
);

static STATE_KEY: Shape = Shape::Either(&[Shape::Choice(STATE_KEYS), Shape::Source { secret: true }]);

const STATE_KEYS: &[Choice] = &[
    Choice::new("operator", "the secret key of duoctl's own application"),
    Choice::new("recovery", "the secret key of the recovery application"),
];

/// `tenant.credentials.recovery`.
pub static RECOVERY_CREDENTIALS: Object = Object::new(
    "the recovery key",
    &[
        Key::required(
            "integration_key",
            Shape::Source { secret: false },
            "Integration key of the recovery Admin API application.",
            "{env: DUO_RECOVERY_IKEY}",
        ),
        Key::required(
            "secret_key",
            Shape::Source { secret: true },
            "Where its secret key comes from. Never the key itself.",
            "{env: DUO_RECOVERY_SKEY}",
        ),
    ],
);

/// `defaults`.
pub static DEFAULTS: Object = Object {
    whole: Some(Whole { check: fields_of_types, schema: |_| {} }),
    ..Object::new("the defaults", DEFAULTS_KEYS)
};

static DEFAULTS_KEYS: &[Key] = &[
    Key::optional(
        "applications",
        Shape::Object(&entry::DEFAULTS),
        "Values for every application whose type has the field. An application's own value wins, and so does one of `types`.",
        "{self_service_allowed: false}",
    ),
    Key::optional(
        "types",
        Shape::Entries(&texts::LINE, &Shape::Object(&entry::DEFAULTS)),
        "Values for every application of a type. An application's own value wins.",
        "{radius: {username_normalization_policy: simple}}",
    ),
];

/// A type must be known, unless Duo added it lately, and have the fields that get a default.
fn fields_of_types(entries: &[Entry], _: Span, findings: &mut Findings) {
    let Some(Data::Mapping(types)) = find(entries, "types").map(|entry| &entry.value.data) else { return };
    for Entry { key, value } in types {
        let Some(kind) = lookup(&key.value) else {
            let message = format!("duoctl does not know the type {}", shown(&key.value));
            let help = did_you_mean(&key.value, entry::type_names(|_| true));
            let help = help
                .unwrap_or_else(|| "check the spelling; a type that Duo added lately works, too".to_owned());
            findings.push(Diagnostic::warning(Code::UnknownType, key.span, message).help(help));
            continue;
        };
        let Data::Mapping(fields) = &value.data else { continue };
        for field in fields
            .iter()
            .filter(|entry| field(&entry.key.value).is_some_and(|field| !field.applies_to(Some(kind))))
        {
            let message = format!("an application of type `{}` has no `{}`", kind.name, field.key.value);
            findings
                .push(Diagnostic::error(Code::FieldNotApplicable, field.key.span, message).help("remove it"));
        }
    }
}

/// `guards`.
pub static GUARDS: Object = Object::new(
    "the guards",
    &[
        Key::optional(
            "max_changes",
            Shape::Text(&texts::PERCENT),
            "Share of the owned applications that one run may change. Counted from ten owned applications on.",
            "30%",
        ).default("30%"),
        Key::optional(
            "max_deletes",
            Shape::Whole(0, 1_000_000),
            "How many applications one run may delete.",
            "3",
        ).default("3"),
        Key::optional(
            "quarantine_days",
            Shape::Whole(0, 3650),
            "Days that a removed application stays quarantined before it may be deleted.",
            "14",
        ).default("14"),
        Key::optional(
            "allow",
            Shape::List(&Shape::Object(&ALLOWANCE), 0, MANY),
            "Standing consents to what guards refuse.",
            "[{risk: widens_access, address: applications.wiki, reason: ticket 4711, until: 2027-06-30}]",
        ).default("[]"),
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
        Key::required(
            "risk",
            Shape::Choice(CONSENTS),
            "What is consented to, by the name that a refusal prints.",
            "widens_access",
        ),
        Key::optional(
            "address",
            Shape::Text(&texts::FILLED),
            "The address it is limited to. `*` stands for any characters.",
            "applications.wiki",
        ),
        Key::required("reason", Shape::Text(&texts::FILLED), "Why.", "ticket 4711"),
        UNTIL,
    ],
);

/// An entry of `suppress`.
pub static SUPPRESSION: Object = Object::new(
    "an item of `suppress`",
    &[
        Key::required("code", Shape::Choice(SUPPRESSIBLE), "The kind of finding.", "possible-duplicate"),
        Key::optional(
            "address",
            Shape::Text(&texts::FILLED),
            "The address it is limited to. `*` stands for any characters; an entry of `identity_intelligence` stands for its applications, too.",
            "applications.wiki",
        ),
        Key::required("reason", Shape::Text(&texts::FILLED), "Why.", "two wikis"),
        UNTIL,
    ],
);

/// The findings that can be suppressed: what nobody has to do anything about.
pub const SUPPRESSIBLE: &[Choice] = &[
    Choice::new("deceptive-name", "a name contains a character that is invisible or looks like another one"),
    Choice::new("possible-duplicate", "an application without an owner looks like one that would be created"),
    Choice::new("not-compared", "a field of an authoritative application cannot be compared"),
    Choice::new("recommended", "the vendor recommends something that an entry leaves out"),
];
