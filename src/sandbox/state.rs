//! The account's state: its objects, switches and faults. The API families use it; it depends on none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::net::IpAddr;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::call::{Call, Reply};
use super::faults::{Faults, Strike};
use super::message::{RawRequest, bare_host};
use super::store::{Collection, Store};
use super::switches::{AbsentObject, Switches};
use super::{hosts, ids};

/// The hostname of the seeded account, unless another one is set.
pub const API_HOSTNAME: &str = "api-1a2b3c4d.duosecurity.com";

/// After how many calls a changed permission takes effect, if it is delayed.
const LATE_CALLS: usize = 2;

/// How many foreign hostnames are reported.
const STRANGERS: usize = 20;

/// The collection with the names of the clients' keys.
pub(super) const KEYS: &str = "keys";

/// One simulated account.
#[derive(Debug)]
pub struct Account {
    /// The stored objects.
    pub(super) store: Store,
    /// Its API hostname.
    pub(super) host: String,
    /// The choices where Duo's behaviour is unknown.
    pub switches: Switches,
    /// The active faults.
    pub faults: Faults,
    /// The address that callers appear to come from, instead of their own.
    pub caller_address: Option<IpAddr>,
    /// Public documents by path that something serves instead of Duo's, with their media type.
    pub published: BTreeMap<String, (&'static str, Vec<u8>)>,
    /// Requests so far, including refused ones.
    pub(super) served: usize,
    requests: BTreeMap<String, usize>,
    /// Permissions that a key keeps for some more calls after they changed, by integration key.
    late: BTreeMap<String, (Vec<String>, usize)>,
    /// Hostnames in requests that are not the account's, and where they are reported.
    strangers: BTreeSet<String>,
    pub(super) on_stranger: Option<UnboundedSender<String>>,
    /// Assertions that the health check has seen, and when they expire.
    pub(super) assertions: BTreeMap<String, i64>,
    /// The applications before a write, while lists may lag behind it.
    pub(super) outdated: Option<Collection>,
    _lock: Option<File>,
}

impl Account {
    pub(super) fn with(store: Store, lock: Option<File>) -> Self {
        Self {
            store,
            host: API_HOSTNAME.to_owned(),
            switches: Switches::default(),
            faults: Faults::default(),
            caller_address: None,
            published: BTreeMap::new(),
            served: 0,
            requests: BTreeMap::new(),
            late: BTreeMap::new(),
            strangers: BTreeSet::new(),
            on_stranger: None,
            assertions: BTreeMap::new(),
            outdated: None,
            _lock: lock,
        }
    }

    /// Decides which fault a request meets before it is answered.
    pub fn strike(&mut self, request: &RawRequest, now: i64) -> Strike {
        let switches = self.rendering();
        self.faults.strike(request, &switches, now + self.faults.skew())
    }

    /// The switches that affect rendering, including the effect of a fault.
    pub(super) fn rendering(&self) -> Switches {
        let code_as_string = self.switches.code_as_string || self.faults.string_code();
        Switches { code_as_string, ..self.switches.clone() }
    }

    /// Keeps a key's old permissions, if a switch delays changes.
    pub(super) fn delay_permissions(&mut self, ikey: &str, held: Vec<String>) {
        if self.switches.late_permissions {
            self.late.insert(ikey.to_owned(), (held, LATE_CALLS));
        }
    }

    pub(super) fn permissions_of_late(&mut self, call: &mut Call) {
        let Some(caller) = &mut call.caller else { return };
        if let Some((held, left)) = self.late.get_mut(&caller.ikey).filter(|(_, left)| *left > 0) {
            *left -= 1;
            caller.permissions.clone_from(held);
        }
    }

    /// Counts a request and checks its hostname.
    pub(super) fn count(&mut self, request: &RawRequest) {
        self.served += 1;
        self.meet(&bare_host(request.header("host").unwrap_or_default()).to_ascii_lowercase());
        *self.requests.entry(format!("{} {}", request.method, counted(request.path()))).or_default() += 1;
    }

    /// Reports a hostname that is not the account's, once.
    fn meet(&mut self, host: &str) {
        let is_new = !hosts::reach(&self.host, host)
            && self.strangers.len() < STRANGERS
            && self.strangers.insert(host.to_owned());
        if let (true, Some(sender)) = (is_new, &self.on_stranger) {
            // The receiver may be gone.
            let _ = sender.send(host.to_owned());
        }
    }

    /// Requests so far by method and path, with placeholders for ids: `GET /admin/v3/integrations/{id}`.
    pub fn requests(&self) -> &BTreeMap<String, usize> {
        &self.requests
    }

    /// Resets the request counts.
    pub fn forget_requests(&mut self) {
        self.requests.clear();
    }

    pub(super) fn name_key(&mut self, name: &str, ikey: &str) -> io::Result<()> {
        self.store.put(KEYS, name, json!(ikey))
    }

    /// A new id that no object of the collection has or had.
    pub(super) fn next_id(&mut self, prefix: &str, collection: &str) -> io::Result<String> {
        let mut number = self.store.get("counters", prefix).and_then(Value::as_u64).unwrap_or_default();
        loop {
            number += 1;
            let id = ids::id(prefix, number);
            if self.store.get(collection, &id).is_none() {
                // Written before the object: if the process is killed in between, the number is skipped.
                self.store.put("counters", prefix, json!(number))?;
                return Ok(id);
            }
        }
    }

    /// Whether the object may be deleted; a switch decides about an absent one.
    pub(super) fn may_be_deleted(&self, collection: &str, id: &str) -> Result<(), Reply> {
        let is_there = self.store.get(collection, id).is_some();
        if is_there || self.switches.absent_object == AbsentObject::Ok {
            Ok(())
        } else {
            Err(Reply::not_found())
        }
    }

    /// The answer to a DELETE (duo-api.md, section 2.1).
    pub(super) fn deleted(&self) -> Value {
        if self.switches.delete_returns_object { Value::Object(Map::new()) } else { json!("") }
    }
}

/// The path with placeholders for ids, so that the counts stay bounded and show the kind of call.
fn counted(path: &str) -> String {
    let is_id =
        |part: &str| part.len() == 20 && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    path.split('/').map(|part| if is_id(part) { "{id}" } else { part }).collect::<Vec<_>>().join("/")
}
