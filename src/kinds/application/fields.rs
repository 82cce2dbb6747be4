//! The table of an application's fields. It drives the parser, the rules about which type has which field, the JSON
//! schema, the YAML reference, and how each field is compared and sent.

use std::collections::BTreeSet;

use crate::duo::catalogue::{Family, PERMISSIONS};
use crate::duo::object;
use crate::kinds::Kind;
use crate::kinds::field::{
    Clear, Field, Form, Roles as R, Silence, Wire, can_be_ignored, count, ignored, keys,
};
use crate::kinds::flags;
use crate::kinds::reference::REFERENCE;
use crate::language::places::SECRET_TARGET;
use crate::language::shape::{Choice, Key, Link, MANY, Object, Shape, TextRule};
use crate::language::texts;

use super::bindings::{GROUP_POLICIES, GROUP_POLICY};
use super::{
    ACCESS, GROUPS, MOST_GROUPS, NETWORKS, PERMISSION_LIST, PERMISSION_PREFIX, PERMITTED_GROUPS, POLICY,
    UNCERTAIN_PERMISSION, leaves, risks, sso,
};

/// The permissions that Duo shows on an application, held or not, without their prefix.
pub fn known_permissions(live: &object::Object) -> Vec<String> {
    flags::known(live, PERMISSION_PREFIX).map(str::to_owned).collect()
}

/// The permissions that an application holds, without their prefix.
pub fn held_permissions(live: &object::Object) -> BTreeSet<String> {
    flags::set(live, PERMISSION_PREFIX)
}

/// A field by its YAML key.
pub fn field(key: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.key.name == key)
}

/// The values of `permissions` and `extra_permissions`.
pub const PERMISSION_CHOICES: &[Choice] = &{
    let mut choices = [Choice::new("", ""); PERMISSIONS.len()];
    let (mut left, mut rest) = (choices.as_mut_slice(), PERMISSIONS);
    while let ([choice, more @ ..], [permission, others @ ..]) = (left, rest) {
        *choice = Choice::new(permission.name, permission.description);
        (left, rest) = (more, others);
    }
    choices
};

/// The values of `user_access`.
pub const USER_ACCESS: &[Choice] = &[
    Choice::new("all_users", "every user of the account may log in"),
    Choice::new("permitted_groups", "only users of the groups in `groups_allowed` may log in"),
    Choice::new("no_users", "no user may log in"),
];

const NORMALIZATION: &[Choice] = &[
    Choice::new("none", "usernames are used as typed"),
    Choice::new("simple", "DOMAIN\\user and user@example.com both become user"),
];

/// An entry of `ignore`.
pub static IGNORE: Object = Object::new("an item of `ignore`", &ignored(&IGNORED_FIELD, "greeting"));

/// A field that can be ignored: one that is compared with Duo.
static IGNORED_FIELD: TextRule = TextRule {
    pattern: "^(name|user_access|groups_allowed|policy|permissions|networks_for_api_access|prompt_v4_enabled|self_service_allowed|username_normalization_policy|greeting|notes|sso)$",
    check: |text| can_be_ignored(FIELDS, text),
    numeric: false,
};

/// Fields of applications that users log in to.
fn users(family: Family) -> bool {
    family.has_users()
}

fn browser(family: Family) -> bool {
    users(family) && !matches!(family, Family::AuthApi | Family::Native)
}

fn admin_api(family: Family) -> bool {
    family == Family::AdminApi
}

fn api_keys(family: Family) -> bool {
    !family.has_users()
}

fn single_sign_on(family: Family) -> bool {
    matches!(family, Family::Saml | Family::Oidc | Family::OAuth)
}

/// Duo's documentation of applications.
pub const DUO: Link = ("Duo's documentation", "https://duo.com/docs/adminapi#integrations");

const fn identity(key: Key) -> Field {
    Field::own(key.link(DUO)).roles(R::IDENTIFYING)
}

const fn held(key: Key, letter: char, form: Form) -> Field {
    Field::held(key.link(DUO), letter, form)
}

/// Every field, in the order used by `duoctl fmt`, plans and the YAML reference.
pub static FIELDS: &[Field] = &[
    identity(Key::required("type", Shape::Text(&texts::LINE), "Type of the application, as named by Duo's API. Changing it later replaces the application.", "radius")),
    held(Key::required("name", Shape::Text(&texts::LINE), "Name of the application in Duo. Users may see it.", "VPN"), 'n', Form::Text)
        .roles(R::IDENTIFYING.and(R::PROSE).and(R::REWRITTEN)),
    identity(Key::optional("integration_key", Shape::Text(&texts::INTEGRATION_KEY), "Integration key of the live application to manage. Needed when type and name do not identify it.", "DIXXXXXXXXXXXXXXXXXX")),
    held(Key::required(ACCESS, Shape::Choice(USER_ACCESS), "Who may log in. Always required, because Duo's default for new applications has changed over time.", "permitted_groups"), 'a', Form::Word { sent: str::to_uppercase, read: str::to_owned })
        .hint("add `user_access`: `all_users`, `permitted_groups` or `no_users`; Duo's own default has changed over time")
        .silence(Silence::NotOffered)
        .risk(risks::access)
        .created(risks::new_access)
        .roles(R::OPENS),
    held(Key::optional(GROUPS, Shape::List(&REFERENCE, 1, MOST_GROUPS), "Groups whose users may log in. Plain text is a name in Duo; `{name: NAME}` and `{id: ID}` are explicit. Only with `user_access: permitted_groups`.", "[VPN Users, Contractors]"), 'g', Form::Set)
        .refers_to(Kind::Group)
        .only_with(ACCESS, PERMITTED_GROUPS)
        .hint("name at least one group, or write `user_access: no_users` to block all users")
        .applies(users)
        .clears(Clear::Empty)
        .silence(Silence::NotOffered)
        .risk(risks::groups)
        .roles(R::OPENS.and(R::TELLING)),
    held(Key::optional(POLICY, REFERENCE, "Policy attached to the application. Plain text is a name in Duo; `{name: NAME}` and `{id: KEY}` are explicit. `null` detaches the policy.", "Require trusted endpoints"), 'p', Form::Text)
        .refers_to(Kind::Policy)
        .wire(Wire::Property("policy_key"))
        .applies(users)
        .clears(Clear::Empty)
        .risk(risks::policy)
        .roles(R::DEFAULTABLE.and(R::LATE).and(R::TELLING)),
    Field::own(Key::optional(GROUP_POLICIES, Shape::List(&Shape::Object(&GROUP_POLICY), 1, MANY), "Policies that apply to the members of groups when they log in to this application. They win over `policy`. Duo's API can add them but not remove them: duoctl says what to remove in the Duo Admin Panel.", "[{policy: policies.strict, groups: [groups.contractors]}]").link(DUO)).applies(users),
    held(Key::optional(PERMISSION_LIST, Shape::List(&Shape::Choice(PERMISSION_CHOICES), 0, PERMISSIONS.len()), "Permissions of an Admin API application. All others are revoked.", "[info, read_log]"), 'm', Form::Flags { uncertain: UNCERTAIN_PERMISSION })
        .wire(Wire::Flags(PERMISSION_PREFIX))
        .applies(admin_api)
        .risk(risks::permissions)
        .created(risks::new_permissions)
        .roles(R::TELLING),
    held(Key::optional(NETWORKS, Shape::List(&Shape::Text(&texts::NETWORK), 1, MANY), "Networks from which the keys work. Addresses, ranges and CIDR blocks; `null` removes the restriction.", "[192.0.2.0/24]"), 'i', Form::Networks)
        .hint("name the networks, or write `networks_for_api_access: null` to remove the restriction")
        .applies(api_keys)
        .clears(Clear::Empty)
        .risk(risks::networks)
        .roles(R::DEFAULTABLE.and(R::TELLING)),
    held(Key::optional("prompt_v4_enabled", Shape::Flag, "Show the Universal Prompt. Duo offers it only after it has seen that the application supports it.", "true"), 'v', Form::Switch)
        .applies(browser)
        .silence(Silence::Off)
        .roles(R::DEFAULTABLE.and(R::LATE)),
    held(Key::optional("self_service_allowed", Shape::Flag, "Let users manage their own devices from the prompt.", "false"), 's', Form::Switch)
        .applies(users)
        .silence(Silence::Off)
        .risk(risks::self_service)
        .roles(R::DEFAULTABLE),
    held(Key::optional("username_normalization_policy", Shape::Choice(NORMALIZATION), "How usernames are compared.", "simple"), 'u', Form::Word { sent: str::to_lowercase, read: str::to_lowercase })
        .applies(users)
        .clears(Clear::Word("none"))
        .silence(Silence::NotOffered)
        .risk(risks::normalization)
        .roles(R::DEFAULTABLE),
    held(Key::optional("greeting", Shape::Text(&texts::ANY), "Text that is read out at the start of a phone call-back. `null` clears it.", "Acme VPN login"), 't', Form::Text)
        .applies(users)
        .clears(Clear::Empty)
        .roles(R::DEFAULTABLE.and(R::TELLING).and(R::PROSE)),
    held(Key::optional("notes", Shape::Text(&texts::NOTES), "Notes for administrators. duoctl appends its marker to them.", "Owned by the network team"), 'o', Form::Text)
        .clears(Clear::Empty)
        .roles(R::DEFAULTABLE.and(R::MARKED).and(R::TELLING).and(R::PROSE).and(R::REWRITTEN)),
    held(Key::optional("sso", Shape::Object(&sso::DOCUMENT), "Settings of a Duo Single Sign-On application. Only the settings in the YAML are compared.", "{saml_config: {entity_id: \"https://wiki.example.com/meta\", acs_urls: [{url: \"https://wiki.example.com/acs\"}]}}"), 'x', Form::Document(&leaves::SSO))
        .applies(single_sign_on)
        .silence(Silence::NotOffered)
        .risk(risks::sso),
    Field::own(Key::optional("secret", Shape::Object(&SECRET_TARGET), "Where to deliver the application's secret key.", "{store: vault, path: vpn}").literal()),
    Field::own(Key::optional("max_age", Shape::Text(&texts::AGE), "Maximum age of the key. An older key is reported, and the application is not changed until its key is rotated.", "90d")).roles(R::DEFAULTABLE),
    Field::own(Key::optional("protect", Shape::Flag, "Refuse to delete, replace or quarantine the application.", "true").default("false")).roles(R::DEFAULTABLE),
    Field::own(Key::optional("authoritative", Shape::Flag, "Treat fields that are left out as unset. A value in Duo then is drift, and apply clears it. Otherwise such fields are not managed.", "true").default("false")).roles(R::DEFAULTABLE),
    Field::own(Key::optional("ignore", Shape::List(&Shape::Object(&IGNORE), 0, MANY), "Fields whose differences are ignored, each with a reason.", "[{field: greeting, reason: help desk edits it}]").default("[]")).roles(R::DEFAULTABLE),
];

/// The keys of all fields.
pub(super) static KEYS: &[Key] = &keys::<{ FIELDS.len() }>(FIELDS, None);

/// The keys of the fields that `defaults` may set.
pub(super) static DEFAULT_KEYS: &[Key] = &keys::<{ count(FIELDS, DEFAULTABLE) }>(FIELDS, DEFAULTABLE);

const DEFAULTABLE: Option<R> = Some(R::DEFAULTABLE);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::catalogue::lookup;

    fn has(kind: &str, key: &str) -> bool {
        field(key).expect("a field").applies_to(Some(lookup(kind).expect("a type")))
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
        assert!(field("permissions").expect("a field").applies_to(None));
    }

    #[test]
    fn the_pattern_of_ignored_fields_is_the_table() {
        let names: BTreeSet<&str> =
            FIELDS.iter().filter(|field| field.is_compared()).map(Field::name).collect();
        let pattern: BTreeSet<&str> =
            IGNORED_FIELD.pattern.trim_start_matches("^(").trim_end_matches(")$").split('|').collect();
        assert_eq!(pattern, names);
        assert!(names.iter().all(|name| (IGNORED_FIELD.check)(name).is_ok()));
    }

    #[test]
    fn every_field_has_a_key_of_its_own_and_what_duo_holds_a_letter_of_its_own() {
        let keys: BTreeSet<&str> = FIELDS.iter().map(Field::name).collect();
        assert_eq!(keys.len(), FIELDS.len());
        let letters: Vec<char> = FIELDS.iter().filter_map(|field| field.letter).collect();
        assert!(letters.iter().all(char::is_ascii_lowercase));
        assert_eq!(letters.iter().collect::<BTreeSet<_>>().len(), letters.len());
        assert!(FIELDS.iter().all(|field| field.letter.is_some() == field.is_compared()));
    }

    #[test]
    fn what_is_cleared_by_an_empty_text_takes_null_in_the_yaml() {
        assert!(FIELDS.iter().all(|field| field.key.nullable == (field.clear == Clear::Empty)));
    }
}
