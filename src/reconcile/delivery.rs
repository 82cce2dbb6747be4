//! Whether a secret store holds the current keys. The secret itself is not needed: Duo shows its last four characters
//! (duo-api.md, trap 10), which are compared with those of the stored key.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::model::{SecretTarget, Workspace};
use crate::diagnostic::Span;
use crate::duo::object::{Ikey, Object};
use crate::kinds::address::Address;
use crate::secrets;
use crate::secrets::payload::Owner;
use crate::secrets::store::StoreError;

/// Where the keys of an application are delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredSecret {
    /// The place, as written in the YAML.
    pub target: SecretTarget,
    /// Where the YAML declares it.
    pub span: Span,
    /// The place, for people.
    pub place: String,
    /// Whether the store accepts secrets and never returns them.
    pub write_only: bool,
}

/// What a store holds for one application. Contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// The keys of an application.
    Keys(HeldKeys),
    /// Nothing.
    Nothing,
    /// The store never returns secrets.
    CannotTell,
    /// The store could not be read: nothing can be concluded.
    Unreadable {
        /// What is wrong, and where.
        reason: String,
        /// What to do about it.
        help: Option<String>,
    },
}

/// What can be known about the keys in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldKeys {
    /// Whose keys.
    pub ikey: String,
    /// The API hostname stored with them.
    pub api_hostname: String,
    /// The address they were delivered for; empty if not recorded.
    pub address: String,
    /// The workspace of that address; empty if not recorded.
    pub workspace: String,
    /// The last four characters of the secret key.
    pub secret_end: Option<String>,
    /// The last four characters of client secrets, by client id.
    pub client_ends: BTreeMap<String, String>,
    /// When they were delivered.
    pub delivered_at: String,
    /// The application whose keys are stored with them, during a rotation.
    pub previous: Option<String>,
}

impl HeldKeys {
    /// Whether they belong to this application and were delivered for this address.
    pub fn belong_to(&self, address: &Address, ikey: &Ikey) -> bool {
        self.address == address.as_str() && Ikey::new(self.ikey.as_str()) == *ikey
    }
}

/// How the store compares with the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds the current keys.
    Current,
    /// It does not, and why.
    Due(String),
    /// This cannot be determined.
    CannotTell,
    /// The store could not be read.
    Unreadable,
}

/// One delivery of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The place, as written in the YAML.
    #[serde(skip)]
    pub target: SecretTarget,
    /// The place, for people.
    pub place: String,
    /// Why it is due.
    pub reason: String,
    /// The application whose keys are kept next to the delivered ones, during a rotation.
    pub previous: Option<Ikey>,
}

impl DesiredSecret {
    /// A place in one of the workspace's stores.
    pub fn of(target: &SecretTarget, span: Span, workspace: &Workspace) -> Self {
        let stores = &workspace.secret_stores;
        Self {
            target: target.clone(),
            span,
            place: secrets::describe(stores, target),
            write_only: stores.get(&target.store).is_some_and(secrets::write_only),
        }
    }
}

impl Delivery {
    /// A delivery to the place that the YAML names.
    pub fn new(secret: &DesiredSecret, reason: impl Into<String>) -> Self {
        let (target, place) = (secret.target.clone(), secret.place.clone());
        Self { target, place, reason: reason.into(), previous: None }
    }
}

/// Why the contents of a place must not be replaced: they belong to another address or workspace, and to an application
/// that is not one of `known`.
pub fn taken(held: &Held, place: &str, own: Owner<'_>, known: &[&Ikey]) -> Option<StoreError> {
    let Held::Keys(keys) = held else { return None };
    let is_known = known.iter().any(|ikey| ikey.as_str() == keys.ikey);
    let whose = Owner {
        workspace: &keys.workspace,
        formerly: None,
        address: &keys.address,
        host: &keys.api_hostname,
    };
    let taken = !is_known && !own.owns(whose.workspace, whose.address, whose.host);
    taken.then(|| StoreError::taken(place, &keys.ikey, whose, own))
}

/// Compares what the store holds with what Duo shows. Values that Duo does not show are not compared. `previous` is the
/// old application during a rotation: the store may hold its keys next to those of the live one.
pub fn standing(held: &Held, live: &Object, host: &str, previous: Option<&Ikey>) -> Standing {
    let keys = match held {
        Held::Keys(keys) => keys,
        Held::Nothing => return Standing::Due("the store holds nothing yet".to_owned()),
        Held::CannotTell => return Standing::CannotTell,
        Held::Unreadable { .. } => return Standing::Unreadable,
    };
    stale(keys, live, host, previous).map_or(Standing::Current, Standing::Due)
}

fn stale(keys: &HeldKeys, live: &Object, host: &str, previous: Option<&Ikey>) -> Option<String> {
    if Ikey::new(keys.ikey.as_str()) != live.id {
        return Some(format!("the store holds the keys of {}", keys.ikey));
    }
    if let (Some(end), held) = (&live.secret_hint, &keys.secret_end)
        && held.as_ref() != Some(end)
    {
        let held = held.as_ref().map_or("no secret key".to_owned(), |held| format!("a key ending in {held}"));
        return Some(format!("the store holds {held}, but the key in Duo ends in {end}"));
    }
    for client in live.client_ids() {
        let (held, end) = (keys.client_ends.get(client), live.client_hints.get(client));
        match (held, end) {
            (None, _) => return Some(format!("the store holds no secret for the client {client}")),
            (Some(held), Some(end)) if held != end => {
                return Some(format!(
                    "the store holds a secret for the client {client} ending in {held}, but the one in Duo ends in {end}"
                ));
            }
            (Some(_), _) => {}
        }
    }
    if let Some(old) =
        keys.previous.as_ref().filter(|old| previous.is_none_or(|previous| previous.as_str() != *old))
    {
        return Some(format!("the store still holds the old keys of {old} next to the current ones"));
    }
    (keys.api_hostname != host).then(|| "the store holds another API hostname".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::object::Kind;
    use serde_json::json;

    const HOST: &str = "api-1a2b3c4d.duosecurity.com";

    fn live() -> Object {
        let secret = format!("{}9fQx", "*".repeat(36));
        Object::decode(
            Kind::Application,
            json!({"integration_key": "DIA", "type": "radius", "secret_key": secret}),
        )
        .unwrap()
    }

    fn keys() -> HeldKeys {
        HeldKeys {
            ikey: "DIA".to_owned(),
            api_hostname: HOST.to_owned(),
            secret_end: Some("9fQx".to_owned()),
            ..HeldKeys::default()
        }
    }

    fn due(keys: HeldKeys, live: &Object) -> String {
        match standing(&Held::Keys(keys), live, HOST, None) {
            Standing::Due(reason) => reason,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_keys_of_now_are_current_and_all_else_is_due() {
        let live = live();
        assert_eq!(standing(&Held::Keys(keys()), &live, HOST, None), Standing::Current);
        assert_eq!(due(HeldKeys { ikey: "DIB".into(), ..keys() }, &live), "the store holds the keys of DIB");
        assert_eq!(
            due(HeldKeys { secret_end: Some("abcd".into()), ..keys() }, &live),
            "the store holds a key ending in abcd, but the key in Duo ends in 9fQx"
        );
        assert_eq!(
            due(HeldKeys { secret_end: None, ..keys() }, &live),
            "the store holds no secret key, but the key in Duo ends in 9fQx"
        );
        assert_eq!(
            due(HeldKeys { api_hostname: "x".into(), ..keys() }, &live),
            "the store holds another API hostname"
        );
    }

    #[test]
    fn unreadable_is_not_nothing() {
        let unreadable = Held::Unreadable { reason: "sealed".into(), help: None };
        assert_eq!(standing(&unreadable, &live(), HOST, None), Standing::Unreadable);
        assert_eq!(standing(&Held::CannotTell, &live(), HOST, None), Standing::CannotTell);
        let nothing = Standing::Due("the store holds nothing yet".to_owned());
        assert_eq!(standing(&Held::Nothing, &live(), HOST, None), nothing);
    }

    #[test]
    fn old_keys_stand_beside_the_current_ones_only_while_they_are_rotated() {
        let (live, old) = (live(), Ikey::new("DIOLD"));
        let held = Held::Keys(HeldKeys { previous: Some("DIOLD".to_owned()), ..keys() });
        assert_eq!(standing(&held, &live, HOST, Some(&old)), Standing::Current);
        assert_eq!(standing(&Held::Keys(keys()), &live, HOST, Some(&old)), Standing::Current);
        let due =
            Standing::Due("the store still holds the old keys of DIOLD next to the current ones".to_owned());
        assert_eq!(standing(&held, &live, HOST, None), due);
        assert_eq!(standing(&held, &live, HOST, Some(&Ikey::new("DIOTHER"))), due);
    }

    #[test]
    fn a_client_of_which_duo_shows_no_secret_has_to_have_one_all_the_same() {
        let oauth = json!({"clients": [{"client_id": "a"}, {"client_id": "b"}]});
        let live = json!({"integration_key": "DIA", "sso": {"oauth_config": oauth}});
        let live = Object::decode(Kind::Application, live).unwrap();
        let held = |ids: &[&str]| {
            let ends = ids.iter().map(|id| ((*id).to_owned(), "1111".to_owned())).collect();
            HeldKeys { secret_end: None, client_ends: ends, ..keys() }
        };
        assert_eq!(due(held(&["a"]), &live), "the store holds no secret for the client b");
        assert_eq!(due(held(&["a", "b"]), &live), "Current");
    }

    #[test]
    fn client_secrets_are_compared_one_by_one() {
        let client = |id: &str, end: &str| json!({"client_id": id, "client_secret": format!("****{end}")});
        let oauth = json!({"clients": [client("a", "1111"), client("b", "2222")]});
        let live = json!({"integration_key": "DIA", "sso": {"oauth_config": oauth}});
        let live = Object::decode(Kind::Application, live).unwrap();
        let held = |ends: &[(&str, &str)]| {
            let ends = ends.iter().map(|(id, end)| ((*id).to_owned(), (*end).to_owned())).collect();
            HeldKeys { secret_end: None, client_ends: ends, ..keys() }
        };
        assert_eq!(due(held(&[("a", "1111"), ("b", "2222")]), &live), "Current");
        assert_eq!(due(held(&[("a", "1111")]), &live), "the store holds no secret for the client b");
        assert_eq!(
            due(held(&[("a", "1111"), ("b", "3333")]), &live),
            "the store holds a secret for the client b ending in 3333, but the one in Duo ends in 2222"
        );
    }
}
