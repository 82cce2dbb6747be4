//! The form of the Identity Intelligence console, field by field (identity-intelligence.md, section 1.2). The console
//! has no API that creates an integration, so a person carries the values.

use crate::config::model::IntelligenceEntry;
use crate::reconcile::address::Address;
use crate::reconcile::handoff::{HandoffField, HandoffSpec, HandoffValue};

use super::expand::{ADMIN_API, AUTH_API};

const PLACE: &str = "Cisco Identity Intelligence: Integrations -> Add Integration -> Duo";
const GENERAL: &str = "General Settings";
const ADVANCED: &str = "Advanced Settings";
const THEN: &[&str] = &[
    "Save (the button may be labelled Connect)",
    "on the Integrations page, open the menu of the new integration: Test Connectivity",
    "after a successful test: Collect Now",
];

/// The form of one entry.
pub fn form(address: &Address, entry: &IntelligenceEntry, api_hostname: &str) -> HandoffSpec {
    let (admin, auth) = (address.part(ADMIN_API), address.part(AUTH_API));
    let field = |tab, label, value| HandoffField { tab, label, value };
    let push = entry.push_application_name.is_some();
    let mut fields = vec![
        field(GENERAL, "Display name", HandoffValue::Text(entry.display_name.value.clone())),
        field(GENERAL, "API hostname", HandoffValue::Text(api_hostname.to_owned())),
        field(GENERAL, "Integration key", HandoffValue::IntegrationKey(admin.clone())),
        field(GENERAL, "Secret key", HandoffValue::SecretKey(admin)),
        field(GENERAL, "Support Push Verification", HandoffValue::Switch(push)),
    ];
    if push {
        fields.push(field(GENERAL, "Auth API integration key", HandoffValue::IntegrationKey(auth.clone())));
        fields.push(field(GENERAL, "Auth API secret key", HandoffValue::SecretKey(auth)));
    }
    fields.push(field(ADVANCED, "Endpoints", HandoffValue::Switch(entry.endpoints.value)));
    let attested = entry.attested.clone();
    HandoffSpec { address: address.clone(), place: PLACE, fields, then: THEN, attested }
}
