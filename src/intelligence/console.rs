//! The form of the Identity Intelligence console, field by field (identity-intelligence.md, section 1.2). The console
//! has no API that creates an integration, so a person carries the values.

use crate::config::diagnostic::Spanned;
use crate::config::model::{DuoPlan, IntelligenceEntry};
use crate::reconcile::address::Address;
use crate::reconcile::handoff::{HandoffField, HandoffSpec, HandoffValue};

use super::expand::{ADMIN_API, AUTH_API};

const PLACE: &str = "Cisco Identity Intelligence: Integrations -> Add Integration -> Duo";
const PLACE_AGAIN: &str =
    "Cisco Identity Intelligence: Integrations -> the bar of this integration -> its settings";
const GENERAL: &str = "General Settings";
const ADVANCED: &str = "Advanced Settings";
const THEN: &[&str] = &[
    "Save (the button may be labelled Connect)",
    "on the Integrations page, open the menu of the integration: Test Connectivity",
    "after a successful test: Collect Now",
];

/// The form of one entry.
pub fn form(address: &Address, entry: &IntelligenceEntry, api_hostname: &str) -> HandoffSpec {
    let (admin, auth) = (address.part(ADMIN_API), address.part(AUTH_API));
    let field = |code, tab, label, value| HandoffField { code, tab, label, value };
    let push = entry.push_application_name.is_some();
    let mut fields = vec![
        field('n', GENERAL, "Display name", HandoffValue::Text(entry.display_name.value.clone())),
        field('h', GENERAL, "API hostname", HandoffValue::Text(api_hostname.to_owned())),
        field('i', GENERAL, "Integration key", HandoffValue::IntegrationKey(admin.clone())),
        field('s', GENERAL, "Secret key", HandoffValue::SecretKey(admin)),
        field('p', GENERAL, "Support Push Verification", HandoffValue::Switch(push)),
    ];
    if push {
        fields.push(field(
            'a',
            GENERAL,
            "Auth API integration key",
            HandoffValue::IntegrationKey(auth.clone()),
        ));
        fields.push(field('k', GENERAL, "Auth API secret key", HandoffValue::SecretKey(auth)));
    }
    fields.push(field('e', ADVANCED, "Endpoints", HandoffValue::Switch(entry.endpoints.value)));
    let attested = entry.attested.clone();
    let needs_plan = entry.endpoints.value.then(|| Spanned::new(DuoPlan::Advantage, entry.endpoints.span));
    HandoffSpec {
        address: address.clone(),
        place: PLACE,
        place_again: PLACE_AGAIN,
        fields,
        then: THEN,
        needs_plan,
        attested,
    }
}
