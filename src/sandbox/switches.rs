//! Choices where Duo's behaviour is unknown, depends on the tenant, or has changed (duo-api.md, "unconfirmed" and
//! "SIM"). The strict side is the default; each can be turned to see that a client copes with the other way.

use super::setting::{Names, Setting, choices};

choices! {
    /// What a request for another account's hostname gets.
    ForeignHost {
        /// As for a wrong signature.
        BadSignature = "40103",
        /// As for an unknown key.
        UnknownKey = "40102",
    }
    /// What a body under a wrong `Content-Type` gets.
    MediaType {
        /// As without credentials.
        NoCredentials = "40101",
        /// As for a wrong signature.
        BadSignature = "40103",
        /// Nothing is refused.
        Any = "any",
    }
    /// What a key of another kind gets on `/admin`.
    WrongKind {
        /// As for an unknown key.
        UnknownKey = "40102",
        /// As for a wrong type.
        WrongType = "40301",
    }
    /// What `/auth/v2/check` answers where no source says so.
    AuthCheck {
        /// The type is not let in.
        WrongType = "40301",
        /// The type is let in.
        Accepted = "200",
        /// As for an unknown key.
        UnknownKey = "40102",
    }
    /// What the health check answers where no source says so.
    HealthCheck {
        /// It knows no such client.
        Refused = "40002",
        /// It accepts the client.
        Accepted = "200",
    }
    /// The status of a refusal for the clock.
    ClockRefusal {
        /// As for any other refusal.
        BadRequest = "400",
        /// Success, with `stat: FAIL`.
        Ok = "200",
    }
    /// What is said about an unknown transaction.
    UnknownTransaction {
        /// 40002.
        Invalid = "40002",
        /// The login was denied.
        Denied = "deny",
    }
    /// How a secret key is masked.
    Mask {
        /// 36 stars and its last four characters.
        LastFour = "last-four",
        /// 40 stars.
        Stars = "stars",
        /// Four stars.
        FourStars = "four-stars",
    }
    /// How a group's status is written.
    StatusCase {
        /// `Active`.
        Capitalized = "capitalized",
        /// `active`.
        Lower = "lower-case",
    }
    /// What deleting an absent object answers.
    AbsentObject {
        /// Success.
        Ok = "200",
        /// It does not exist.
        NotFound = "40401",
    }
}

/// One switch as it is listed for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name: `strict-permissions`.
    pub name: &'static str,
    /// How it stands unless told otherwise.
    pub default: String,
    /// What it can be turned to: `on` and `off`, or other names; empty where any name is taken.
    pub values: &'static [&'static str],
    /// What it does when it is on, or what it chooses, and the source.
    pub text: &'static str,
}

impl Description {
    /// Whether it is on or off, and nothing else.
    pub fn is_flag(&self) -> bool {
        self.values == bool::values()
    }

    /// What it can be turned to beside its default.
    pub fn others(&self) -> impl Iterator<Item = &'static str> {
        self.values.iter().copied().filter(|value| *value != self.default)
    }
}

macro_rules! switches {
    ($($(#[doc = $text:literal])+ $field:ident: $kind:ty, $name:literal = $default:expr;)+) => {
        /// The state of every switch.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Switches {
            $($(#[doc = $text])+ pub $field: $kind,)+
        }

        impl Default for Switches {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Switches {
            /// All switches, for a help text.
            pub fn all() -> Vec<Description> {
                let unturned = Self::default();
                vec![$(Description {
                    name: $name,
                    default: unturned.$field.name(),
                    values: <$kind as Setting>::values(),
                    text: concat!($($text),+),
                },)+]
            }

            /// `None` for an unknown name, `false` for a value that the switch does not have.
            fn turn(&mut self, name: &str, value: &str) -> Option<bool> {
                match name {
                    $($name => Some(self.$field.take(value)),)+
                    _ => None,
                }
            }
        }
    };
}

switches! {
    /// Setting `adminapi_*` flags needs the caller's `adminapi_allow_to_set_permissions`; off: "Grant applications"
    /// is enough (duo-api.md, section 3.4).
    strict_permissions: bool, "strict-permissions" = true;
    /// A permission that the caller may not set is refused with 40002 and its name; off: with 40301 (duo-api.md, section
    /// 3.4, unconfirmed).
    invalid_permissions: bool, "invalid-permissions" = false;
    /// `adminapi_integrations_read` and `adminapi_settings_read` open the calls that only read; off: nothing
    /// (duo-api.md, section 5, unconfirmed).
    read_flags: bool, "read-flags" = true;
    /// A changed permission counts from the third call with the key on; off: at once (duo-api.md, section 5,
    /// unconfirmed).
    late_permissions: bool, "late-permissions" = false;
    /// The paths of secret keys and client secrets answer 40301, whatever the caller may do; off: "Grant applications"
    /// opens them (duo-api.md, section 3.1, unconfirmed).
    hidden_keys: bool, "hidden-keys" = false;
    /// A caller outside of `networks_for_api_access` gets 40102; off: 40301 (duo-api.md, section 2.2, unconfirmed).
    networks_unauthorized: bool, "networks-unauthorized" = false;
    /// "Grant applications" alone reads applications too; off: it takes "Grant resource - Read" (duo-api.md, correction to
    /// section 5: both are Duo's words).
    applications_read: bool, "applications-read" = false;
    /// Whether an application exists is looked at before the permission to change it; off: after it (duo-api.md, section 5,
    /// unconfirmed).
    existence_first: bool, "existence-first" = false;
    /// What a request for another account's hostname gets (duo-api.md, section 2.2).
    foreign_host: ForeignHost, "foreign-host" = ForeignHost::BadSignature;
    /// What a POST or PUT gets whose `Content-Type` is missing or not what the path takes; `any`: its body is read all the
    /// same (duo-api.md, correction to section 2.2: 401, the code was not seen).
    media_type: MediaType, "media-type" = MediaType::NoCredentials;
    /// What a key of another kind gets on `/admin` (duo-api.md, correction to section 2.2: 40102 was observed, Duo's page
    /// says 403).
    wrong_kind: WrongKind, "wrong-kind" = WrongKind::UnknownKey;
    /// 40102 says "Invalid identity in request credentials", as in newer replies; off: "Invalid integration key in request
    /// credentials" (probes.md, section 1).
    identity_text: bool, "identity-text" = false;
    /// Whether a key's type fits an API is looked at before its signature; off: after it (probes.md, section 4).
    type_before_signature: bool, "type-before-signature" = false;
    /// What `/auth/v2/check` answers to a right key of a type of which no source says what it gets (probes.md, section 3).
    auth_check: AuthCheck, "auth-check" = AuthCheck::WrongType;
    /// What the OAuth health check answers to a type that is neither a Web SDK type nor was seen without a frame
    /// (probes.md, section 3).
    health_check: HealthCheck, "health-check" = HealthCheck::Refused;
    /// The HTTP status under which the health check refuses an assertion whose time is off (probes.md, section 2, E12).
    health_check_clock: ClockRefusal, "health-check-clock" = ClockRefusal::BadRequest;
    /// The health check takes the same assertion (`jti`) twice; off: refused with 40002 (no source).
    repeated_assertions: bool, "repeated-assertions" = false;
    /// What `auth_status` answers about a transaction that nobody began (no source).
    unknown_transaction: UnknownTransaction, "unknown-transaction" = UnknownTransaction::Invalid;
    /// A clock that is off by up to five minutes is accepted; off: by up to one (duo-api.md, correction to section 1.7: one
    /// report quotes Duo's help with 60 seconds).
    lenient_clock: bool, "lenient-clock" = false;
    /// `adminapi_allow_to_set_permissions` can be changed after the creation; off: accepted without effect (of two official
    /// clients one says so and one does not: duo-api.md, corrections to section 3).
    set_permissions_on_modify: bool, "set-permissions-on-modify" = false;
    /// The tenant knows the newer flags (`*_read`, `adminapi_allow_to_set_permissions`); off: they are neither shown
    /// nor taken (duo-api.md, trap 21).
    new_flags: bool, "new-flags" = true;
    /// `groups_allowed` comes back in another order on every read (duo-api.md, trap 1).
    shuffle_groups: bool, "shuffle-groups" = true;
    /// Leaving `PERMITTED_GROUPS` empties `groups_allowed`; off: the list is kept (duo-api.md, trap 3).
    clear_groups: bool, "clear-groups" = true;
    /// A new application that says nothing lets everybody in, as before March 2025; off: nobody (duo-api.md, 3.2).
    open_by_default: bool, "open-by-default" = false;
    /// Legacy properties are accepted without effect; off: they are kept (duo-api.md, trap 11).
    drop_legacy: bool, "drop-legacy" = true;
    /// `policy_key` takes effect in a create call; off: ignored there (duo-api.md, correction to section 3.2: it is in
    /// none of three official lists for create).
    policy_on_create: bool, "policy-on-create" = false;
    /// `networks_for_api_access` comes back as an array; off: as comma-separated text (duo-api.md, trap 12).
    networks_as_array: bool, "networks-as-array" = false;
    /// A single address in `networks_for_api_access` comes back as a network of one, and entries in an order of their own
    /// (duo-api.md, trap 12).
    rewrite_networks: bool, "rewrite-networks" = false;
    /// Flags come back as booleans; off: as 0 and 1 (duo-api.md, section 3.3, trap 5).
    flags_as_booleans: bool, "flags-as-booleans" = false;
    /// What is not set comes back as `null`; off: as `""`, or not at all (duo-api.md, trap 6).
    null_where_unset: bool, "null-where-unset" = false;
    /// `username_normalization_policy` comes back as `""` where it was never set; off: `None` (duo-api.md, trap 9).
    blank_normalization: bool, "blank-normalization" = false;
    /// White space around `name`, `greeting` and `notes` is cut off (duo-api.md, trap 35).
    trim_text: bool, "trim-text" = false;
    /// `<`, `>` and `&` in `name`, `greeting` and `notes` are escaped as in HTML (duo-api.md, trap 35).
    escape_text: bool, "escape-text" = false;
    /// Notes of more than 512 characters are refused with 40002 (duo-api.md, section 3.3, unconfirmed).
    limit_notes: bool, "limit-notes" = true;
    /// Notes of more than 255 characters are refused with 40002 (no source for any length).
    short_notes: bool, "short-notes" = false;
    /// Names and greetings of more than 255 characters are refused with 40002 (no source; 255 is one tool's guess).
    limit_names: bool, "limit-names" = true;
    /// Names and greetings of more than 100 characters are refused with 40002 (no source for any length).
    short_names: bool, "short-names" = false;
    /// A name of blanks, and control characters in a name, or in notes and greetings other than tabs and line breaks, are
    /// refused with 40002 (no source).
    plain_texts: bool, "plain-texts" = true;
    /// Types whose creation by API is doubtful are created; off: refused with 40002 (duo-api.md, section 4).
    doubtful_types: bool, "doubtful-types" = false;
    /// `sso-generic` and `sso-oidc-generic` cannot be created without their `sso` configuration.
    require_sso: bool, "require-sso" = true;
    /// `sso-generic` can be created with `entity_id` and `acs_urls` alone; off: it needs the seven settings that every
    /// public client sends (duo-api.md, correction to section 3.5).
    short_saml: bool, "short-saml" = false;
    /// What stands inside `sso` is checked: empty lists, URLs, formats, algorithms, unknown keys, groups, scopes
    /// (duo-api.md, section 3.5); off: only its outer shape.
    check_sso: bool, "check-sso" = true;
    /// `scopes` of an OIDC application are also taken as an object, `{"openid": true}`, and always shown as one; off: as a
    /// list of objects (duo-api.md, section 3.5: sources disagree).
    scopes_as_object: bool, "scopes-as-object" = false;
    /// `sso-oauth-server` and `sso-oauth-server-mcp` take an `oidc_config` or `oauth_config`; off: refused with 40002 (one public tool says
    /// that no API configures them).
    oauth_server_config: bool, "oauth-server-config" = false;
    /// What stands below the settings of `sso` is replaced whole by what is sent; off: merged (duo-api.md, section 3.5,
    /// unconfirmed).
    shallow_sso: bool, "shallow-sso" = false;
    /// What is sent of a list in `sso` is added to it, so that nothing ever leaves it; off: the list is replaced
    /// (duo-api.md, section 3.5, unconfirmed).
    merge_sso_lists: bool, "merge-sso-lists" = false;
    /// `grant_types` of an OIDC application comes back spelled out with lifespans (duo-api.md, section 3.5).
    expand_grants: bool, "expand-grants" = false;
    /// Client secrets are shown masked when an application is read; off: left out (duo-api.md, section 3.5,
    /// unconfirmed).
    show_client_secrets: bool, "show-client-secrets" = true;
    /// An application that deletes itself or resets its own key gets 40301; off: 40002 (duo-api.md, section 11).
    forbid_self_change: bool, "forbid-self-change" = false;
    /// An application may change its own `networks_for_api_access`; off: refused like deleting itself (duo-api.md, section
    /// 3.3: Duo's text sends you to another application).
    self_networks: bool, "self-networks" = false;
    /// DELETE answers `{}`; off: `""` (duo-api.md, section 2.1).
    delete_returns_object: bool, "delete-returns-object" = false;
    /// The v1 paths show secret keys in clear, as old examples do; off: masked (duo-api.md, section 3.2).
    clear_secrets_in_v1: bool, "clear-secrets-in-v1" = true;
    /// A page holds a fifth of what is known as the maximum (duo-api.md, section 2.4, unconfirmed).
    small_pages: bool, "small-pages" = false;
    /// A `limit` above the maximum is refused with 40002; off: lowered to it (contradicted: Duo's page says that the
    /// maximum is used; duo-api.md, correction to section 2.4).
    strict_pages: bool, "strict-pages" = false;
    /// Lists that are as old as version 1 hold everything where no `limit` is given; off: 100 rows (duo-api.md, correction
    /// to section 2.4).
    unpaged_lists: bool, "unpaged-lists" = false;
    /// `next_offset` and `prev_offset` are `null` where there is none; off: absent (duo-api.md, correction to section 2.4:
    /// older fixtures).
    null_metadata: bool, "null-metadata" = false;
    /// A list that fits into one page has no `metadata`; off: it always has (duo-api.md, correction to section 2.4).
    bare_pages: bool, "bare-pages" = false;
    /// Applications carry a property that no documentation names (duo-api.md, trap 17).
    extra_property: bool, "extra-property" = false;
    /// Every application carries the `adminapi_*` flags; off: Admin API applications alone (duo-api.md, section 3.3: some
    /// public models show them everywhere).
    flags_everywhere: bool, "flags-everywhere" = false;
    /// Applications carry the legacy properties, unset; off: `enroll_policy` alone (duo-api.md, section 3.3).
    legacy_properties: bool, "legacy-properties" = false;
    /// How a secret key is masked: its last four characters after 36 stars, 40 stars, or four stars (duo-api.md, section 0:
    /// third parties' evidence only).
    secret_mask: Mask, "secret-mask" = Mask::LastFour;
    /// An application of this type cannot be created, whatever the table of types says (duo-api.md, section 4: the set is
    /// open, and no source is certain of every row).
    refuse_type: Names, "refuse-type" = Names::default();
    /// Lists of applications lack the one of this name and do not count it, while the summary does (duo-api.md, section 7.5:
    /// the two need not agree).
    hide_application: Names, "hide-application" = Names::default();
    /// Two policies may not have the same name: 40003 (policies.md, section 14: a reader of Duo's page says that they may).
    unique_policies: bool, "unique-policies" = false;
    /// How the status of a group is written (duo-api.md, correction to section 7.1).
    group_status: StatusCase, "group-status" = StatusCase::Capitalized;
    /// The groups inside a user have `desc` and `name` alone; off: everything (duo-api.md, correction to section 7.1: older
    /// fixtures and newer models disagree).
    short_groups: bool, "short-groups" = false;
    /// What deleting a user or a group that is not there answers (duo_client: nothing is done; policies.md, section 7).
    absent_object: AbsentObject, "absent-object" = AbsentObject::Ok;
    /// The authentication log heeds `users`, `groups`, `applications`, `results`, `reasons`, `factors` and `event_types`, and
    /// refuses values of another form; off: it shows all records (duo-api.md, correction to section 7.5: three official clients have them).
    log_filters: bool, "log-filters" = true;
    /// The last page of a log that has records carries a cursor too, which leads to an empty page; off: it has none (no
    /// source says which).
    log_end_cursor: bool, "log-end-cursor" = false;
    /// Version 2 of the logs shows what happened after two minutes; off: at once (Duo's page speaks of two minutes; no source
    /// measures it).
    log_lag: bool, "log-lag" = false;
    /// `action` of the activity log is a text; off: an object with `details` and `name` (duo-api.md, correction to section
    /// 7.5: recorded replies and the official client disagree).
    text_actions: bool, "text-actions" = false;
    /// The summary names the account's edition; off: absent, as in older replies (duo-api.md, section 7.5).
    show_edition: bool, "show-edition" = true;
    /// The summary names the edition as it was called before: Duo MFA, Duo Access (duo-api.md, section 7.5).
    old_editions: bool, "old-editions" = false;
    /// The account's plan is Duo Essentials, whose keys get 40301 for endpoints; off: Duo Advantage (duo-api.md,
    /// sections 5 and 7.5).
    essentials: bool, "essentials" = false;
    /// `code` of an error is text (duo-api.md, section 2.1).
    code_as_string: bool, "code-as-string" = false;
    /// `message_detail` is `null` where there is none; off: absent (duo-api.md, section 2.1).
    null_detail: bool, "null-detail" = false;
    /// The public API of Identity Intelligence has `getIntegrationsStatus`, as in September 2024; off: it lacks it
    /// (identity-intelligence.md, section 6.3).
    intelligence_status: bool, "intelligence-status" = true;
    /// The token endpoint of Identity Intelligence takes a form only (identity-intelligence.md, section 6.1).
    intelligence_form_token: bool, "intelligence-form-token" = false;
    /// Enumerations of Identity Intelligence hold values that no published schema has (identity-intelligence.md, 6.4).
    intelligence_new_values: bool, "intelligence-new-values" = false;
}

impl Switches {
    /// Turns one switch by `NAME=VALUE`; the `NAME` alone of one that is on or off turns it on.
    ///
    /// The error names what is wrong and, for an unknown name, all known ones.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => (text.trim(), "on"),
        };
        match self.turn(name, value) {
            Some(true) => Ok(()),
            Some(false) => Err(refusal(name, value)),
            None => {
                let known: Vec<_> = Self::all().iter().map(|switch| switch.name).collect();
                Err(format!("unknown switch `{name}`; known are: {}", known.join(", ")))
            }
        }
    }
}

fn refusal(name: &str, value: &str) -> String {
    let values = Switches::all().into_iter().find(|switch| switch.name == name).map(|switch| switch.values);
    let values: Vec<String> = values.iter().copied().flatten().map(|value| format!("`{value}`")).collect();
    match values.split_last() {
        Some((last, [])) => format!("switch `{name}` takes {last}, not `{value}`"),
        Some((last, rest)) => format!("switch `{name}` takes {} or {last}, not `{value}`", rest.join(", ")),
        None => format!("switch `{name}` takes a name: {name}=NAME"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_can_be_turned_by_its_name() {
        for switch in Switches::all() {
            let others: Vec<_> = switch.others().collect();
            for other in if others.is_empty() { vec!["some-name"] } else { others } {
                let mut switches = Switches::default();
                switches.set(&format!("{}={other}", switch.name)).unwrap();
                assert_ne!(switches, Switches::default(), "{}", switch.name);
                switches.set(&format!("{}={}", switch.name, switch.default)).unwrap();
                assert_eq!(switches, Switches::default(), "{}", switch.name);
            }
        }
    }

    #[test]
    fn a_bad_switch_says_what_is_known() {
        let error = |text: &str| Switches::default().set(text).unwrap_err();
        let unknown = error("strict=on");
        assert!(unknown.starts_with("unknown switch `strict`; known are: strict-permissions, "), "{unknown}");
        assert_eq!(error("trim-text=maybe"), "switch `trim-text` takes `on` or `off`, not `maybe`");
        assert_eq!(error("wrong-kind"), "switch `wrong-kind` takes `40102` or `40301`, not `on`");
        assert_eq!(error("refuse-type="), "switch `refuse-type` takes a name: refuse-type=NAME");
    }

    #[test]
    fn a_switch_of_names_is_given_once_for_each() {
        let mut switches = Switches::default();
        switches.set("refuse-type=rdp").unwrap();
        switches.set("refuse-type=unix").unwrap();
        assert!(switches.refuse_type.contains("rdp") && switches.refuse_type.contains("unix"));
        assert!(!switches.refuse_type.contains("radius"));
    }
}
