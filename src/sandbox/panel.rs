//! What an administrator does in the Admin Panel, behind the API clients' back.

use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::application::Application;
use super::call::{Call, Caller, Reply};
use super::collections::{GROUPS, INTEGRATION_OF_DEVICES, INTEGRATIONS, POLICIES, USERS};
use super::integrations::sso;
use super::logs::written::Login;
use super::state::Account;
use super::{groups, ids, permissions, policies, users};

impl Account {
    /// Makes a call as an administrator: with every permission, and with no application as the caller.
    pub fn as_administrator(&mut self, method: &str, path: &str, params: Map<String, Value>) -> Reply {
        self.call_by("", method, path, params)
    }

    /// The same on behalf of an application, which the activity log will name.
    pub fn call_by(&mut self, ikey: &str, method: &str, path: &str, params: Map<String, Value>) -> Reply {
        let caller = Caller {
            ikey: ikey.to_owned(),
            kind: "adminapi".to_owned(),
            permissions: permissions::every().map(str::to_owned).collect(),
        };
        let call = Call {
            method: method.to_owned(),
            path: path.split('/').skip(1).map(str::to_owned).collect(),
            params,
            is_form: false,
            host: self.host.clone(),
            authority: self.host.clone(),
            caller: Some(caller),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            now: Timestamp::now().as_second(),
        };
        self.dispatch(&call)
    }

    /// Every application as version 3 of the API returns it.
    pub fn applications(&mut self) -> Vec<Value> {
        let mut offset = 0;
        let mut found = Vec::new();
        loop {
            // A size that no switch refuses.
            let query = Map::from_iter([("limit".into(), json!(100)), ("offset".into(), json!(offset))]);
            let Reply::Page(rows, _) = self.as_administrator("GET", "/admin/v3/integrations", query) else {
                return found;
            };
            if rows.is_empty() {
                return found;
            }
            offset += rows.len();
            found.extend(rows);
        }
    }

    /// One application as version 3 of the API returns it.
    ///
    /// # Errors
    ///
    /// The refusal, if it does not exist.
    pub fn application(&mut self, ikey: &str) -> Result<Value, Reply> {
        object(self.as_administrator("GET", &format!("/admin/v3/integrations/{ikey}"), Map::new()))
    }

    /// Creates an application and returns it.
    ///
    /// # Errors
    ///
    /// The refusal, as a client would get it.
    pub fn create_application(&mut self, properties: Map<String, Value>) -> Result<Value, Reply> {
        object(self.as_administrator("POST", "/admin/v3/integrations", properties))
    }

    /// Changes an application and returns it.
    ///
    /// # Errors
    ///
    /// The refusal, as a client would get it.
    pub fn modify_application(&mut self, ikey: &str, properties: Map<String, Value>) -> Result<Value, Reply> {
        object(self.as_administrator("POST", &format!("/admin/v3/integrations/{ikey}"), properties))
    }

    /// Puts an application of any type into the account, in a state that may have evolved over years, and returns its key.
    /// `stored` uses the sandbox's own names: `kind`, `name`, `notes`, `user_access`, `groups_allowed`, `policy_key`, `networks`,
    /// `permissions`, `frameless`, `universal_prompt`, `sso`, ...
    ///
    /// # Errors
    ///
    /// When it has another format, or the state cannot be written.
    pub fn place_application(&mut self, stored: &Value) -> std::io::Result<String> {
        let shape = || std::io::Error::other("this is not an application");
        let mut application = Application::read(stored).ok_or_else(shape)?;
        application.integration_key = self.next_id("DI", INTEGRATIONS)?;
        application.secret_key = ids::secret()?;
        sso::complete(&mut application, &self.switches)?;
        application.save(&mut self.store)?;
        Ok(application.integration_key)
    }

    /// Deletes an application.
    ///
    /// # Errors
    ///
    /// The refusal, if it does not exist.
    pub fn delete_application(&mut self, ikey: &str) -> Result<(), Reply> {
        object(self.as_administrator("DELETE", &format!("/admin/v3/integrations/{ikey}"), Map::new()))
            .map(drop)
    }

    /// Adds a group and returns its id. Unlike the API, the panel accepts duplicate names.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn add_group(&mut self, name: &str) -> std::io::Result<String> {
        let id = self.next_id("DG", GROUPS)?;
        self.store.put(GROUPS, &id, groups::blank(&id, name))?;
        Ok(id)
    }

    /// Removes a group.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn remove_group(&mut self, id: &str) -> std::io::Result<()> {
        self.store.remove(GROUPS, id)
    }

    /// Adds a custom policy and returns its key. Unlike the API, the panel accepts duplicate names.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn add_policy(&mut self, name: &str) -> std::io::Result<String> {
        self.place_policy(name, Map::new())
    }

    /// Puts a policy with any sections into the account, also such as the reference does not know, and returns its key.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn place_policy(&mut self, name: &str, sections: Map<String, Value>) -> std::io::Result<String> {
        let key = self.next_id("PO", POLICIES)?;
        self.store.put(POLICIES, &key, policies::policy(&key, name, false, sections))?;
        Ok(key)
    }

    /// Binds a policy to groups on every application.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn bind_user_groups(&mut self, policy: &str, groups: &[String]) -> std::io::Result<()> {
        policies::bind_user_groups(self, policy, groups)
    }

    /// Sets up or removes the integration of Trusted Endpoints with a device management. Without one, the section
    /// `trusted_endpoints` of every policy is `not-configured`.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn manage_devices(&mut self, on: bool) -> std::io::Result<()> {
        if on {
            self.store.put(INTEGRATION_OF_DEVICES, "integration", json!({}))
        } else {
            self.store.remove(INTEGRATION_OF_DEVICES, "integration")
        }
    }

    /// Adds a user who is a member of groups, as a directory sync does.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn add_user(&mut self, username: &str, status: &str, groups: &[String]) -> std::io::Result<String> {
        let id = self.next_id("DU", USERS)?;
        let mut user = users::user(&id, username, Timestamp::now().as_second());
        user.extend([("groups".to_owned(), json!(groups)), ("status".to_owned(), json!(status))]);
        self.store.put(USERS, &id, Value::Object(user))?;
        Ok(id)
    }

    /// Adds a login, or an attempt at one, to the authentication log, at a time in Unix seconds.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn record_login(&mut self, ikey: &str, user: &str, result: &str, time: i64) -> std::io::Result<()> {
        let login = Login {
            application: (ikey, ""),
            user: &json!({"username": user}),
            factor: None,
            reason: "",
            result,
            address: "198.51.100.9".to_owned(),
        };
        login.note(self, time * 1000).map(drop)
    }

    /// Removes a policy.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn remove_policy(&mut self, key: &str) -> std::io::Result<()> {
        self.store.remove(POLICIES, key)
    }
}

fn object(reply: Reply) -> Result<Value, Reply> {
    match reply {
        Reply::Ok(value) => Ok(value),
        other => Err(other),
    }
}
