//! The tables of the language: every key except those of the kinds (design, section 3).

pub mod intelligence;
pub mod stores;
pub mod variables;

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Help, Span};
use crate::duo::catalogue::lookup;
use crate::duo::policy::{self, Edition};
use crate::kinds::Kind;
use crate::kinds::application::entry::{self, APPLICATION};
use crate::kinds::application::fields::DUO;
use crate::kinds::field::UNTIL;
use crate::kinds::group::GROUP;
use crate::kinds::policy::language::{GLOBAL, GLOBAL_POLICY, POLICY};
use crate::kinds::reference::REFERENCE;
use crate::kinds::risk::CONSENTS;
use crate::language::address::ADDRESS;
use crate::language::shape::{Choice, Findings, Key, MANY, Object, Shape, Whole, foreign, one_of, renamed};
use crate::language::similar::suggested;
use crate::language::texts;
use crate::text::shown;
use crate::yaml::{Data, Entry, find};

/// The top level of a file. Required keys are checked for all files of a workspace together.
pub static FILE: Object = Object {
    foreign: || {
        let none = "is not a key of the language";
        vec![
            foreign(
                "identity_intelligence_api",
                none,
                "move it to `api` of the `identity_intelligence` entry",
            ),
            renamed("integrations", none, "applications"),
        ]
    },
    free: Some("x-"),
    whole: Some(Whole { check: |_, _, _| {}, schema: editions }),
    ..Object::new("the file", FILE_KEYS)
};

static FILE_KEYS: &[Key] = &[
    Key::optional(
        "version",
        Shape::Whole(1, 1),
        "Version of the language. Must be set exactly once per workspace.",
        "1",
    ).literal(),
    Key::optional(
        "workspace",
        Shape::Text(&texts::WORKSPACE),
        "Name of the workspace. duoctl writes it into the notes of every application that the workspace owns, so choose a lasting name.",
        "acme-prod",
    ).literal(),
    Key::optional(
        "formerly",
        Shape::Text(&texts::WORKSPACE),
        "Previous name of the workspace. The workspace takes over the applications with that name whose addresses it declares. Written by `duoctl adopt --formerly`; remove it when no application has the old name.",
        "acme",
    ).literal(),
    Key::optional(
        "vars",
        Shape::Entries(&variables::NAME, &Shape::Object(&variables::VARIABLE)),
        "Variables that the caller sets with `--var NAME=VALUE` or the environment variable `DUOCTL_VAR_NAME` (in upper case). `${vars.NAME}` inserts a variable into values, but not into names, secrets, `credentials` and secret stores. `$${` is a literal `${`.",
        "{host: {default: api-1a2b3c4d.duosecurity.com, description: staging or production}}",
    )
    .literal(),
    Key::optional(
        "tenant",
        Shape::Object(&TENANT),
        "The Duo account. Must be set exactly once per workspace.",
        "{api_hostname: api-1a2b3c4d.duosecurity.com}",
    )
    .link(("Duo's documentation", "https://duo.com/docs/adminapi#first-steps")),
    Key::optional(
        "authoritative",
        Shape::Flag,
        "Treat fields that are left out as unset. A policy attached in Duo, or an option switched on there, then is drift even if the YAML does not mention it. Applications, their defaults and the applications of `identity_intelligence` can override it.",
        "true",
    )
    .default("false"),
    Key::optional(
        "groups",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Object(&GROUP)),
        "Groups that this workspace owns, by address. Their members are not managed.",
        "{contractors: {name: Contractors, description: External staff}}",
    )
    .link(("Duo's documentation", "https://duo.com/docs/adminapi#groups")),
    Key::optional(
        "policies",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Object(&POLICY)),
        "Policies that this workspace owns, by address. A policy is removed only by an entry of `removed`.",
        "{contractors: {name: Contractors, new_user: deny}}",
    )
    .link(("Duo's documentation", "https://duo.com/docs/policy")),
    Key::optional(
        GLOBAL,
        Shape::Object(&GLOBAL_POLICY),
        "Sections of the global policy. It applies wherever no other policy has the section, and cannot be deleted.",
        "{authentication_methods: {blocked: [sms, phonecall, bypass]}}",
    )
    .link(("Duo's documentation", "https://duo.com/docs/policy#global-policy")),
    Key::optional(
        "identity_intelligence",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Object(&intelligence::ENTRY)),
        "Connections to Cisco Identity Intelligence. Each expands to the applications it needs and the values for its console.",
        "{emea: {display_name: Duo EMEA, access: read_only}}",
    )
    .link((
        "Identity Intelligence's documentation",
        "https://docs.oort.io/integrations/duo-security-integration",
    )),
    Key::optional(
        "applications",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Object(&APPLICATION)),
        "Applications that this workspace owns, by address. All other applications are not managed.",
        "{vpn: {type: radius, name: VPN, user_access: no_users}}",
    )
    .link(DUO),
    Key::optional(
        "defaults",
        Shape::Object(&DEFAULTS),
        "Values for fields that an application leaves out.",
        "{applications: {self_service_allowed: false}}",
    ),
    Key::optional(
        "removed",
        Shape::Entries(&ADDRESS, &Shape::Either(&[Shape::Choice(REMOVALS), Shape::Object(&LET_GO)])),
        "What happens to applications whose addresses are no longer in the YAML. `retain` stops managing them and leaves them unchanged; `delete` quarantines them and deletes them later, like --prune. `{attested: FINGERPRINT}` records that an `identity_intelligence` entry was removed from its console. Without an entry here, they are reported, and removed with --prune.",
        "{applications.old-vpn: retain}",
    ),
    Key::optional(
        "secret_stores",
        Shape::Entries(&texts::ADDRESS_KEY, &Shape::Object(&stores::STORE)),
        "Secret stores that keys are delivered to, by name.",
        "{vault: {type: vault, address: \"https://vault.example.com\", mount: kv, token: {env: VAULT_TOKEN}}}",
    ).literal(),
    Key::optional(
        "guards",
        Shape::Object(&GUARDS),
        "Limits for plans. A plan beyond them is refused without consent.",
        "{max_changes: 30%, max_deletes: 3}",
    ),
    Key::optional(
        "suppress",
        Shape::List(&Shape::Object(&SUPPRESSION), 0, MANY),
        "Warnings and notes to hide.",
        "[{code: possible-duplicate, address: applications.wiki, reason: two wikis}]",
    )
    .default("[]"),
];

/// What happens to an application that left the YAML.
const REMOVALS: &[Choice] = &[
    Choice::new(
        "retain",
        "stop managing the application: its marker is removed, and access removed by a quarantine is restored",
    ),
    Choice::new("delete", "quarantine the application, and delete it after the quarantine"),
];

/// What happens to an entry of `identity_intelligence`, or to a policy, that left the YAML.
static LET_GO: Object = Object {
    whole: Some(Whole { check: attested_or_deleted, schema: attested_or_deleted_schema }),
    ..Object::new(
        "a removal",
        &[
            Key::optional(
                "attested",
                Shape::Text(&texts::FINGERPRINT),
                "Confirms that the entry was removed from the console. Written by `duoctl attest`; remove it after the entry's applications are deleted.",
                "7f3a9c21",
            )
            .literal(),
            Key::optional(
                "delete",
                REFERENCE,
                "The policy to delete. Plain text is its name in Duo; `{id: ID}` names it by its ID. Nothing in Duo shows which policy an address meant.",
                "Contractors",
            ),
        ],
    )
};

fn attested_or_deleted(entries: &[Entry], at: Span, findings: &mut Findings) {
    let known = entries.iter().all(|entry| matches!(entry.key.value.as_str(), "attested" | "delete"));
    if known && entries.len() != 1 {
        findings.push(
            Diagnostic::error(Code::InvalidValue, at, "a removal needs either `attested` or `delete`")
                .help("`attested` is for entries of `identity_intelligence`, `delete` for policies"),
        );
    }
}

fn attested_or_deleted_schema(schema: &mut Map<String, Value>) {
    let message = "Needs either `attested` (entries of `identity_intelligence`) or `delete` (policies).";
    schema.insert("allOf".to_owned(), json!(one_of(&["attested", "delete"], message)));
}

/// The schema's part of the rule about endpoints, which looks at several files in the parser.
fn editions(schema: &mut Map<String, Value>) {
    let small: Vec<&str> =
        PLANS.iter().map(|plan| plan.value).take_while(|plan| *plan != ENDPOINTS_FROM).collect();
    let message = "`endpoints` needs Duo Advantage or Premier: write false, or correct `tenant.plan`.";
    let off = json!({"properties": {"endpoints": {
        "if": {"type": "boolean"},
        "then": {"const": false, "errorMessage": message},
    }}});
    schema.insert(
        "if".to_owned(),
        json!({
            "properties": {"tenant": {"properties": {"plan": {"enum": small}}, "required": ["plan"]}},
            "required": ["tenant"],
        }),
    );
    let larger = policy::sections().iter().filter(|section| section.edition > Edition::Essentials);
    let larger: Map<String, Value> = larger.map(|section| (section.name.to_owned(), json!(false))).collect();
    let message = "This section needs Duo Advantage or Premier: remove it, or correct `tenant.plan`.";
    let smaller = json!({"properties": larger, "errorMessage": message});
    schema.insert(
        "then".to_owned(),
        json!({"properties": {
            "identity_intelligence": {"additionalProperties": off},
            "policies": {"additionalProperties": smaller},
            GLOBAL: smaller,
        }}),
    );
}

/// The smallest plan with endpoints.
const ENDPOINTS_FROM: &str = "advantage";

/// `tenant`.
pub static TENANT: Object = Object {
    foreign: || {
        let host = ["host", "hostname", "url", "api_host"]
            .map(|key| renamed(key, "is not a key of a tenant", "api_hostname"));
        let keys = ["integration_key", "secret_key"]
            .map(|key| foreign(key, "must not be directly under `tenant`", "move it to `credentials`"));
        host.into_iter().chain(keys).collect()
    },
    ..Object::new(
        "the tenant",
        &[
            Key::required(
                "api_hostname",
                Shape::Text(&texts::HOSTNAME),
                "API hostname of the account. Without https://, path or port.",
                "api-1a2b3c4d.duosecurity.com",
            ),
            Key::optional(
                "plan",
                Shape::Choice(PLANS),
                "Duo plan of the account. duoctl checks that the plan includes the configured features.",
                "advantage",
            ),
            Key::optional(
                "credentials",
                Shape::Object(&CREDENTIALS),
                "Keys of the Admin API application that duoctl uses. Not needed with --sandbox.",
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
            Shape::Source { plain: Some(&texts::INTEGRATION_KEY) },
            "Integration key of the Admin API application that duoctl uses.",
            "{env: DUO_IKEY}",
        ),
        Key::required(
            "secret_key",
            Shape::Source { plain: None },
            "Source of the secret key. Never the key itself.",
            "{env: DUO_SKEY}",
        ),
        Key::optional(
            "recovery",
            Shape::Object(&RECOVERY_CREDENTIALS),
            "Keys of a second Admin API application, the recovery key. In Duo, a key cannot rotate itself, so the recovery key rotates the operator's key. It also makes changes to the operator's application, and reverts them if the operator stops working.",
            "{integration_key: {env: DUO_RECOVERY_IKEY}, secret_key: {env: DUO_RECOVERY_SKEY}}",
        ),
        Key::optional(
            "state_keys",
            Shape::List(&STATE_KEY, 1, 5),
            "Keys that seal the markers in the notes of applications, so that people who edit notes cannot forge them. The first one seals, all of them verify. Use the same keys in every pipeline and workstation that uses this workspace. With a key of your own, other Admin API keys, which can read duoctl's secret key, cannot forge markers either.",
            "[{env: DUO_STATE_KEY}, operator]",
        )
        .default("[operator, recovery]"),
    ],
);

static STATE_KEY: Shape = Shape::Either(&[Shape::Choice(STATE_KEYS), Shape::Source { plain: None }]);

const STATE_KEYS: &[Choice] = &[
    Choice::new("operator", "the secret key of the application that duoctl uses"),
    Choice::new("recovery", "the secret key of the recovery application"),
];

/// `tenant.credentials.recovery`.
pub static RECOVERY_CREDENTIALS: Object = Object::new(
    "the recovery key",
    &[
        Key::required(
            "integration_key",
            Shape::Source { plain: Some(&texts::INTEGRATION_KEY) },
            "Integration key of the recovery Admin API application.",
            "{env: DUO_RECOVERY_IKEY}",
        ),
        Key::required(
            "secret_key",
            Shape::Source { plain: None },
            "Source of the secret key. Never the key itself.",
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
        "Values for every application whose type has the field. Values of `types` and of the application itself win.",
        "{self_service_allowed: false}",
    ),
    Key::optional(
        "types",
        Shape::Entries(&texts::LINE, &Shape::Object(&entry::DEFAULTS)),
        "Values for every application of a type. Values of the application itself win.",
        "{radius: {username_normalization_policy: simple}}",
    ),
];

/// Warns about unknown types, which Duo may have added recently, and reports defaults for fields that a type does not have.
fn fields_of_types(entries: &[Entry], _: Span, findings: &mut Findings) {
    let Some(Data::Mapping(types)) = find(entries, "types").map(|entry| &entry.value.data) else { return };
    for Entry { key, value } in types {
        let Some(kind) = lookup(&key.value) else {
            let message = format!("duoctl does not know the type {}", shown(&key.value));
            let help = suggested(&key.value, entry::type_names(|_| true));
            let help =
                help.unwrap_or_else(|| "check the spelling; types that Duo added recently work, too".into());
            findings.push(Diagnostic::warning(Code::UnknownType, key.span, message).help(help));
            continue;
        };
        let Data::Mapping(fields) = &value.data else { continue };
        for field in fields.iter().filter(|entry| {
            Kind::Application.field(&entry.key.value).is_some_and(|field| !field.applies_to(Some(kind)))
        }) {
            let message = format!("an application of type `{}` has no `{}`", kind.name, field.key.value);
            findings.push(
                Diagnostic::error(Code::FieldNotApplicable, field.key.span, message)
                    .help(Help::removing("remove it")),
            );
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
            "Maximum percentage of owned applications that one run may change. Applies from ten owned applications.",
            "30%",
        ).default("30%"),
        Key::optional(
            "max_deletes",
            Shape::Whole(0, 1_000_000),
            "Maximum number of applications that one run may delete.",
            "3",
        ).default("3"),
        Key::optional(
            "quarantine_days",
            Shape::Whole(0, 3650),
            "Number of days that a removed application stays quarantined before it can be deleted.",
            "14",
        ).default("14"),
        Key::optional(
            "allow",
            Shape::List(&Shape::Object(&ALLOWANCE), 0, MANY),
            "Permanent consents to changes that guards refuse.",
            "[{risk: widens_access, address: applications.wiki, reason: ticket 4711, until: 2027-06-30}]",
        ).default("[]"),
        Key::optional(
            "caller_address",
            Shape::Text(&texts::IP),
            "Source IP address of duoctl as seen by Duo. Used to refuse changes that would lock out duoctl itself.",
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
            "Name of the consent, as printed by a refusal.",
            "widens_access",
        ),
        Key::optional(
            "address",
            Shape::Text(&texts::FILLED),
            "Limits the consent to an address. `*` matches any characters.",
            "applications.wiki",
        ),
        Key::required("reason", Shape::Text(&texts::FILLED), "Why the entry is needed.", "ticket 4711"),
        UNTIL,
    ],
);

/// An entry of `suppress`.
pub static SUPPRESSION: Object = Object::new(
    "an item of `suppress`",
    &[
        Key::required("code", Shape::Choice(SUPPRESSIBLE), "Code of the finding.", "possible-duplicate"),
        Key::optional(
            "address",
            Shape::Text(&texts::FILLED),
            "Limits the entry to an address. `*` matches any characters; an `identity_intelligence` entry includes its applications.",
            "applications.wiki",
        ),
        Key::required("reason", Shape::Text(&texts::FILLED), "Why the entry is needed.", "two wikis"),
        UNTIL,
    ],
);

/// The findings that can be suppressed: those that need no action.
pub const SUPPRESSIBLE: &[Choice] = &[
    Choice::new("deceptive-name", "a name contains an invisible character, or one that looks like another"),
    Choice::new("possible-duplicate", "an unowned application looks like one that would be created"),
    Choice::new("not-compared", "a field of an authoritative application cannot be compared"),
    Choice::new("recommended", "an entry leaves out something that the vendor recommends"),
];
