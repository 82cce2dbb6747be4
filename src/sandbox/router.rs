//! Routes a request to the API family that answers it: authentication, admission, routes.

use serde_json::Value;

use super::application::Application;
use super::authenticate::{Gate, authenticate};
use super::call::{Call, Caller, Reply};
use super::collections::INTEGRATIONS;
use super::message::{RawReply, RawRequest};
use super::state::Account;
use super::{
    accounts, admins, auth, branding, devices, documents, groups, info, integrations, logs, networks, oauth,
    policies, settings, units, unsimulated, users,
};

impl Account {
    /// Answers a request to Duo with the exact bytes that Duo would send.
    pub(super) fn duo(&mut self, request: &RawRequest, now: i64) -> RawReply {
        let reply = self.answer(request, now);
        RawReply::render(reply, request, &self.rendering(), now + self.faults.skew())
    }

    fn gate(&self, now: i64) -> Gate<'_> {
        Gate { store: &self.store, host: &self.host, switches: &self.switches, now }
    }

    /// Verifies and answers a request.
    pub fn answer(&mut self, request: &RawRequest, now: i64) -> Reply {
        let now = now + self.faults.skew();
        self.count(request);
        let mut moved = 0;
        let reply = match authenticate(&self.gate(now), request) {
            Ok(mut call) => {
                self.permissions_of_late(&mut call);
                call.peer = self.caller_address.unwrap_or(call.peer);
                moved = self.faults.moves(&mut call);
                self.late(&call)
            }
            Err(reply) => reply,
        };
        self.falsified(reply, request, moved)
    }

    /// Answers with the applications as they were before a write, if a fault asks for it.
    fn late(&mut self, call: &Call) -> Reply {
        if !self.faults.will_lag() {
            self.outdated = None;
            return self.disturbed(call);
        }
        let is_list = matches!(call.segments().as_slice(), ["admin", _, "integrations"]);
        if call.method != "GET" {
            self.outdated.get_or_insert_with(|| self.store.collection(INTEGRATIONS));
        } else if is_list
            && let Some(before) = self.outdated.take()
            && self.faults.lags()
        {
            let now = self.store.exchange(INTEGRATIONS, before);
            let reply = self.disturbed(call);
            self.outdated = Some(self.store.exchange(INTEGRATIONS, now));
            return reply;
        }
        self.disturbed(call)
    }

    fn falsified(&self, reply: Reply, request: &RawRequest, moved: i64) -> Reply {
        let Reply::Page(rows, Value::Object(mut metadata)) = reply else { return reply };
        let offset = request.query().split('&').find_map(|part| part.strip_prefix("offset="));
        let offset = offset.and_then(|offset| offset.parse().ok()).unwrap_or_default();
        self.faults.falsify(request.path(), offset, moved, &mut metadata);
        Reply::Page(rows, Value::Object(metadata))
    }

    /// Answers a call with a verified signature: checks networks and permissions, then routes it.
    pub fn dispatch(&mut self, call: &Call) -> Reply {
        self.route(call).unwrap_or_else(|refusal| refusal)
    }

    /// The same with the faults of requests, which an administrator's own calls do not meet.
    fn disturbed(&mut self, call: &Call) -> Reply {
        if !self.faults.has_no_effect(call) {
            return self.dispatch(call);
        }
        // The write goes to a copy, which is dropped.
        let copy = self.store.copy();
        let kept = std::mem::replace(&mut self.store, copy);
        let reply = self.dispatch(call);
        self.store = kept;
        reply
    }

    fn route(&mut self, call: &Call) -> Result<Reply, Reply> {
        let segments = call.segments();
        if let Some(caller) = &call.caller {
            self.admit(call, caller)?;
        }
        if let Some(what) = unsimulated::find(&call.method, &segments) {
            return Err(Reply::not_simulated(what));
        }
        match segments.as_slice() {
            ["admin", version, "integrations", rest @ ..] => integrations::answer(self, call, version, rest),
            ["admin", version, "groups", rest @ ..] => groups::answer(self, call, version, rest),
            ["admin", "v2", "policies", rest @ ..] => policies::answer(self, call, rest),
            ["admin", "v1", "admins", rest @ ..] => admins::answer(self, call, rest),
            ["admin", "v1", "administrative_units", rest @ ..] => units::answer(self, call, rest),
            ["admin", "v1", "users", rest @ ..] => users::answer(self, call, rest),
            ["admin", "v1", family @ ("phones" | "tokens" | "endpoints"), rest @ ..] => {
                devices::answer(self, call, family, rest)
            }
            ["admin", "v1", "info", rest @ ..] => info::answer(self, call, rest),
            ["admin", "v1", "branding", "custom_messaging"] => branding::custom_messaging(self, call),
            ["admin", "v1", "settings"] => settings::answer(self, call),
            ["admin", version, "logs", rest @ ..] => logs::answer(self, call, version, rest),
            ["admin", "v1", "trust_monitor", "events"] => logs::trust_monitor(self, call),
            ["accounts", "v1", "account", action] => accounts::answer(self, call, action),
            ["auth", "v2", rest @ ..] => auth::answer(self, call, rest),
            ["rest", "v1", rest @ ..] => auth::answer_v1(call, rest),
            ["oauth", "v1", "health_check"] => oauth::health_check(self, call),
            ["oidc" | "saml2", ..] => documents::answer(self, call, &segments),
            _ => Err(Reply::not_found()),
        }
    }

    /// Whether a key may call from its address and for the account (duo-api.md, sections 2.2 and 8).
    fn admit(&self, call: &Call, caller: &Caller) -> Result<(), Reply> {
        let application = Application::load(&self.store, &caller.ikey);
        let allowed = application.is_none_or(|application| networks::allow(&application.networks, call.peer));
        if !allowed && self.switches.networks_unauthorized {
            return Err(Reply::unknown_key(&self.switches));
        }
        if !allowed {
            return Err(Reply::forbidden());
        }
        if caller.kind == "accountsapi" && call.path.first().is_some_and(|first| first == "admin") {
            return Err(accounts::for_child(self, call));
        }
        Ok(())
    }
}
