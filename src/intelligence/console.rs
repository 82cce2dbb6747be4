//! The form of the Identity Intelligence console, field by field (identity-intelligence.md, section 1.2). The console
//! has no API that creates an integration, so a person enters the values.

use crate::config::model::{IntelligenceEntry, Removal, Workspace};
use crate::config::recommended;
use crate::diagnostic::Spanned;
use crate::kinds::address::Address;
use crate::reconcile::handoff::{HandoffField, HandoffSpec, HandoffValue};
use crate::reconcile::takedown::{TakedownKey, TakedownSpec};

use super::{ADMIN_API, AUTH_API, NAME_PREFIX};

const PLACE: &str = "Cisco Identity Intelligence: Integrations -> Add Integration -> Duo";
const PLACE_AGAIN: &str =
    "Cisco Identity Intelligence: Integrations -> the bar of this integration -> its settings";
const GENERAL: &str = "General Settings";
const ADVANCED: &str = "Advanced Settings";
const PLACE_TO_REMOVE: &str =
    "Cisco Identity Intelligence: Integrations -> the bar of the integration with these values";
const DISPLAY_NAME: &str = "Display name";
const INTEGRATION_KEY: &str = "Integration key";
const AUTH_API_INTEGRATION_KEY: &str = "Auth API integration key";
const THEN: &[&str] = &[
    "Save (the button may be labelled Connect)",
    "on the Integrations page, open the menu of the integration: Test Connectivity",
    "after a successful test: Collect Now",
];

/// The fields that a collection depends on, by their letters in an attestation: display name, API hostname, integration
/// key and secret key.
pub const COLLECTED: &[char] = &['n', 'h', 'i', 's'];

const KEYS: &[TakedownKey] = &[
    TakedownKey { part: ADMIN_API, code: 'i', label: INTEGRATION_KEY },
    TakedownKey { part: AUTH_API, code: 'a', label: AUTH_API_INTEGRATION_KEY },
];

/// How to remove integrations of entries that are no longer in the YAML.
pub fn takedown(workspace: &Workspace) -> TakedownSpec {
    let attested = workspace.removed.iter().filter_map(|(address, removal)| match &removal.value {
        Removal::Attested(text) => Some((Address::new(address), Spanned::new(text.clone(), removal.span))),
        Removal::Retain | Removal::Delete | Removal::DeletePolicy(_) => None,
    });
    TakedownSpec {
        place: PLACE_TO_REMOVE,
        then: &["delete the integration there"],
        tab: GENERAL,
        name_label: DISPLAY_NAME,
        name_prefix: NAME_PREFIX,
        known_as: &["identity intelligence", "cii", "oort"],
        keys: KEYS,
        attested: attested.collect(),
    }
}

/// The form of one entry.
pub fn form(key: &str, entry: &IntelligenceEntry, api_hostname: &str) -> HandoffSpec {
    let address = Address::intelligence(key);
    let (admin, auth) = (address.part(ADMIN_API), address.part(AUTH_API));
    let field = |code, tab, label, value| HandoffField { code, tab, label, value };
    let push = entry.has_auth_api();
    let endpoints = entry.endpoints.as_ref().filter(|on| on.value);
    let mut fields = vec![
        field('n', GENERAL, DISPLAY_NAME, HandoffValue::Text(entry.display_name.value.clone())),
        field('h', GENERAL, "API hostname", HandoffValue::Text(api_hostname.to_owned())),
        field('i', GENERAL, INTEGRATION_KEY, HandoffValue::IntegrationKey(admin.clone())),
        field('s', GENERAL, "Secret key", HandoffValue::SecretKey(admin)),
        field('p', GENERAL, "Support Push Verification", HandoffValue::Switch(push)),
    ];
    if push {
        fields.push(field(
            'a',
            GENERAL,
            AUTH_API_INTEGRATION_KEY,
            HandoffValue::IntegrationKey(auth.clone()),
        ));
        fields.push(field('k', GENERAL, "Auth API secret key", HandoffValue::SecretKey(auth)));
    }
    fields.push(field('e', ADVANCED, "Endpoints", HandoffValue::Switch(endpoints.is_some())));
    let attested = entry.attested.clone();
    let needs_plan = endpoints.map(|on| Spanned::new(recommended::ENDPOINTS, on.span));
    let recommended = recommended::endpoints(key, entry).map(|note| (recommended::ENDPOINTS, note));
    HandoffSpec {
        address,
        place: PLACE,
        place_again: PLACE_AGAIN,
        fields,
        then: THEN,
        needs_plan,
        recommended,
        attested,
    }
}
