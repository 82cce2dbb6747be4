//! An application as Duo returns it (duo-api.md, sections 3.2, 3.3 and 3.6).

use serde_json::{Map, Value, json};

use super::super::application::{Application, mask};
use super::super::call::Call;
use super::super::collections::{GROUPS, POLICIES};
use super::super::state::Account;
use super::super::store::Store;
use super::super::switches::{PolicyDelete, Switches};
use super::super::{kinds, permissions};
use super::sso;
use super::version::Version;

/// What the rendering needs in addition to the application.
pub(in crate::sandbox) struct Showing<'a> {
    store: &'a Store,
    switches: &'a Switches,
    version: Version,
    authority: &'a str,
    /// Increases with every request, so that every read has a different order.
    turn: usize,
}

impl<'a> Showing<'a> {
    pub(in crate::sandbox) fn new(account: &'a Account, call: &'a Call, version: Version) -> Self {
        let (store, switches) = (&account.store, &account.switches);
        Self { store, switches, version, authority: &call.authority, turn: account.served }
    }

    /// The reply to reading or modifying it.
    pub(in crate::sandbox) fn show(&self, application: &Application) -> Value {
        self.render(application, false)
    }

    /// The reply to creating it, the only one with the client secrets of an OAuth application (section 3.5).
    pub(super) fn show_created(&self, application: &Application) -> Value {
        self.render(application, true)
    }

    fn render(&self, application: &Application, created: bool) -> Value {
        let mut map = Map::new();
        let mut set = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
        set("enroll_policy", json!(""));
        set("greeting", self.text(&application.greeting));
        set("groups_allowed", json!(self.groups(application)));
        set("integration_key", json!(application.integration_key));
        set("name", json!(application.name));
        set("notes", json!(application.notes));
        set("secret_key", json!(self.secret(application)));
        set("type", json!(application.kind));
        set("username_normalization_policy", self.normalization(application));
        if self.version == Version::V3 {
            set("user_access", json!(application.user_access));
        }
        match self.policy(application) {
            Some(key) => set("policy_key", json!(key)),
            None if self.switches.null_where_unset => set("policy_key", Value::Null),
            None => {}
        }
        if kinds::is_api(&application.kind) {
            set("networks_for_api_access", self.networks(application));
        } else {
            set("self_service_allowed", self.flag(application.self_service_allowed));
        }
        if application.frameless {
            set("frameless_auth_prompt_enabled", json!(1));
            set("prompt_v4_enabled", self.flag(application.universal_prompt));
        }
        if application.kind == "adminapi" || self.switches.flags_everywhere {
            for flag in permissions::known(self.switches) {
                set(flag, self.flag(application.permissions.contains(flag)));
            }
        }
        if kinds::is_sso(&application.kind) && self.version > Version::V1 {
            set("sso", sso::show(application, self.authority, created, self.switches));
        }
        if self.switches.legacy_properties {
            for (name, unset) in
                [("ip_whitelist", json!([])), ("ip_whitelist_enroll_policy", json!("enforce"))]
            {
                set(name, unset);
            }
            set("trusted_device_days", json!(0));
            set("visual_style", json!("default"));
        }
        if self.switches.extra_property {
            set("brand_new_property", json!({"since": 2027}));
        }
        map.extend(application.legacy.clone());
        Value::Object(map)
    }

    fn secret(&self, application: &Application) -> String {
        let clear = application.shown_secret();
        if clear.is_empty() || (self.version == Version::V1 && self.switches.clear_secrets_in_v1) {
            clear.to_owned()
        } else {
            mask(clear, self.switches)
        }
    }

    /// Only existing groups, in an order that changes between reads (trap 1).
    fn groups<'b>(&self, application: &'b Application) -> Vec<&'b str> {
        let exists = |id: &&str| self.store.get(GROUPS, id).is_some();
        let mut ids: Vec<&str> =
            application.groups_allowed.iter().map(String::as_str).filter(exists).collect();
        if self.switches.shuffle_groups && !ids.is_empty() {
            let places = self.turn % ids.len();
            ids.rotate_left(places);
            if self.turn.is_multiple_of(2) {
                ids.reverse();
            }
        }
        ids
    }

    fn policy<'b>(&self, application: &'b Application) -> Option<&'b str> {
        let key = application.policy_key.as_deref()?;
        let is_shown =
            self.store.get(POLICIES, key).is_some() || self.switches.policy_delete == PolicyDelete::Dangling;
        is_shown.then_some(key)
    }

    fn networks(&self, application: &Application) -> Value {
        let mut networks = application.networks.clone();
        if self.switches.rewrite_networks {
            for entry in networks.iter_mut().filter(|entry| !entry.contains(['/', '-'])) {
                entry.push_str(if entry.contains(':') { "/128" } else { "/32" });
            }
            networks.sort();
        }
        if self.switches.networks_as_array { json!(networks) } else { self.text(&networks.join(",")) }
    }

    fn text(&self, text: &str) -> Value {
        if text.is_empty() && self.switches.null_where_unset { Value::Null } else { json!(text) }
    }

    fn flag(&self, on: bool) -> Value {
        if self.switches.flags_as_booleans { json!(on) } else { json!(u8::from(on)) }
    }

    fn normalization(&self, application: &Application) -> Value {
        let unset = if self.switches.blank_normalization { "" } else { "None" };
        json!(application.normalization.as_deref().unwrap_or(unset))
    }
}
