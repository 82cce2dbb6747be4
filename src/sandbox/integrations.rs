//! Applications: `/admin/v{1,2,3}/integrations` over one store (duo-api.md, section 3).

mod content;
mod fields;
mod own;
mod shape;
pub(super) mod sso;
mod texts;
mod version;

use serde_json::{Value, json};

use super::application::Application;
use super::call::{Call, Paging, Reply};
use super::collections::INTEGRATIONS;
use super::ids;
use super::logs::written;
use super::permissions::SET_PERMISSIONS;
use super::state::Account;
use fields::Writing;
use shape::Showing;
use version::Version;

/// Rows in one page (duo-api.md, section 2.4).
const PAGE: usize = 500;

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
            let application = writable(account, call, ikey)?;
            if account.switches.hidden_keys {
                return Err(Reply::forbidden());
            }
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

/// What the newer flag allows is not documented (duo-api.md, section 5).
fn may_read(account: &Account, call: &Call) -> Result<(), Reply> {
    let newer = account.switches.read_flags.then_some("adminapi_integrations_read");
    let writing = account.switches.applications_read.then_some("adminapi_integrations");
    let flags: Vec<&str> = ["adminapi_read_resource"].into_iter().chain(newer).chain(writing).collect();
    call.require(&flags)
}

/// An application that the caller may change or whose secrets it may read.
fn writable(account: &Account, call: &Call, ikey: &str) -> Result<Application, Reply> {
    let (found, allowed) = (load(account, ikey), call.require(WRITE));
    if account.switches.existence_first {
        return found.and_then(|application| allowed.map(|()| application));
    }
    allowed.and(found)
}

/// Whether a call resets the secret key (duo-api.md, correction to section 3.1).
fn resets(call: &Call) -> Result<bool, Reply> {
    const NAME: &str = "reset_secret_key";
    match (call.params.get(NAME), call.text(NAME).as_deref()) {
        (None | Some(Value::Null), _) | (_, Some("" | "0" | "false")) => Ok(false),
        (_, Some("1")) => Ok(true),
        _ => Err(Reply::invalid(NAME)),
    }
}

fn load(account: &Account, ikey: &str) -> Result<Application, Reply> {
    Application::load(&account.store, ikey).ok_or_else(Reply::not_found)
}

fn list(account: &Account, call: &Call, version: Version) -> Result<Reply, Reply> {
    may_read(account, call)?;
    let paging = if version > Version::V1 { Paging::of(PAGE) } else { Paging::old(PAGE) };
    let window = call.window(paging, &account.switches)?;
    let showing = Showing::new(account, call, version);
    let is_shown = |stored: &&Value| {
        let name = stored.get("name").and_then(Value::as_str).unwrap_or_default();
        !account.switches.hide_application.contains(name)
    };
    let listed: Vec<&Value> =
        account.store.list(INTEGRATIONS).map(|(_, stored)| stored).filter(is_shown).collect();
    let total = listed.len();
    let rows = window.rows(listed, |stored| {
        Application::read(stored).map_or(Value::Null, |application| showing.show(&application))
    });
    Ok(window.page(total, rows))
}

fn create(account: &mut Account, call: &Call, version: Version) -> Result<Reply, Reply> {
    call.require(WRITE)?;
    let mut application = Application { secret_key: ids::secret()?, ..Application::default() };
    Writing::new(account, call, version, None).apply(&mut application)?;
    application.integration_key = account.next_id("DI", INTEGRATIONS)?;
    sso::complete(&mut application, &account.switches)?;
    application.save(&mut account.store)?;
    written::record(account, call, "integration_create", &(&application).into())?;
    Ok(Reply::Ok(Showing::new(account, call, version).show_created(&application)))
}

fn modify(account: &mut Account, call: &Call, version: Version, ikey: &str) -> Result<Reply, Reply> {
    let mut application = writable(account, call, ikey)?;
    let resets = resets(call)?;
    if resets && own::is(call, ikey) {
        return Err(own::refusal(&account.switches));
    }
    let before = application.clone();
    Writing::new(account, call, version, Some(&before)).apply(&mut application)?;
    if resets {
        application.secret_key = ids::secret()?;
    }
    if application.kind == "adminapi" && !own::is(call, ikey) && account.faults.revokes() {
        application.permissions.retain(|flag| flag == SET_PERMISSIONS);
    }
    sso::complete(&mut application, &account.switches)?;
    application.save(&mut account.store)?;
    if application.permissions != before.permissions {
        account.delay_permissions(&before.integration_key, before.caller().permissions);
    }
    written::record(account, call, "integration_update", &(&application).into())?;
    Ok(Reply::Ok(Showing::new(account, call, version).show(&application)))
}

fn delete(account: &mut Account, call: &Call, ikey: &str) -> Result<Reply, Reply> {
    let application = writable(account, call, ikey)?;
    if own::is(call, ikey) {
        return Err(own::refusal(&account.switches));
    }
    account.store.remove(INTEGRATIONS, ikey)?;
    written::record(account, call, "integration_delete", &(&application).into())?;
    Ok(Reply::Ok(account.deleted()))
}

/// OIDC and OAuth applications have no usable secret key (duo-api.md, section 3.3).
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
    let mut application = writable(account, call, ikey)?;
    if account.switches.hidden_keys {
        return Err(Reply::forbidden());
    }
    let Some(secret) = application.client_secrets.get_mut(client) else { return Err(Reply::not_found()) };
    match method {
        "GET" => Ok(Reply::Ok(json!({"client_secret": secret}))),
        "POST" => {
            *secret = ids::secret()?;
            let reply = json!({"client_secret": secret});
            application.save(&mut account.store)?;
            written::record(account, call, "integration_update", &(&application).into())?;
            Ok(Reply::Ok(reply))
        }
        _ => Err(Reply::wrong_method()),
    }
}
