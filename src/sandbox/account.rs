//! The account: its state and its rules, without HTTP.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::authenticate::authenticate;
use super::call::{Call, Caller, Reply};
use super::faults::{Faults, Strike};
use super::integrations::Application;
use super::message::{RawReply, RawRequest};
use super::store::{Collection, JOURNAL, Store};
use super::switches::Switches;
use super::{
    accounts, admins, auth, devices, documents, groups, ids, info, integrations, intelligence, logs,
    networks, oauth, policies, seed, settings, units, users,
};
use crate::atomic;
use crate::secret::Secret;

/// The hostname of the seeded account; any other name reaches the same one.
pub const API_HOSTNAME: &str = "api-5a4db0c5.duosecurity.com";

/// How many calls a changed permission is late for, where it is.
const LATE_CALLS: usize = 2;

const LOCK: &str = "lock";
const META: &str = "meta";
const KEYS: &str = "keys";

/// One simulated account.
#[derive(Debug)]
pub struct Account {
    /// What it remembers.
    pub(super) store: Store,
    /// The choices where Duo's behaviour is unknown.
    pub switches: Switches,
    /// The disturbances that are under way.
    pub faults: Faults,
    /// The address that callers appear to come from, instead of their own.
    pub caller_address: Option<IpAddr>,
    /// Requests so far, refused ones included.
    pub(super) served: usize,
    requests: BTreeMap<String, usize>,
    /// What a key may do for some calls more, by integration key, after its permissions changed.
    late: BTreeMap<String, (Vec<String>, usize)>,
    /// The applications before a write, while lists may lag behind it.
    outdated: Option<Collection>,
    _lock: Option<File>,
}

/// An application whose key a client can use.
#[derive(Clone)]
pub struct Key {
    /// What it is for: `operator`, `plan-only`, `auth`, `no-permissions`.
    pub name: String,
    /// The application's type.
    pub kind: String,
    /// The integration key.
    pub integration_key: String,
    /// The secret key.
    pub secret_key: Secret,
}

impl Account {
    /// Opens the account in a state folder, or seeds a new one there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, or another process uses it.
    pub fn open(state: &Path) -> io::Result<Self> {
        // A checkout may hold links of these names that lead elsewhere.
        for folder in state.ancestors().take(2).filter(|folder| !folder.as_os_str().is_empty()) {
            if folder == state || folder.ends_with(".duoctl") {
                atomic::no_link(folder)?;
            }
        }
        fs::create_dir_all(state)?;
        for file in [LOCK, JOURNAL] {
            atomic::no_link(&state.join(file))?;
        }
        let lock = lock(state)?;
        let mut account = Self::with(Store::open(state)?, Some(lock));
        if account.store.get(META, "seeded").is_none() {
            seed::everything(&mut account)?;
            account.store.put(META, "seeded", json!({"version": 1}))?;
        }
        Ok(account)
    }

    /// A seeded account that is forgotten when it is dropped.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn in_memory() -> io::Result<Self> {
        let mut account = Self::with(Store::in_memory(), None);
        seed::everything(&mut account)?;
        Ok(account)
    }

    /// An account with nothing but the operator's application and the global policy.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn empty_in_memory() -> io::Result<Self> {
        let mut account = Self::with(Store::in_memory(), None);
        seed::operator_only(&mut account)?;
        Ok(account)
    }

    fn with(store: Store, lock: Option<File>) -> Self {
        Self {
            store,
            switches: Switches::default(),
            faults: Faults::default(),
            caller_address: None,
            served: 0,
            requests: BTreeMap::new(),
            late: BTreeMap::new(),
            outdated: None,
            _lock: lock,
        }
    }

    /// Answers a request with the exact bytes that Duo would send. Faults that concern the connection are the
    /// server's business: see [`Account::strike`].
    pub fn handle(&mut self, request: &RawRequest, now: i64) -> RawReply {
        if let Some(reply) = intelligence::answer(self, request, now + self.faults.skew()) {
            return reply;
        }
        let reply = self.answer(request, now);
        RawReply::render(reply, &self.rendering(), now + self.faults.skew())
    }

    /// What is done to a request before it is answered.
    pub fn strike(&mut self, request: &RawRequest, now: i64) -> Strike {
        let switches = self.rendering();
        self.faults.strike(request, &switches, now + self.faults.skew())
    }

    /// The switches as far as they concern bytes, with what a fault adds to them.
    fn rendering(&self) -> Switches {
        let code_as_string = self.switches.code_as_string || self.faults.string_code();
        Switches { code_as_string, ..self.switches.clone() }
    }

    /// Verifies and answers a request.
    pub fn answer(&mut self, request: &RawRequest, now: i64) -> Reply {
        let now = now + self.faults.skew();
        self.served += 1;
        let path = request.path();
        *self.requests.entry(format!("{} {}", request.method, counted(path))).or_default() += 1;
        let mut moved = 0;
        let reply = match authenticate(&self.store, &self.switches, request, now) {
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

    /// Remembers what a key could do, where a switch says that a change takes a while.
    pub(super) fn delay_permissions(&mut self, before: &Application) {
        if self.switches.late_permissions {
            let held = before.caller().permissions;
            self.late.insert(before.integration_key.clone(), (held, LATE_CALLS));
        }
    }

    fn permissions_of_late(&mut self, call: &mut Call) {
        let Some(caller) = &mut call.caller else { return };
        if let Some((held, left)) = self.late.get_mut(&caller.ikey).filter(|(_, left)| *left > 0) {
            *left -= 1;
            caller.permissions.clone_from(held);
        }
    }

    /// Answers a list of applications as it was before a write, where a fault says so.
    fn late(&mut self, call: &Call) -> Reply {
        if !self.faults.will_lag() {
            self.outdated = None;
            return self.dispatch(call);
        }
        let is_list = matches!(call.segments().as_slice(), ["admin", _, "integrations"]);
        if call.method != "GET" {
            self.outdated.get_or_insert_with(|| self.store.collection(integrations::COLLECTION));
        } else if is_list
            && let Some(before) = self.outdated.take()
            && self.faults.lags()
        {
            let now = self.store.exchange(integrations::COLLECTION, before);
            let reply = self.dispatch(call);
            self.outdated = Some(self.store.exchange(integrations::COLLECTION, now));
            return reply;
        }
        self.dispatch(call)
    }

    fn falsified(&self, reply: Reply, request: &RawRequest, moved: i64) -> Reply {
        let Reply::Page(rows, Value::Object(mut metadata)) = reply else { return reply };
        let offset = request.query().split('&').find_map(|part| part.strip_prefix("offset="));
        let offset = offset.and_then(|offset| offset.parse().ok()).unwrap_or_default();
        self.faults.falsify(request.path(), offset, moved, &mut metadata);
        Reply::Page(rows, Value::Object(metadata))
    }

    /// Answers a call whose signature was verified: type of the key, its networks, its permissions, the rest.
    pub fn dispatch(&mut self, call: &Call) -> Reply {
        self.route(call).unwrap_or_else(|refusal| refusal)
    }

    fn route(&mut self, call: &Call) -> Result<Reply, Reply> {
        let segments = call.segments();
        if let Some(caller) = &call.caller {
            self.admit(call, caller, &segments)?;
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

    /// Whether a key may use an API at all (duo-api.md, section 2.2).
    fn admit(&self, call: &Call, caller: &Caller, segments: &[&str]) -> Result<(), Reply> {
        let kind = caller.kind.as_str();
        match segments.first().copied() {
            Some("admin") if kind != "adminapi" => return Err(Reply::unknown_key()),
            Some("accounts") if kind != "accountsapi" => return Err(Reply::wrong_type()),
            Some("auth") if kind != "authapi" => return Err(Reply::wrong_type()),
            Some("rest") if !integrations::kinds::speaks_rest_v1(kind) => return Err(Reply::wrong_type()),
            _ => {}
        }
        let application = Application::load(&self.store, &caller.ikey);
        let allowed = application.is_none_or(|application| networks::allow(&application.networks, call.peer));
        match (allowed, self.switches.networks_unauthorized) {
            (true, _) => Ok(()),
            (false, true) => Err(Reply::unknown_key()),
            (false, false) => Err(Reply::forbidden()),
        }
    }

    /// Requests so far by method and path, identifiers replaced: `GET /admin/v3/integrations/{id}`.
    pub fn requests(&self) -> &BTreeMap<String, usize> {
        &self.requests
    }

    /// Begins to count requests anew.
    pub fn forget_requests(&mut self) {
        self.requests.clear();
    }

    /// The keys that a client can use. One whose application was deleted is gone.
    pub fn keys(&self) -> Vec<Key> {
        let key = |(name, ikey): (&str, &Value)| {
            let application = Application::load(&self.store, ikey.as_str()?)?;
            Some(Key {
                name: name.to_owned(),
                kind: application.kind,
                integration_key: application.integration_key,
                secret_key: Secret::new(application.secret_key),
            })
        };
        self.store.list(KEYS).filter_map(key).collect()
    }

    /// One of the keys by its name.
    pub fn key(&self, name: &str) -> Option<Key> {
        self.keys().into_iter().find(|key| key.name == name)
    }

    pub(super) fn name_key(&mut self, name: &str, ikey: &str) -> io::Result<()> {
        self.store.put(KEYS, name, json!(ikey))
    }

    /// A new identifier that no object of the collection has, or ever had.
    pub(super) fn next_id(&mut self, prefix: &str, collection: &str) -> io::Result<String> {
        let mut number = self.store.get("counters", prefix).and_then(Value::as_u64).unwrap_or_default();
        loop {
            number += 1;
            let id = ids::id(prefix, number);
            if self.store.get(collection, &id).is_none() {
                // Written before the object is: after a kill in between, the number is skipped.
                self.store.put("counters", prefix, json!(number))?;
                return Ok(id);
            }
        }
    }

    /// What a DELETE answers (duo-api.md, section 2.1).
    pub(super) fn deleted(&self) -> Value {
        if self.switches.delete_returns_object { Value::Object(Map::new()) } else { json!("") }
    }
}

/// Forgets everything that happened in a state folder; the next start seeds it anew, with new secret keys. The
/// certificate authority stays, so clients go on trusting it. `false` when there was nothing to forget.
///
/// # Errors
///
/// When another process uses the folder, or it cannot be changed.
pub fn reset(state: &Path) -> io::Result<bool> {
    let journal = state.join(JOURNAL);
    if !journal.try_exists()? {
        return Ok(false);
    }
    let _lock = lock(state)?;
    fs::remove_file(journal)?;
    Ok(true)
}

/// The path with identifiers replaced, so that counting stays bounded and says what kind of call it was.
fn counted(path: &str) -> String {
    let is_id =
        |part: &str| part.len() == 20 && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    path.split('/').map(|part| if is_id(part) { "{id}" } else { part }).collect::<Vec<_>>().join("/")
}

/// Who just let go of a folder may have started a program, which holds the lock too until it has begun to run.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

fn lock(state: &Path) -> io::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(state.join(LOCK))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => {
                let text = format!("the state folder {} is in use by another process", state.display());
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}
