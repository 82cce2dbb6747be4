//! An application: which keys its type has, and its typed value with the defaults merged in.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::duo::catalogue::{Family, Kind, lookup};

use super::check::{self, Findings};
use super::decode::{age, flag, ignores, secret_target};
use super::diagnostic::{Code, Diagnostic, Span, Spanned};
use super::model::{Application, Ignore, Setting};
use super::settings::{Owner, SETTINGS, SettingSpec, foreign, setting};
use super::tree::{Data, Entry, Node, find};

/// What to say where an application should stand.
pub fn help() -> Option<String> {
    Some("an application needs at least `type`, `name` and `user_access`, or an `integration_key`".to_owned())
}

/// Checks an entry of `applications`; `at` is the place of its key.
pub fn check(entries: &[Entry], at: Span, findings: &mut Findings) {
    let kind = known_kind(entries);
    for entry in entries {
        let Some(spec) = setting(&entry.key.value) else {
            findings.push(unknown_field(entry));
            continue;
        };
        if spec.applies_to(kind) {
            check::value(&entry.value, &spec.key, entry.key.span, findings);
            if spec.key.name == "sso"
                && let (Some(kind), Data::Mapping(document)) = (kind, &entry.value.data)
            {
                check_sso(document, kind, findings);
            }
        } else if let Some(kind) = kind {
            findings.push(not_applicable(entry, spec, kind));
        }
    }
    if find(entries, "integration_key").is_none() {
        for spec in SETTINGS.iter().filter(|spec| spec.key.required && find(entries, spec.key.name).is_none())
        {
            findings.push(missing(spec, at));
        }
    }
}

/// Checks `defaults.applications`.
pub fn check_defaults(entries: &[Entry], findings: &mut Findings) {
    for entry in entries {
        match setting(&entry.key.value) {
            Some(spec) if spec.defaultable => {
                check::value(&entry.value, &spec.key, entry.key.span, findings);
            }
            Some(spec) => findings.push(
                Diagnostic::error(Code::InvalidValue, entry.key.span, format!("`{}` has no default", spec.key.name))
                    .help("what an application is and who may do what is written at the application itself; YAML anchors save typing"),
            ),
            None => findings.push(unknown_field(entry)),
        }
    }
}

fn unknown_field(entry: &Entry) -> Diagnostic {
    let known = SETTINGS.iter().map(|spec| spec.key.name);
    check::unknown(entry, "an application", foreign(&entry.key.value), known)
}

fn known_kind(entries: &[Entry]) -> Option<&'static Kind> {
    match &find(entries, "type")?.value.data {
        Data::Text(kind) => lookup(kind),
        _ => None,
    }
}

fn missing(spec: &SettingSpec, at: Span) -> Diagnostic {
    let found = check::missing_key(&spec.key, "an application", at);
    match spec.key.name {
        "user_access" => found.help("add `user_access`: `all_users`, `permitted_groups` or `no_users`; Duo's own default has changed over time"),
        _ => found,
    }
}

fn not_applicable(entry: &Entry, spec: &SettingSpec, kind: &Kind) -> Diagnostic {
    let help = match (spec.key.name, kind.family) {
        ("permissions", _) => "only `adminapi` applications have permissions",
        ("networks_for_api_access", _) => {
            "only `adminapi` and `accountsapi` applications have it; for logins, a policy's `authorized_networks` does it"
        }
        ("sso", _) => "only `sso-...` types, Duo Single Sign-On, have it",
        ("prompt_v4_enabled", Family::AuthApi | Family::Native) => "no browser shows a prompt for this type",
        _ => "nobody logs in to it: it only holds keys for an API",
    };
    let message = format!("an application of type `{}` has no `{}`", kind.name, spec.key.name);
    Diagnostic::error(Code::FieldNotApplicable, entry.key.span, message).help(format!("remove it; {help}"))
}

/// The section of `sso` that a family has.
pub fn sso_section(family: Family) -> Option<&'static str> {
    match family {
        Family::Saml => Some("saml_config"),
        Family::Oidc => Some("oidc_config"),
        Family::OAuth => Some("oauth_config"),
        Family::AdminApi
        | Family::AccountsApi
        | Family::AuthApi
        | Family::AccessGateway
        | Family::Native
        | Family::UserFacing => None,
    }
}

fn check_sso(document: &[Entry], kind: &Kind, findings: &mut Findings) {
    let Some(section) = sso_section(kind.family) else { return };
    for entry in document.iter().filter(|entry| entry.key.value != section) {
        if super::sso::DOCUMENT.keys.iter().any(|key| key.name == entry.key.value) {
            let message = format!("an application of type `{}` has no `{}`", kind.name, entry.key.value);
            findings.push(
                Diagnostic::error(Code::FieldNotApplicable, entry.key.span, message)
                    .help(format!("write `{section}`, or choose another type")),
            );
        }
    }
}

/// `defaults.applications`, ready to be merged.
#[derive(Debug, Default)]
pub struct Defaults {
    settings: BTreeMap<String, Spanned<Setting>>,
    protect: bool,
    ignore: Vec<Spanned<Ignore>>,
    max_age: Option<Spanned<SignedDuration>>,
}

impl Defaults {
    /// Reads the mapping.
    pub fn decode(entries: &[Entry]) -> Self {
        let defaultable = |entry: &&Entry| setting(&entry.key.value).is_some_and(|spec| spec.defaultable);
        let mut defaults = Self::default();
        for entry in entries.iter().filter(defaultable) {
            match entry.key.value.as_str() {
                "protect" => defaults.protect = flag(&entry.value).unwrap_or_default(),
                "ignore" => defaults.ignore = ignores(&entry.value),
                "max_age" => defaults.max_age = age(&entry.value),
                name => {
                    if let Some(value) = decode_setting(entry.value.clone()) {
                        defaults.settings.insert(name.to_owned(), value);
                    }
                }
            }
        }
        defaults
    }

    /// Fills in what an application leaves out. Where the type is not written down, no setting is filled in; where
    /// it is not known, only what every type of application for users has.
    fn merge(
        &self,
        application: &mut Application,
        protect: Option<bool>,
        ignore: Option<Vec<Spanned<Ignore>>>,
    ) {
        application.protect = protect.unwrap_or(self.protect);
        application.max_age = application.max_age.take().or_else(|| self.max_age.clone());
        application.ignore = ignore.unwrap_or_else(|| self.ignore.clone());
        let Some(kind) = application.kind.as_ref().filter(|_| !self.settings.is_empty()) else { return };
        let family = lookup(&kind.value).map_or(Family::AuthApi, |kind| kind.family);
        for (name, value) in &self.settings {
            let applies = setting(name).is_some_and(|spec| (spec.applies)(family));
            if applies && !application.settings.contains_key(name) {
                application.settings.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The typed value of an entry of `applications`. Values that do not fit are left out: they are reported already.
pub fn decode(key: Span, node: Node, defaults: &Defaults) -> Application {
    let entries = match node.data {
        Data::Mapping(entries) => entries,
        _ => Vec::new(),
    };
    let kind = known_kind(&entries);
    let mut application = Application {
        span: key,
        kind: None,
        name: None,
        integration_key: None,
        settings: BTreeMap::new(),
        secret: None,
        protect: false,
        ignore: Vec::new(),
        max_age: None,
    };
    let (mut protect, mut ignore) = (None, None);
    for Entry { key, value } in entries {
        match key.value.as_str() {
            "type" => application.kind = into_text(value),
            "name" => application.name = into_text(value),
            "integration_key" => application.integration_key = into_text(value),
            "secret" => application.secret = secret_target(&value),
            "max_age" => application.max_age = age(&value),
            "protect" => protect = flag(&value),
            "ignore" => ignore = Some(ignores(&value)),
            name => {
                let applies =
                    setting(name).is_some_and(|spec| spec.owner == Owner::Duo && spec.applies_to(kind));
                if applies && let Some(setting) = decode_setting(value) {
                    application.settings.insert(key.value, setting);
                }
            }
        }
    }
    drop_cleared_groups(&mut application);
    defaults.merge(&mut application, protect, ignore);
    application
}

/// `groups_allowed: null` says nothing that `all_users` or `no_users` does not say: Duo takes a list only together
/// with `permitted_groups` (duo-api.md, trap 3).
fn drop_cleared_groups(application: &mut Application) {
    let cleared =
        application.settings.get("groups_allowed").is_some_and(|groups| groups.value == Setting::Clear);
    let permitted = |access: &Spanned<Setting>| access.value == Setting::Text("permitted_groups".to_owned());
    if cleared && !application.settings.get("user_access").is_some_and(permitted) {
        application.settings.remove("groups_allowed");
    }
}

fn into_text(node: Node) -> Option<Spanned<String>> {
    match node.data {
        Data::Text(text) => Some(Spanned::new(text, node.span)),
        _ => None,
    }
}

fn decode_setting(node: Node) -> Option<Spanned<Setting>> {
    let span = node.span;
    let setting = match node.data {
        Data::Null => Setting::Clear,
        Data::Flag(flag) => Setting::Flag(flag),
        Data::Text(text) => Setting::Text(text),
        Data::List(items) => Setting::List(items.into_iter().filter_map(into_text).collect()),
        Data::Mapping(_) => Setting::Document(node.json()),
        Data::Number(..) => return None,
    };
    Some(Spanned::new(setting, span))
}
