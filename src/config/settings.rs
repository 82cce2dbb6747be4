//! The one table of an application's fields as the YAML knows them. It drives the parser, the rule of which type has
//! which field, the JSON Schema and the YAML reference.

use crate::duo::catalogue::{Family, Kind, PERMISSIONS};

use super::diagnostic::Code;
use super::language;
use super::shape::{Choice, Key, Object, Problem, Shape, TextRule};
use super::sso;
use super::texts;

/// A field of an application.
#[derive(Clone, Copy, Debug)]
pub struct SettingSpec {
    /// Its key, the shape of its value, and what it is for.
    pub key: Key,
    /// Whose field it is.
    pub owner: Owner,
    /// Whether a family of types has it; a type that is not known has every field.
    pub applies: fn(Family) -> bool,
    /// Whether it may stand under `defaults.applications`. Who may do what is said at the application itself.
    pub defaultable: bool,
    /// The section of Duo's or duoctl's documentation that explains it.
    pub link: &'static str,
}

/// Whose field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It says which application is meant.
    Identity,
    /// Duo holds it: it is compared and sent.
    Duo,
    /// duoctl's own: how it deals with the application.
    Duoctl,
}

impl SettingSpec {
    /// Whether a type of application has the field.
    pub fn applies_to(&self, kind: Option<&Kind>) -> bool {
        kind.is_none_or(|kind| (self.applies)(kind.family))
    }
}

/// A field by its YAML key.
pub fn setting(key: &str) -> Option<&'static SettingSpec> {
    SETTINGS.iter().find(|setting| setting.key.name == key)
}

/// The words of `permissions` and `extra_permissions`.
pub const PERMISSION_CHOICES: &[Choice] = &{
    let mut choices = [Choice::new("", ""); PERMISSIONS.len()];
    let (mut left, mut rest) = (choices.as_mut_slice(), PERMISSIONS);
    while let ([choice, more @ ..], [permission, others @ ..]) = (left, rest) {
        *choice = Choice::new(permission.name, permission.description);
        (left, rest) = (more, others);
    }
    choices
};

/// What a person may choose for `user_access`.
pub const USER_ACCESS: &[Choice] = &[
    Choice::new("all_users", "every user of the account may log in"),
    Choice::new("permitted_groups", "only users of the groups in `groups_allowed` may log in"),
    Choice::new("no_users", "nobody may log in"),
];

const NORMALIZATION: &[Choice] = &[
    Choice::new("none", "usernames are taken as they are typed"),
    Choice::new("simple", "DOMAIN\\user and user@example.com both mean user"),
];

/// The most groups that Duo takes (duo-api.md, section 3.3).
pub const MOST_GROUPS: usize = 100;

/// An entry of `ignore`.
pub static IGNORE: Object = Object::new(
    "an item of `ignore`",
    &[
        Key::required("field", Shape::Text(&IGNORED_FIELD), "The field, by its YAML key.", "greeting"),
        Key::required(
            "reason",
            Shape::Text(&texts::FILLED),
            "Why, and until when.",
            "help desk edits it, until 2027",
        ),
    ],
);

/// A field that can differ from Duo.
static IGNORED_FIELD: TextRule = TextRule {
    pattern: "^(name|user_access|groups_allowed|policy|permissions|networks_for_api_access|prompt_v4_enabled|self_service_allowed|username_normalization_policy|greeting|notes|sso)$",
    check: |text| {
        let known =
            || SETTINGS.iter().filter(|s| s.owner == Owner::Duo || s.key.name == "name").map(|s| s.key.name);
        if known().any(|name| name == text) {
            return Ok(());
        }
        let help = super::similar::did_you_mean(text, known())
            .unwrap_or_else(|| format!("the fields are {}", known().collect::<Vec<_>>().join(", ")));
        Err(Problem::invalid("is not a field that can be ignored", help))
    },
    numeric: false,
};

fn every(_: Family) -> bool {
    true
}

/// Fields of applications that users log in to; the Admin API and the Accounts API have no users.
fn users(family: Family) -> bool {
    !matches!(family, Family::AdminApi | Family::AccountsApi)
}

fn browser(family: Family) -> bool {
    users(family) && !matches!(family, Family::AuthApi | Family::Native)
}

fn admin_api(family: Family) -> bool {
    family == Family::AdminApi
}

fn api_keys(family: Family) -> bool {
    matches!(family, Family::AdminApi | Family::AccountsApi)
}

fn single_sign_on(family: Family) -> bool {
    matches!(family, Family::Saml | Family::Oidc | Family::OAuth)
}

const INTEGRATIONS: &str = "https://duo.com/docs/adminapi#integrations";
const LANGUAGE: &str = "docs/yaml.md";

const fn identity(key: Key) -> SettingSpec {
    SettingSpec { key, owner: Owner::Identity, applies: every, defaultable: false, link: INTEGRATIONS }
}

const fn duo(key: Key, applies: fn(Family) -> bool) -> SettingSpec {
    SettingSpec { key, owner: Owner::Duo, applies, defaultable: true, link: INTEGRATIONS }
}

const fn access(key: Key, applies: fn(Family) -> bool) -> SettingSpec {
    SettingSpec { defaultable: false, ..duo(key, applies) }
}

const fn duoctl(key: Key, defaultable: bool) -> SettingSpec {
    SettingSpec { key, owner: Owner::Duoctl, applies: every, defaultable, link: LANGUAGE }
}

/// Every field of an application, in the order in which a person would write them.
pub static SETTINGS: &[SettingSpec] = &[
    identity(Key::required("type", Shape::Text(&texts::LINE), "Type of the application, as Duo's API names it. It cannot be changed later without a new application.", "radius")),
    identity(Key::required("name", Shape::Text(&texts::LINE), "Name of the application in Duo. Users may see it.", "VPN")),
    identity(Key::optional("integration_key", Shape::Text(&texts::INTEGRATION_KEY), "Pins one live application, for adoption when type and name are not enough.", "DIXXXXXXXXXXXXXXXXXX")),
    access(Key::required("user_access", Shape::Choice(USER_ACCESS), "Who may log in. Always written down, since Duo's default for a new application has changed over time.", "permitted_groups"), every),
    access(Key::optional("groups_allowed", Shape::List(&Shape::Text(&texts::FILLED), 1, MOST_GROUPS), "Groups whose users may log in, by name or by id. Only with `user_access: permitted_groups`.", "[VPN Users, Contractors]").nullable(), users),
    duo(Key::optional("policy", Shape::Text(&texts::FILLED), "Policy attached to the application, by name or by key. null detaches.", "Require trusted endpoints").nullable(), users),
    access(Key::optional("permissions", Shape::List(&Shape::Choice(PERMISSION_CHOICES), 0, PERMISSIONS.len()), "What an Admin API application may do. Exactly these; the rest are revoked.", "[info, read_log]"), admin_api),
    duo(Key::optional("networks_for_api_access", Shape::List(&Shape::Text(&texts::NETWORK), 1, usize::MAX), "Addresses that the keys may be used from. Addresses, ranges and CIDR blocks; null lifts the restriction.", "[192.0.2.0/24]").nullable(), api_keys),
    duo(Key::optional("prompt_v4_enabled", Shape::Flag, "Whether the Universal Prompt is on. Duo shows it only once it has seen the application ready for it.", "true"), browser),
    duo(Key::optional("self_service_allowed", Shape::Flag, "Whether users may manage their own devices at the prompt.", "false"), users),
    duo(Key::optional("username_normalization_policy", Shape::Choice(NORMALIZATION), "How usernames are compared.", "simple"), users),
    duo(Key::optional("greeting", Shape::Text(&texts::ANY), "Text that is read out before a phone call-back. null clears it.", "Acme VPN login").nullable(), users),
    duo(Key::optional("notes", Shape::Text(&texts::ANY), "Notes for administrators. duoctl adds its marker after them.", "Owned by the network team").nullable(), every),
    access(Key::optional("sso", Shape::Object(&sso::DOCUMENT), "Settings of a Duo Single Sign-On application. Only what is written is compared.", "{saml_config: {entity_id: \"https://wiki.example.com/meta\", acs_urls: [{url: \"https://wiki.example.com/acs\"}]}}"), single_sign_on),
    duoctl(Key::optional("secret", Shape::Object(&language::SECRET_TARGET), "Where the application's secret key is delivered.", "{store: vault, path: vpn}"), false),
    duoctl(Key::optional("max_age", Shape::Text(&texts::AGE), "How old its key may become. An older one is a finding, and changes of the application wait until it is rotated.", "90d"), true),
    duoctl(Key::optional("protect", Shape::Flag, "Refuses to delete, replace or quarantine the application.", "true").default("false"), true),
    duoctl(Key::optional("ignore", Shape::List(&Shape::Object(&IGNORE), 0, usize::MAX), "Fields whose difference is left alone, each with a reason.", "[{field: greeting, reason: help desk edits it}]").default("[]"), true),
];

/// What to say of keys that Duo's API has, or had, and the language does not.
pub fn foreign(key: &str) -> Option<Problem> {
    let legacy = |message: &str, help: &str| {
        Some(Problem { code: Code::LegacyField, message: message.to_owned(), help: help.to_owned() })
    };
    let renamed = |help: &str| {
        Some(Problem {
            code: Code::UnknownKey,
            message: "is not a key of an application".to_owned(),
            help: help.to_owned(),
        })
    };
    match key {
        "enroll_policy" => legacy("is a legacy field that Duo no longer acts on", "the policy section `new_user` replaced it: set it in the policy and name that with `policy`"),
        "trusted_device_days" => legacy("is a legacy field that Duo no longer acts on", "the policy section `remembered_devices` replaced it: set it in the policy and name that with `policy`"),
        "ip_whitelist" | "ip_whitelist_enroll_policy" => legacy("is a legacy field that Duo no longer acts on", "the policy section `authorized_networks` replaced it: set it in the policy and name that with `policy`"),
        "visual_style" => legacy("is a legacy field that Duo ignores", "remove it: nothing replaced it"),
        "policy_key" => renamed("write `policy`, with the policy's name or its key"),
        "groups" => renamed("write `groups_allowed`"),
        "ikey" => renamed("write `integration_key`"),
        "frameless_auth_prompt_enabled" => renamed("Duo sets it itself; `prompt_v4_enabled` turns the Universal Prompt on"),
        "skey" | "secret_key" => Some(Problem {
            code: Code::PlainSecret,
            message: "does not belong into the YAML".to_owned(),
            help: "Duo makes the secret key; `secret: {store, path}` says where it is delivered. A secret that was committed must be reset".to_owned(),
        }),
        "reset_secret_key" => renamed("a new secret key is made by `duoctl rotate ADDRESS`"),
        _ => {
            let permission = key.strip_prefix("adminapi_")?;
            PERMISSIONS.iter().find(|known| known.name == permission)?;
            renamed(&format!("add `{permission}` to `permissions`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::catalogue::lookup;

    fn has(kind: &str, key: &str) -> bool {
        setting(key).expect("a field").applies_to(Some(lookup(kind).expect("a type")))
    }

    #[test]
    fn each_type_has_its_own_fields() {
        assert!(has("adminapi", "permissions") && !has("radius", "permissions"));
        assert!(has("accountsapi", "networks_for_api_access") && !has("websdk", "networks_for_api_access"));
        assert!(has("sso-generic", "sso") && !has("websdk", "sso"));
        assert!(has("websdk", "prompt_v4_enabled") && !has("unix", "prompt_v4_enabled"));
        for key in
            ["groups_allowed", "policy", "self_service_allowed", "greeting", "username_normalization_policy"]
        {
            assert!(has("radius", key) && !has("adminapi", key) && !has("accountsapi", key), "{key}");
        }
        assert!(setting("permissions").expect("a field").applies_to(None));
    }

    #[test]
    fn the_pattern_of_ignored_fields_is_the_table() {
        let mut names: Vec<_> = SETTINGS
            .iter()
            .filter(|s| s.owner == Owner::Duo || s.key.name == "name")
            .map(|s| s.key.name)
            .collect();
        let pattern = format!("^({})$", names.join("|"));
        assert_eq!(IGNORED_FIELD.pattern, pattern);
        names.dedup();
        assert!(names.iter().all(|name| (IGNORED_FIELD.check)(name).is_ok()));
    }
}
