//! An account as JSON that carries out the requests of a plan, and normalises values as the reference describes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::duo::object::{Ikey, Kind, Object};
use crate::kinds::seal::Verdict;
use crate::reconcile::observation::{LastUse, Observation, Proofs};
use crate::reconcile::observed::{Objects, Observed};
use crate::reconcile::plan::{Action, Plan, Step, Write};

/// What the reference leaves open; the tests try both ways.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quirks {
    /// Text is trimmed.
    pub(crate) trims: bool,
    /// Text comes back escaped for HTML.
    pub(crate) escapes: bool,
    /// Networks come back as an array.
    pub(crate) lists_networks: bool,
    /// `username_normalization_policy` comes back as "".
    pub(crate) blank_normalization: bool,
    /// A property that duoctl does not know comes back.
    pub(crate) unknown_property: bool,
    /// No frameless authentication has happened yet, so the Universal Prompt is not offered.
    pub(crate) no_prompt: bool,
    /// `allow_to_set_permissions` can be granted after the creation.
    pub(crate) sets_later: bool,
}

/// The permissions that this account knows, without those of 2026.
pub(crate) const PERMISSIONS: [&str; 9] = [
    "admins",
    "admins_read",
    "allow_to_set_permissions",
    "info",
    "integrations",
    "read_log",
    "read_resource",
    "settings",
    "write_resource",
];

/// Who may log in, as a set of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Groups(BTreeSet<String>),
    Everybody,
}

impl Reach {
    pub(crate) fn no_one() -> Self {
        Self::Groups(BTreeSet::new())
    }

    pub(crate) fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Everybody) => true,
            (Self::Everybody, Self::Groups(_)) => false,
            (Self::Groups(inner), Self::Groups(outer)) => inner.is_subset(outer),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct FakeDuo {
    pub(crate) applications: BTreeMap<String, Map<String, Value>>,
    pub(crate) groups: Vec<Object>,
    pub(crate) policies: Vec<Object>,
    pub(crate) quirks: Quirks,
    pub(crate) operator: Ikey,
    /// How many applications were created.
    made: usize,
    /// What the authentication log shows for each application; nothing by default.
    pub(crate) uses: BTreeMap<String, Observed<Option<LastUse>>>,
    /// What the markers prove: duoctl wrote every one, unless a test says otherwise.
    pub(crate) proofs: Proofs,
}

impl FakeDuo {
    /// An account with four groups, four policies, and no application but the operator.
    pub(crate) fn new() -> Self {
        let object = |kind, value| Object::decode(kind, value).expect("an object");
        let group = |id: &str, name: &str| {
            object(Kind::Group, json!({"group_id": id, "name": name, "status": "Active"}))
        };
        let policy = |key: &str, name: &str, sections: Value| {
            let global = key == "PO0";
            let policy = json!({"policy_key": key, "policy_name": name, "is_global_policy": global, "sections": sections,
                "policy_applies_to": []});
            object(Kind::Policy, policy)
        };
        let new_users = |behavior: &str| json!({"new_user": {"new_user_behavior": behavior}});
        let mut duo = Self {
            applications: BTreeMap::new(),
            groups: vec![
                group("DG1", "VPN Users"),
                group("DG2", "Contractors"),
                group("DG3", "Staff"),
                group("DG4", "Admins"),
            ],
            policies: vec![
                policy("PO0", "Global Policy", new_users("enroll")),
                policy("PO1", "Strict", new_users("deny")),
                policy("PO2", "Lax", new_users("no-mfa")),
                policy("PO3", "Browsers", json!({"browsers": {"out_of_date_behavior": "warn-only"}})),
            ],
            quirks: Quirks::default(),
            operator: Ikey::new("DIOPERATOR"),
            made: 0,
            uses: BTreeMap::new(),
            proofs: Proofs::all(Verdict::Valid),
        };
        duo.put(
            "DIOPERATOR",
            "adminapi",
            "duoctl",
            json!({"adminapi_integrations": 1, "adminapi_read_resource": 1}),
        );
        duo
    }

    /// Adds an application with the default properties of its type, and these.
    pub(crate) fn put(&mut self, ikey: &str, kind: &str, name: &str, properties: Value) {
        let mut application = self.blank(ikey, kind);
        application.insert("name".to_owned(), json!(name));
        application.insert("user_access".to_owned(), json!("ALL_USERS"));
        let Value::Object(properties) = properties else { panic!("properties are an object") };
        application.extend(properties);
        self.applications.insert(ikey.to_owned(), application);
    }

    pub(crate) fn with(mut self, ikey: &str, kind: &str, name: &str, properties: Value) -> Self {
        self.put(ikey, kind, name, properties);
        self
    }

    /// Changes one property by hand, as an administrator would.
    pub(crate) fn edit(&mut self, ikey: &str, property: &str, value: Value) {
        self.applications.get_mut(ikey).unwrap().insert(property.to_owned(), value);
    }

    pub(crate) fn property(&self, ikey: &str, property: &str) -> Value {
        let application = self.applications.get(ikey);
        application.and_then(|application| application.get(property)).cloned().unwrap_or_default()
    }

    pub(crate) fn notes(&self, ikey: &str) -> String {
        self.property(ikey, "notes").as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn integrations(&self) -> Vec<Object> {
        let decode = |application: &Map<String, Value>| {
            Object::decode(Kind::Application, Value::Object(application.clone()))
        };
        self.applications.values().filter_map(decode).collect()
    }

    pub(crate) fn observation(&self) -> Observation {
        let at = jiff::Timestamp::from_second(1_795_521_600).unwrap();
        Observation {
            objects: Objects::from([
                (Kind::Application, Observed::Present(self.integrations())),
                (Kind::Group, Observed::Present(self.groups.clone())),
                (Kind::Policy, Observed::Present(self.policies.clone())),
            ]),
            proofs: self.proofs.clone(),
            uses: self.applications.keys().map(|ikey| (Ikey::new(ikey.as_str()), self.used(ikey))).collect(),
            ..Observation::new("api-1a2b3c4d.duosecurity.com", self.operator.clone(), at)
        }
    }

    fn used(&self, ikey: &str) -> Observed<Option<LastUse>> {
        self.uses.get(ikey).cloned().unwrap_or(Observed::Present(None))
    }

    /// Who may log in to an application. One that does not exist lets no one in.
    pub(crate) fn reach(&self, ikey: &str) -> Reach {
        let Some(application) = self.applications.get(ikey) else { return Reach::no_one() };
        match application.get("user_access").and_then(Value::as_str) {
            Some("NO_USERS") => Reach::no_one(),
            Some("PERMITTED_GROUPS") => {
                let groups = application.get("groups_allowed").and_then(Value::as_array).cloned();
                let ids = groups.unwrap_or_default();
                Reach::Groups(ids.iter().map(|id| id.as_str().unwrap_or_default().to_owned()).collect())
            }
            _ => Reach::Everybody,
        }
    }

    /// Carries out a whole plan, removals last, and shows each step with the account before and after each of its
    /// requests.
    pub(crate) fn apply_watched(&mut self, plan: &Plan, mut watch: impl FnMut(&Step, &[Self])) {
        let removes = |step: &&Step| matches!(step.action, Action::Quarantine | Action::Delete);
        let (removals, others): (Vec<&Step>, Vec<&Step>) = plan.steps().iter().partition(removes);
        for step in others.into_iter().chain(removals) {
            let mut history = vec![self.clone()];
            let mut created = None;
            for write in &step.writes {
                self.write(write, &mut created).unwrap_or_else(|problem| panic!("{problem}: {write:?}"));
                history.push(self.clone());
            }
            watch(step, &history);
        }
    }

    pub(crate) fn apply(&mut self, plan: &Plan) {
        self.apply_watched(plan, |_, _| {});
    }

    /// Carries out one request, or returns why Duo would refuse it.
    pub(crate) fn write(&mut self, write: &Write, created: &mut Option<String>) -> Result<(), String> {
        match write {
            Write::Create(_, body) => {
                let kind = body.get("type").and_then(Value::as_str).ok_or("type is missing")?;
                body.get("name").filter(|name| name.is_string()).ok_or("name is missing")?;
                if body.contains_key("policy_key") {
                    return Err("policy_key on create".to_owned());
                }
                // A key is never used twice, even after its application is deleted.
                let ikey = format!("DINEW{}", self.made);
                self.made += 1;
                let mut application = self.blank(&ikey, kind);
                self.set(&mut application, body, true)?;
                self.applications.insert(ikey.clone(), application);
                *created = Some(ikey);
                Ok(())
            }
            Write::Finish(body) => self.update(&created.clone().ok_or("nothing was created")?, body),
            Write::Link(ikey, [before, after]) => {
                let created = created.clone().ok_or("nothing was created")?;
                let notes = json!(format!("{before}{created}{after}"));
                self.update(ikey.as_str(), &Map::from_iter([("notes".to_owned(), notes)]))
            }
            Write::Update(ikey, body) => self.update(ikey.as_str(), body),
            Write::Bind(..) | Write::Deliver(_) | Write::Prove(_) => Ok(()),
            Write::Delete(ikey) => self
                .applications
                .remove(ikey.as_str())
                .map(|_| ())
                .ok_or_else(|| format!("{ikey} is unknown")),
        }
    }

    pub(crate) fn update(&mut self, ikey: &str, body: &Map<String, Value>) -> Result<(), String> {
        if body.contains_key("type") {
            return Err("a type cannot change".to_owned());
        }
        let mut application =
            self.applications.get(ikey).ok_or_else(|| format!("{ikey} is unknown"))?.clone();
        self.set(&mut application, body, false)?;
        self.applications.insert(ikey.to_owned(), application);
        Ok(())
    }

    fn blank(&self, ikey: &str, kind: &str) -> Map<String, Value> {
        let mut blank = json!({
            "integration_key": ikey, "type": kind, "name": "", "notes": "", "greeting": "", "groups_allowed": [],
            "user_access": "NO_USERS", "secret_key": format!("{}{:0>4}", "*".repeat(36), ikey.len()),
        });
        let properties = blank.as_object_mut().unwrap();
        match kind {
            "adminapi" => {
                let flags = PERMISSIONS.iter().map(|name| (format!("adminapi_{name}"), json!(0)));
                properties.extend(flags.chain([("networks_for_api_access".to_owned(), json!(""))]));
            }
            "accountsapi" => {
                properties.insert("networks_for_api_access".to_owned(), json!(""));
            }
            _ => {
                properties.insert("self_service_allowed".to_owned(), json!(0));
                properties.insert("username_normalization_policy".to_owned(), json!("None"));
            }
        }
        if kind == "websdk" && !self.quirks.no_prompt {
            properties.insert("frameless_auth_prompt_enabled".to_owned(), json!(1));
            properties.insert("prompt_v4_enabled".to_owned(), json!(1));
        }
        if self.quirks.unknown_property {
            properties.insert("sensitivity_level".to_owned(), json!({"name": "Critical"}));
        }
        properties.clone()
    }

    fn set(
        &self,
        application: &mut Map<String, Value>,
        body: &Map<String, Value>,
        creating: bool,
    ) -> Result<(), String> {
        let access = body.get("user_access").or_else(|| application.get("user_access")).cloned();
        for (key, value) in body {
            let text = value.as_str().unwrap_or_default();
            let value = match key.as_str() {
                "type" | "user_access" => value.clone(),
                "name" | "notes" | "greeting" => json!(self.text(text)),
                "groups_allowed" if access == Some(json!("PERMITTED_GROUPS")) => {
                    let ids: Vec<&str> = text.split(',').filter(|id| !id.is_empty()).rev().collect();
                    let known = |id: &&str| self.groups.iter().any(|group| group.id.as_str() == *id);
                    if ids.is_empty() || ids.len() > 100 || !ids.iter().all(known) {
                        return Err("groups_allowed".to_owned());
                    }
                    json!(ids)
                }
                "policy_key" if text.is_empty() => Value::Null,
                "policy_key" if self.policies.iter().any(|policy| policy.id.as_str() == text) => {
                    value.clone()
                }
                "networks_for_api_access" if !application.contains_key(key) => return Err(key.clone()),
                "networks_for_api_access" if self.quirks.lists_networks => {
                    json!(text.split(',').filter(|part| !part.is_empty()).collect::<Vec<_>>())
                }
                "networks_for_api_access" => value.clone(),
                "self_service_allowed" => json!(u8::from(text == "1")),
                "prompt_v4_enabled" if !application.contains_key("frameless_auth_prompt_enabled") => continue,
                "prompt_v4_enabled" => json!(u8::from(text == "1")),
                "username_normalization_policy" if self.quirks.blank_normalization => json!(""),
                "username_normalization_policy" => json!(if text == "simple" { "Simple" } else { "None" }),
                "sso" => self.sso(application.get("sso"), value),
                "adminapi_allow_to_set_permissions"
                    if !creating && text == "1" && !self.quirks.sets_later =>
                {
                    continue;
                }
                // A permission that this account does not know is accepted and then ignored.
                _ if key.starts_with("adminapi_") && creating && !application.contains_key(key) => continue,
                _ if key.starts_with("adminapi_") && application.contains_key(key) => {
                    json!(u8::from(text == "1"))
                }
                _ => return Err(key.clone()),
            };
            if value.is_null() {
                application.remove(key);
            } else {
                application.insert(key.clone(), value);
            }
        }
        Ok(())
    }

    fn text(&self, text: &str) -> String {
        let text = if self.quirks.trims { text.trim() } else { text };
        let text = text.to_owned();
        if self.quirks.escapes { text.replace('&', "&amp;").replace('<', "&lt;") } else { text }
    }

    /// Objects are merged, everything else is replaced, and defaults are filled in (duo-api.md, section 3.5).
    fn sso(&self, before: Option<&Value>, sent: &Value) -> Value {
        let mut document = before.cloned().unwrap_or_else(|| json!({"idp_metadata": {"cert": "generated"}}));
        merge(&mut document, sent);
        if let Some(saml) = document.get_mut("saml_config").and_then(Value::as_object_mut) {
            saml.entry("sign_response").or_insert(json!(false));
            saml.entry("slo_url").or_insert(Value::Null);
            if let Some(Value::Array(urls)) = saml.get_mut("acs_urls") {
                for (index, url) in urls.iter_mut().enumerate() {
                    let url = url.as_object_mut().unwrap();
                    url.entry("index").or_insert(json!(index));
                    url.entry("isDefault").or_insert(json!(false));
                    url.entry("binding").or_insert(Value::Null);
                }
            }
        }
        if let Some(code) = document.pointer_mut("/oidc_config/grant_types/authorization_code")
            && *code == json!(true)
        {
            *code = json!({"access_token_lifespan": 3600, "allow_pkce_only": false});
        }
        if let Some(Value::Array(clients)) = document.pointer_mut("/oauth_config/clients") {
            for client in clients {
                client.as_object_mut().unwrap().entry("client_secret").or_insert(json!("secret"));
            }
        }
        document
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}
