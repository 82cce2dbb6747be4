//! Expands an entry of `identity_intelligence` to its applications (identity-intelligence.md, section 1).

use std::collections::BTreeMap;

use crate::config::model::{IntelligenceAccess, IntelligenceEntry, Part, Workspace};
use crate::diagnostic::{Span, Spanned};
use crate::kinds::Kind;
use crate::kinds::address::Address;
use crate::kinds::application::{ACCESS, PERMISSION_LIST};
use crate::kinds::value::{FieldValue, Setting};
use crate::reconcile::delivery::DesiredSecret;
use crate::reconcile::desired::{Desired, Wanted};

use super::{ADMIN_API, AUTH_API, NAME_PREFIX, console};

/// What the YAML asks for, including expanded entries.
pub fn desired(workspace: &Workspace) -> Desired {
    let mut desired = Desired::from_workspace(workspace, workspace.meaning.clone());
    expand(workspace, &mut desired);
    desired
}

/// Adds the applications and the console forms of every entry.
pub fn expand(workspace: &Workspace, desired: &mut Desired) {
    for (key, entry) in &workspace.identity_intelligence {
        let address = Address::intelligence(key);
        let secret = |part: &str| {
            let target = entry.secret.as_ref()?;
            Some(DesiredSecret::of(&target.value.part(part), target.span, workspace))
        };
        let max_age = || entry.max_age.clone();
        let admin_api =
            Wanted { secret: secret(ADMIN_API), max_age: max_age(), ..admin_api(&address, entry) };
        let auth_api = auth_api(&address, entry).map(|auth_api| Wanted {
            secret: secret(AUTH_API),
            max_age: max_age(),
            ..auth_api
        });
        desired.objects.push(admin_api);
        desired.objects.extend(auth_api);
        desired.handoffs.push(console::form(key, entry, &workspace.tenant.api_hostname.value));
    }
    desired.takedown = console::takedown(workspace);
    desired.objects.sort_by(|a, b| a.address.cmp(&b.address));
}

/// The permissions of an access profile (identity-intelligence.md, section 1.4).
fn profile(entry: &IntelligenceEntry) -> &'static [&'static str] {
    match entry.access.value {
        IntelligenceAccess::ReadOnly => &["read_log", "read_resource"],
        IntelligenceAccess::ReadWrite => &["read_log", "read_resource", "write_resource"],
    }
}

/// The permissions of the entry's profile, and those that the entry adds.
pub fn permissions(entry: &IntelligenceEntry) -> Vec<String> {
    let extra = entry.extra_permissions.iter().map(|extra| extra.value.clone());
    profile(entry).iter().map(|name| (*name).to_owned()).chain(extra).collect()
}

fn admin_api(address: &Address, entry: &IntelligenceEntry) -> Wanted {
    let span = entry.access.span;
    let name = entry.admin_api_name.clone().unwrap_or_else(|| {
        Spanned::new(format!("{NAME_PREFIX}{}", entry.display_name.value), entry.display_name.span)
    });
    let permissions = permissions(entry).into_iter().map(|name| Spanned::new(name, span)).collect();
    // No user logs in to an Admin API application.
    let settings = [("user_access", text("no_users")), ("permissions", Setting::List(permissions))];
    let address = address.part(ADMIN_API);
    let mut wanted =
        application(address, entry.span, "adminapi", Some(name), settings, span, &entry.admin_api);
    let profile = FieldValue::set(profile(entry).iter().map(|name| (*name).to_owned()).collect());
    wanted.definition.insert(PERMISSION_LIST, profile);
    if let Some(first) = entry.networks.first() {
        let networks = Spanned::new(Setting::List(entry.networks.clone()), first.span);
        wanted.settings.insert("networks_for_api_access".to_owned(), networks);
    }
    wanted.completed(entry.span)
}

fn auth_api(address: &Address, entry: &IntelligenceEntry) -> Option<Wanted> {
    let name = entry.push_application_name.clone();
    let span = match (&name, &entry.push_verification) {
        (Some(name), _) => name.span,
        (None, Some(push)) if entry.has_auth_api() => push.span,
        (None, _) => return None,
    };
    // Any user who calls the help desk must be reachable by push, so all users are allowed here.
    let settings = [("user_access", text("all_users"))];
    let address = address.part(AUTH_API);
    let mut wanted = application(address, entry.span, "authapi", name, settings, span, &entry.auth_api);
    wanted.definition.insert(ACCESS, FieldValue::text("ALL_USERS"));
    Some(wanted.completed(entry.span))
}

fn text(text: &str) -> Setting {
    Setting::Text(text.to_owned())
}

fn application<const N: usize>(
    address: Address,
    place: Span,
    kind: &str,
    name: Option<Spanned<String>>,
    settings: [(&str, Setting); N],
    span: Span,
    part: &Part,
) -> Wanted {
    let settings: BTreeMap<String, Spanned<Setting>> =
        settings.into_iter().map(|(key, setting)| (key.to_owned(), Spanned::new(setting, span))).collect();
    Wanted {
        address,
        span: Some(place),
        kind: Kind::Application,
        variant: Some(kind.to_owned()),
        name,
        pin: part.integration_key.as_ref().map(Wanted::pinned),
        settings,
        protect: part.protect,
        authoritative: part.authoritative,
        ignore: part.ignore.iter().map(|ignore| ignore.value.field.clone()).collect(),
        definition: BTreeMap::new(),
        secret: None,
        max_age: None,
        group_policies: Vec::new(),
    }
}
