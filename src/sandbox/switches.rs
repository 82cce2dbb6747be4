//! Choices where Duo's behaviour is unknown, depends on the tenant, or has changed (duo-api.md, "unconfirmed" and
//! "SIM"). The defaults are the reference's; each can be turned to see that a client copes with the other way.

/// One switch as it is listed for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name: `strict-permissions`.
    pub name: &'static str,
    /// Whether it is on unless told otherwise.
    pub default: bool,
    /// What it does when it is on, and the source.
    pub text: &'static str,
}

macro_rules! switches {
    ($($(#[doc = $text:literal])+ $field:ident: $name:literal = $default:literal;)+) => {
        /// The state of every switch.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Switches {
            $($(#[doc = $text])+ pub $field: bool,)+
        }

        impl Default for Switches {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Switches {
            /// All switches, for a help text.
            pub const ALL: &'static [Description] =
                &[$(Description { name: $name, default: $default, text: concat!($($text),+) },)+];

            fn field(&mut self, name: &str) -> Option<&mut bool> {
                match name {
                    $($name => Some(&mut self.$field),)+
                    _ => None,
                }
            }
        }
    };
}

switches! {
    /// Setting `adminapi_*` flags needs the caller's `adminapi_allow_to_set_permissions`; off: "Grant applications"
    /// is enough (duo-api.md, section 3.4).
    strict_permissions: "strict-permissions" = true;
    /// A permission that the caller may not set is refused with 40002 and its name; off: with 40301 (duo-api.md, section
    /// 3.4, unconfirmed).
    invalid_permissions: "invalid-permissions" = false;
    /// `adminapi_integrations_read` and `adminapi_settings_read` open the calls that only read; off: nothing
    /// (duo-api.md, section 5, unconfirmed).
    read_flags: "read-flags" = true;
    /// A changed permission counts from the third call with the key on; off: at once (duo-api.md, section 5,
    /// unconfirmed).
    late_permissions: "late-permissions" = false;
    /// The paths of secret keys and client secrets answer 40301, whatever the caller may do; off: "Grant applications"
    /// opens them (duo-api.md, section 3.1, unconfirmed).
    hidden_keys: "hidden-keys" = false;
    /// A caller outside of `networks_for_api_access` gets 40102; off: 40301 (duo-api.md, section 2.2, unconfirmed).
    networks_unauthorized: "networks-unauthorized" = false;
    /// A clock that is off by more than a minute is refused; off: by more than five (duo-api.md, section 1.7,
    /// unconfirmed).
    strict_clock: "strict-clock" = false;
    /// `adminapi_allow_to_set_permissions` can be changed after the creation; off: accepted without effect (of two official
    /// clients one says so and one does not: duo-api.md, corrections to section 3).
    set_permissions_on_modify: "set-permissions-on-modify" = false;
    /// The tenant knows the newer flags (`*_read`, `adminapi_allow_to_set_permissions`); off: they are neither shown
    /// nor taken (duo-api.md, trap 21).
    new_flags: "new-flags" = true;
    /// `groups_allowed` comes back in another order on every read (duo-api.md, trap 1).
    shuffle_groups: "shuffle-groups" = true;
    /// Leaving `PERMITTED_GROUPS` empties `groups_allowed`; off: the list is kept (duo-api.md, trap 3).
    clear_groups: "clear-groups" = true;
    /// A new application that says nothing lets everybody in, as before March 2025; off: nobody (duo-api.md, 3.2).
    open_by_default: "open-by-default" = false;
    /// Legacy properties are accepted without effect; off: they are kept (duo-api.md, trap 11).
    drop_legacy: "drop-legacy" = true;
    /// `policy_key` takes effect in a create call; off: ignored there (duo-api.md, section 3.3).
    policy_on_create: "policy-on-create" = true;
    /// `networks_for_api_access` comes back as an array; off: as comma-separated text (duo-api.md, trap 12).
    networks_as_array: "networks-as-array" = false;
    /// A single address in `networks_for_api_access` comes back as a network of one, and entries in an order of their own
    /// (duo-api.md, trap 12).
    rewrite_networks: "rewrite-networks" = false;
    /// Flags come back as booleans; off: as 0 and 1 (duo-api.md, section 3.3, trap 5).
    flags_as_booleans: "flags-as-booleans" = false;
    /// What is not set comes back as `null`; off: as `""`, or not at all (duo-api.md, trap 6).
    null_where_unset: "null-where-unset" = false;
    /// `username_normalization_policy` comes back as `""` where it was never set; off: `None` (duo-api.md, trap 9).
    blank_normalization: "blank-normalization" = false;
    /// White space around `name`, `greeting` and `notes` is cut off (duo-api.md, trap 35).
    trim_text: "trim-text" = false;
    /// `<`, `>` and `&` in `name`, `greeting` and `notes` are escaped as in HTML (duo-api.md, trap 35).
    escape_text: "escape-text" = false;
    /// Notes of more than 512 characters are refused with 40002 (duo-api.md, section 3.3, unconfirmed).
    limit_notes: "limit-notes" = true;
    /// Types whose creation by API is doubtful are created; off: refused with 40002 (duo-api.md, section 4).
    doubtful_types: "doubtful-types" = false;
    /// `sso-generic` and `sso-oidc-generic` cannot be created without their `sso` configuration.
    require_sso: "require-sso" = true;
    /// What stands below the settings of `sso` is replaced whole by what is sent; off: merged (duo-api.md, section 3.5,
    /// unconfirmed).
    shallow_sso: "shallow-sso" = false;
    /// What is sent of a list in `sso` is added to it, so that nothing ever leaves it; off: the list is replaced
    /// (duo-api.md, section 3.5, unconfirmed).
    merge_sso_lists: "merge-sso-lists" = false;
    /// `grant_types` of an OIDC application comes back spelled out with lifespans (duo-api.md, section 3.5).
    expand_grants: "expand-grants" = false;
    /// Client secrets are shown masked when an application is read; off: left out (duo-api.md, section 3.5,
    /// unconfirmed).
    show_client_secrets: "show-client-secrets" = true;
    /// An application that deletes itself or resets its own key gets 40301; off: 40002 (duo-api.md, section 11).
    forbid_self_change: "forbid-self-change" = false;
    /// DELETE answers `{}`; off: `""` (duo-api.md, section 2.1).
    delete_returns_object: "delete-returns-object" = false;
    /// The v1 paths show secret keys in clear, as old examples do; off: masked (duo-api.md, section 3.2).
    clear_secrets_in_v1: "clear-secrets-in-v1" = true;
    /// A page holds a fifth of what is known as the maximum (duo-api.md, section 2.4, unconfirmed).
    small_pages: "small-pages" = false;
    /// A `limit` above the maximum is refused with 40002; off: lowered to it (duo-api.md, section 2.4).
    strict_pages: "strict-pages" = false;
    /// Applications carry a property that no documentation names (duo-api.md, trap 17).
    extra_property: "extra-property" = false;
    /// The authentication log heeds `applications`; off: it shows the records of every application (no source for it).
    log_filters: "log-filters" = true;
    /// The summary names the account's edition; off: absent, as in older replies (duo-api.md, section 7.5).
    show_edition: "show-edition" = true;
    /// The summary names the edition as it was called before: Duo MFA, Duo Access (duo-api.md, section 7.5).
    old_editions: "old-editions" = false;
    /// The account's plan is Duo Essentials, whose keys get 40301 for endpoints; off: Duo Advantage (duo-api.md,
    /// sections 5 and 7.5).
    essentials: "essentials" = false;
    /// `code` of an error is text (duo-api.md, section 2.1).
    code_as_string: "code-as-string" = false;
    /// `message_detail` is `null` where there is none; off: absent (duo-api.md, section 2.1).
    null_detail: "null-detail" = false;
    /// The public API of Identity Intelligence has `getIntegrationsStatus`, as in September 2024; off: it lacks it
    /// (identity-intelligence.md, section 6.3).
    intelligence_status: "intelligence-status" = true;
    /// The token endpoint of Identity Intelligence takes a form only (identity-intelligence.md, section 6.1).
    intelligence_form_token: "intelligence-form-token" = false;
    /// Enumerations of Identity Intelligence hold values that no published schema has (identity-intelligence.md, 6.4).
    intelligence_new_values: "intelligence-new-values" = false;
}

impl Switches {
    /// Turns one switch by `NAME=on` or `NAME=off`; `NAME` alone turns it on.
    ///
    /// The error names what is wrong and, for an unknown name, all known ones.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text.split_once('=').unwrap_or((text, "on"));
        let Some(field) = self.field(name.trim()) else {
            let known: Vec<_> = Self::ALL.iter().map(|switch| switch.name).collect();
            return Err(format!("unknown switch `{name}`; known are: {}", known.join(", ")));
        };
        *field = match value.trim() {
            "on" | "true" | "1" => true,
            "off" | "false" | "0" => false,
            other => return Err(format!("switch `{name}` takes `on` or `off`, not `{other}`")),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_can_be_turned_by_its_name() {
        for switch in Switches::ALL {
            let mut switches = Switches::default();
            let other = if switch.default { "off" } else { "on" };
            switches.set(&format!("{}={other}", switch.name)).unwrap();
            assert_ne!(switches, Switches::default(), "{}", switch.name);
            switches.set(&format!("{}={}", switch.name, u8::from(switch.default))).unwrap();
            assert_eq!(switches, Switches::default(), "{}", switch.name);
        }
    }

    #[test]
    fn a_bad_switch_says_what_is_known() {
        let error = Switches::default().set("strict=on").unwrap_err();
        assert!(error.starts_with("unknown switch `strict`; known are: strict-permissions, "), "{error}");
        let error = Switches::default().set("trim-text=maybe").unwrap_err();
        assert_eq!(error, "switch `trim-text` takes `on` or `off`, not `maybe`");
    }
}
