//! The properties in a create or modify call: checked and applied (duo-api.md, section 3.3).

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::application::{Access, Application};
use super::super::call::{Call, Reply};
use super::super::collections::GROUPS;
use super::super::kinds::{self, Creation};
use super::super::permissions::{self, SET_PERMISSIONS};
use super::super::state::Account;
use super::super::store::Store;
use super::super::switches::Switches;
use super::super::{networks, policies};
use super::version::Version;
use super::{own, sso, texts};

/// The most groups in `groups_allowed` (duo-api.md, section 3.3).
const GROUP_LIMIT: usize = 100;
const LEGACY: &[&str] =
    &["enroll_policy", "trusted_device_days", "ip_whitelist", "ip_whitelist_enroll_policy", "visual_style"];

/// One create or modify call.
pub(super) struct Writing<'a> {
    store: &'a Store,
    switches: &'a Switches,
    call: &'a Call,
    version: Version,
    /// The application before the call; `None` while it is being created.
    before: Option<&'a Application>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(
        account: &'a Account,
        call: &'a Call,
        version: Version,
        before: Option<&'a Application>,
    ) -> Self {
        Self { store: &account.store, switches: &account.switches, call, version, before }
    }

    /// Applies every property that was sent, or refuses the whole call.
    pub(super) fn apply(&self, application: &mut Application) -> Result<(), Reply> {
        self.kind(application)?;
        self.name(application)?;
        if let Some(notes) = self.text("notes")? {
            application.notes = notes;
        }
        if let Some(greeting) = self.text("greeting")? {
            application.greeting = greeting;
        }
        self.access(application)?;
        self.policy(application)?;
        if let Some(flag) = self.flag("self_service_allowed")? {
            application.self_service_allowed = flag;
        }
        self.normalization(application)?;
        self.networks(application)?;
        // Not shown and without effect until Duo has seen a frameless authentication (trap 8).
        if let Some(flag) = self.flag("prompt_v4_enabled")?
            && application.frameless
        {
            application.universal_prompt = flag;
        }
        self.permissions(application)?;
        if self.version > Version::V1 {
            self.sso(application)?;
        }
        self.legacy(application);
        Ok(())
    }

    fn sent(&self, name: &str) -> Option<&'a Value> {
        self.call.params.get(name)
    }

    /// A text property, normalised if a switch makes Duo do so (trap 35).
    fn text(&self, name: &str) -> Result<Option<String>, Reply> {
        let Some(value) = self.sent(name) else { return Ok(None) };
        let mut text = value.as_str().ok_or_else(|| Reply::invalid(name))?.to_owned();
        if self.switches.trim_text {
            text = text.trim().to_owned();
        }
        if self.switches.escape_text {
            text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        }
        if texts::fits(name, &text, self.switches) { Ok(Some(text)) } else { Err(Reply::invalid(name)) }
    }

    /// A property sent as a boolean, 0 or 1, or as text (trap 5).
    fn flag(&self, name: &str) -> Result<Option<bool>, Reply> {
        if self.sent(name).is_none() {
            return Ok(None);
        }
        match self.call.text(name).unwrap_or_default().to_ascii_lowercase().as_str() {
            "1" | "true" => Ok(Some(true)),
            "0" | "false" => Ok(Some(false)),
            _ => Err(Reply::invalid(name)),
        }
    }

    /// A list sent as comma-separated text or as an array; empty entries are dropped.
    fn list(&self, name: &str) -> Result<Option<Vec<String>>, Reply> {
        let entry = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        match self.sent(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.split(',').filter_map(entry).collect())),
            Some(Value::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().ok_or_else(|| Reply::invalid(name)));
                let texts = texts.collect::<Result<Vec<_>, _>>()?;
                Ok(Some(texts.into_iter().filter_map(entry).collect()))
            }
            Some(_) => Err(Reply::invalid(name)),
        }
    }

    /// The type is set at creation and cannot be changed (trap 13).
    fn kind(&self, application: &mut Application) -> Result<(), Reply> {
        if self.before.is_some() {
            return if self.sent("type").is_some() { Err(Reply::invalid("type")) } else { Ok(()) };
        }
        let kind = self.call.required("type")?;
        let creatable = match kinds::creation(&kind) {
            Creation::Yes => true,
            Creation::Doubtful => self.switches.doubtful_types,
            Creation::No => false,
        };
        if !creatable || self.switches.refuse_type.contains(&kind) {
            return Err(Reply::invalid("type"));
        }
        application.kind = kind;
        Ok(())
    }

    fn name(&self, application: &mut Application) -> Result<(), Reply> {
        match self.text("name")? {
            Some(name) if name.is_empty() => Err(Reply::invalid("name")),
            Some(name) => {
                application.name = name;
                Ok(())
            }
            None if self.before.is_none() => Err(Reply::missing("name")),
            None => Ok(()),
        }
    }

    /// Who may log in (section 3.2): v3 uses `user_access`, v1 and v2 only `groups_allowed`.
    fn access(&self, application: &mut Application) -> Result<(), Reply> {
        let mut groups = self.list("groups_allowed")?;
        if let Some(groups) = &mut groups {
            self.check_groups(groups)?;
            let mut seen = BTreeSet::new();
            groups.retain(|id| seen.insert(id.clone()));
        }
        if self.version < Version::V3 {
            match groups {
                Some(groups) => {
                    application.user_access = if groups.is_empty() { Access::All } else { Access::Groups };
                    application.groups_allowed = groups;
                }
                None if self.before.is_none() => application.user_access = self.default_access(),
                None => {}
            }
            return Ok(());
        }
        match self.sent("user_access").map(Value::as_str) {
            Some(Some("ALL_USERS")) => application.user_access = Access::All,
            Some(Some("PERMITTED_GROUPS")) => application.user_access = Access::Groups,
            Some(Some("NO_USERS")) => application.user_access = Access::NoOne,
            Some(_) => return Err(Reply::invalid("user_access")),
            None if self.before.is_none() => application.user_access = self.default_access(),
            None => {}
        }
        if application.user_access == Access::Groups {
            if let Some(groups) = groups {
                application.groups_allowed = groups;
            }
            if application.groups_allowed.is_empty() {
                return Err(Reply::invalid("groups_allowed"));
            }
        } else if groups.is_some() {
            return Err(Reply::invalid("groups_allowed"));
        } else if self.switches.clear_groups {
            application.groups_allowed.clear();
        }
        Ok(())
    }

    fn default_access(&self) -> Access {
        let open = self.switches.open_by_default || self.version == Version::V1;
        if open { Access::All } else { Access::NoOne }
    }

    fn check_groups(&self, ids: &[String]) -> Result<(), Reply> {
        let known = ids.iter().all(|id| self.store.get(GROUPS, id).is_some());
        if ids.len() <= GROUP_LIMIT && known { Ok(()) } else { Err(Reply::invalid("groups_allowed")) }
    }

    /// `""` detaches; the global policy is never attached (section 7.2).
    fn policy(&self, application: &mut Application) -> Result<(), Reply> {
        if self.sent("policy_key").is_none() || (self.before.is_none() && !self.switches.policy_on_create) {
            return Ok(());
        }
        let key = self.call.text("policy_key").ok_or_else(|| Reply::invalid("policy_key"))?;
        if key.is_empty() {
            application.policy_key = None;
            return Ok(());
        }
        if !policies::is_custom(self.store, &key) {
            return Err(Reply::invalid("policy_key"));
        }
        application.policy_key = Some(key);
        Ok(())
    }

    fn normalization(&self, application: &mut Application) -> Result<(), Reply> {
        const NAME: &str = "username_normalization_policy";
        let Some(value) = self.sent(NAME) else { return Ok(()) };
        let text = value.as_str().unwrap_or_default().to_ascii_lowercase();
        let returned = match text.as_str() {
            "none" => "None",
            "simple" => "Simple",
            _ => return Err(Reply::invalid(NAME)),
        };
        application.normalization = Some(returned.to_owned());
        Ok(())
    }

    fn networks(&self, application: &mut Application) -> Result<(), Reply> {
        const NAME: &str = "networks_for_api_access";
        let Some(entries) = self.list(NAME)? else { return Ok(()) };
        let itself = self.before.is_some_and(|before| own::is(self.call, &before.integration_key));
        if itself && !self.switches.self_networks {
            return Err(own::refusal(self.switches));
        }
        if !kinds::is_api(&application.kind) || !entries.iter().all(|entry| networks::is_valid(entry)) {
            return Err(Reply::invalid(NAME));
        }
        application.networks = entries;
        Ok(())
    }

    /// Omitted flags stay as they are; changing one may need its own permission (section 3.4).
    fn permissions(&self, application: &mut Application) -> Result<(), Reply> {
        for flag in permissions::known(self.switches) {
            let Some(on) = self.flag(flag)? else { continue };
            if application.kind != "adminapi" {
                return Err(Reply::invalid(flag));
            }
            let keeps = self.before.is_some() && !self.switches.set_permissions_on_modify;
            if flag == SET_PERMISSIONS && keeps {
                continue;
            }
            let was_on = application.permissions.contains(flag);
            if on != was_on && self.switches.strict_permissions {
                let refused = |forbidden| {
                    if self.switches.invalid_permissions { Reply::invalid(flag) } else { forbidden }
                };
                self.call.require(&[SET_PERMISSIONS]).map_err(refused)?;
            }
            if on {
                application.permissions.insert(flag.to_owned());
            } else {
                application.permissions.remove(flag);
            }
        }
        Ok(())
    }

    fn sso(&self, application: &mut Application) -> Result<(), Reply> {
        match self.sent("sso") {
            Some(Value::Object(_)) if !kinds::is_sso(&application.kind) => Err(Reply::invalid("sso")),
            Some(Value::Object(sent)) => sso::merge(application, sent, self.store, self.switches),
            Some(_) => Err(Reply::invalid("sso")),
            None => Ok(()),
        }?;
        let section = kinds::sso_section(&application.kind).filter(|section| *section != "oauth_config");
        match section {
            Some(section) if self.before.is_none() && self.switches.require_sso => {
                sso::check_complete(application, section, self.switches)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn legacy(&self, application: &mut Application) {
        if self.switches.drop_legacy {
            return;
        }
        for name in LEGACY {
            if let Some(value) = self.sent(name) {
                application.legacy.insert((*name).to_owned(), value.clone());
            }
        }
    }
}
