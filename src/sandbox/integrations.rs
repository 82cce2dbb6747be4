//! Applications: `/admin/v{1,2,3}/integrations` over one store (duo-api.md, section 3).

pub(super) mod application;
mod fields;
pub(super) mod kinds;
pub(super) mod permissions;
mod shape;
pub(super) mod sso;

use serde_json::{Value, json};

use super::account::Account;
use super::call::{Call, Reply};
use super::ids;
use super::logs;
pub(super) use application::Application;
use fields::Writing;
pub(super) use shape::Showing;

/// The collection that holds them.
pub(super) const COLLECTION: &str = "integrations";
/// Rows in one page (duo-api.md, section 2.4).
const PAGE: usize = 500;

/// Which generation of the path was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V1,
    V2,
    V3,
}

impl Version {
    pub(super) fn of(segment: &str) -> Option<Self> {
        match segment {
            "v1" => Some(Self::V1),
            "v2" => Some(Self::V2),
            "v3" => Some(Self::V3),
            _ => None,
        }
    }
}

pub(super) fn answer(
    account: &mut Account,
    call: &Call,
    version: &str,
    rest: &[&str],
) -> Result<Reply, Reply> {
    let version = Version::of(version).ok_or_else(Reply::not_found)?;
    match (call.method.as_str(), rest) {
        ("GET", []) => list(account, call, version),
        ("POST", []) => create(account, call, version),
        (_, []) => Err(Reply::wrong_method()),
        (method, [ikey, "skey"]) if version == Version::V1 => {
            call.require(&["adminapi_integrations"])?;
            if account.switches.hidden_keys {
                return Err(Reply::forbidden());
            }
            let application = load(account, ikey)?;
            if method == "GET" { secret_key(&application) } else { Err(Reply::wrong_method()) }
        }
        (method, ["oauth_cc", ikey, "client_secret", client]) if version > Version::V1 => {
            client_secret(account, call, method, ikey, client)
        }
        (method, ["oidc", ikey, "client_secret"]) if version > Version::V1 => {
            client_secret(account, call, method, ikey, sso::OIDC_CLIENT)
        }
        ("GET", [ikey]) => {
            may_read(account, call)?;
            let application = load(account, ikey)?;
            Ok(Reply::Ok(Showing::new(account, call, version).show(&application)))
        }
        ("POST", [ikey]) => modify(account, call, version, ikey),
        ("DELETE", [ikey]) => delete(account, call, ikey),
        (_, [_]) => Err(Reply::wrong_method()),
        (_, _) => Err(Reply::not_found()),
    }
}

const WRITE: &[&str] = &["adminapi_integrations"];

/// What the newer flag opens is not documented (duo-api.md, section 5).
fn may_read(account: &Account, call: &Call) -> Result<(), Reply> {
    let flags: &[&str] = &["adminapi_read_resource", "adminapi_integrations_read"];
    call.require(if account.switches.read_flags { flags } else { &["adminapi_read_resource"] })
}

fn load(account: &Account, ikey: &str) -> Result<Application, Reply> {
    Application::load(&account.store, ikey).ok_or_else(Reply::not_found)
}

fn list(account: &Account, call: &Call, version: Version) -> Result<Reply, Reply> {
    may_read(account, call)?;
    let default = (version > Version::V1).then_some(100);
    let window = call.window(default, PAGE, &account.switches)?;
    let showing = Showing::new(account, call, version);
    let rows = window.rows(account.store.list(COLLECTION), |(_, stored)| {
        Application::read(stored).map_or(Value::Null, |application| showing.show(&application))
    });
    Ok(window.page(account.store.count(COLLECTION), rows))
}

fn create(account: &mut Account, call: &Call, version: Version) -> Result<Reply, Reply> {
    call.require(WRITE)?;
    let mut application = Application { secret_key: ids::secret()?, ..Application::default() };
    Writing::new(account, call, version, None).apply(&mut application)?;
    application.integration_key = account.next_id("DI", COLLECTION)?;
    sso::complete(&mut application, &account.switches)?;
    application.save(&mut account.store)?;
    logs::record(account, call, "integration_create", &application.target())?;
    Ok(Reply::Ok(Showing::new(account, call, version).show_created(&application)))
}

fn modify(account: &mut Account, call: &Call, version: Version, ikey: &str) -> Result<Reply, Reply> {
    call.require(WRITE)?;
    let mut application = load(account, ikey)?;
    let resets = call.params.get("reset_secret_key").is_some_and(|value| !value.is_null());
    if resets && is_own(call, ikey) {
        return Err(self_change(account));
    }
    let before = application.clone();
    Writing::new(account, call, version, Some(&before)).apply(&mut application)?;
    if resets {
        application.secret_key = ids::secret()?;
    }
    if application.kind == "adminapi" && !is_own(call, ikey) && account.faults.revokes() {
        application.permissions.retain(|flag| flag == permissions::SET_PERMISSIONS);
    }
    sso::complete(&mut application, &account.switches)?;
    application.save(&mut account.store)?;
    if application.permissions != before.permissions {
        account.delay_permissions(&before);
    }
    logs::record(account, call, "integration_update", &application.target())?;
    Ok(Reply::Ok(Showing::new(account, call, version).show(&application)))
}

fn delete(account: &mut Account, call: &Call, ikey: &str) -> Result<Reply, Reply> {
    call.require(WRITE)?;
    let application = load(account, ikey)?;
    if is_own(call, ikey) {
        return Err(self_change(account));
    }
    account.store.remove(COLLECTION, ikey)?;
    logs::record(account, call, "integration_delete", &application.target())?;
    Ok(Reply::Ok(account.deleted()))
}

fn is_own(call: &Call, ikey: &str) -> bool {
    call.caller.as_ref().is_some_and(|caller| caller.ikey == ikey)
}

/// Deleting or resetting the calling application is refused (duo-api.md, section 3.1); the code is unknown.
fn self_change(account: &Account) -> Reply {
    if account.switches.forbid_self_change { Reply::forbidden() } else { Reply::invalid("integration_key") }
}

/// An OIDC or OAuth application has no usable secret key (duo-api.md, section 3.3).
fn secret_key(application: &Application) -> Result<Reply, Reply> {
    Ok(Reply::Ok(json!({"secret_key": application.shown_secret()})))
}

fn client_secret(
    account: &mut Account,
    call: &Call,
    method: &str,
    ikey: &str,
    client: &str,
) -> Result<Reply, Reply> {
    call.require(WRITE)?;
    if account.switches.hidden_keys {
        return Err(Reply::forbidden());
    }
    let mut application = load(account, ikey)?;
    let Some(secret) = application.client_secrets.get_mut(client) else { return Err(Reply::not_found()) };
    match method {
        "GET" => Ok(Reply::Ok(json!({"client_secret": secret}))),
        "POST" => {
            *secret = ids::secret()?;
            let reply = json!({"client_secret": secret});
            application.save(&mut account.store)?;
            logs::record(account, call, "integration_update", &application.target())?;
            Ok(Reply::Ok(reply))
        }
        _ => Err(Reply::wrong_method()),
    }
}
