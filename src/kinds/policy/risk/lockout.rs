//! Values of a section that can lock people out, even though they only narrow access (policies.md, section 6).

use serde_json::{Map, Value};

use super::fill::complete;
use super::value::list;
use super::{countries, methods, networks};
use crate::duo::policy::section;

const DENIED: &str = "every login is denied";
const NO_METHOD: &str = "no method remains with which everyone can log in";
const NETWORKS: &str = "logins from networks that are not listed are denied";
const COUNTRIES: &str = "logins from countries that are not listed are denied";
const UNTRUSTED: &str = "devices that are not trusted are denied";
const NOT_ENROLLED: &str = "users who are not enrolled are denied";
const NO_DESKTOP: &str = "computers without Duo Desktop are denied";

/// Whether a reason is one of [`lockout`].
pub fn is_lockout(reason: &str) -> bool {
    [DENIED, NO_METHOD, NETWORKS, COUNTRIES, UNTRUSTED, NOT_ENROLLED, NO_DESKTOP].contains(&reason)
}

/// Why an effective section can lock out people who log in today; `None` if it cannot.
pub fn lockout(name: &str, effective: &Value) -> Option<&'static str> {
    let section = section(name)?;
    let value = complete(section, effective.as_object()?, None);
    let is = |field: &str, text: &str| value.get(field).and_then(Value::as_str) == Some(text);
    let has = |field: &str| !list(&value, field).is_empty();
    match name {
        "authentication_policy" => is("user_auth_behavior", "deny").then_some(DENIED),
        "authentication_methods" => methods::none_remains(section, &value).then_some(NO_METHOD),
        networks::SECTION => networks::denies_others(&value).then_some(NETWORKS),
        "user_location" => countries::denies_others(&value).then_some(COUNTRIES),
        "trusted_endpoints" => requires_trusted(&value).then_some(UNTRUSTED),
        "new_user" => is("new_user_behavior", "deny").then_some(NOT_ENROLLED),
        "duo_desktop" | "health_checks" => has("requires_duo_desktop").then_some(NO_DESKTOP),
        "device_health_app" => has("requires_DHA").then_some(NO_DESKTOP),
        _ => None,
    }
}

fn requires_trusted(value: &Map<String, Value>) -> bool {
    ["trusted_endpoint_checking", "trusted_endpoint_checking_mobile"]
        .iter()
        .any(|field| value.get(*field).and_then(Value::as_str) == Some("require-trusted"))
}
