//! Notes about vendor recommendations that an `identity_intelligence` entry leaves out. `false` counts as a decision.

use super::model::{DuoPlan, IntelligenceEntry};
use crate::diagnostic::{Code, Diagnostic};
use crate::language::address::Place;

/// The smallest plan with the data that `endpoints` collects.
pub const ENDPOINTS: DuoPlan = DuoPlan::Advantage;

/// Push verification, which every plan includes.
pub fn push_verification(key: &str, entry: &IntelligenceEntry) -> Option<Diagnostic> {
    let left_out = entry.push_verification.is_none() && entry.push_application_name.is_none();
    (left_out && entry.auth_api.span.is_none()).then(|| {
        note(key, entry, "push_verification", "the help desk cannot verify callers with a push")
            .help("write `push_verification: {application_name: Acme IT Support}`, or `false` to opt out")
    })
}

/// Endpoints, for accounts whose plan is [`ENDPOINTS`] or larger.
pub fn endpoints(key: &str, entry: &IntelligenceEntry) -> Option<Diagnostic> {
    entry.endpoints.is_none().then(|| {
        note(key, entry, "endpoints", "users' devices are not collected")
            .help("write `endpoints: true`, or `false` to opt out")
    })
}

fn note(key: &str, entry: &IntelligenceEntry, left_out: &str, so: &str) -> Diagnostic {
    let address = Place::Entry(key);
    let message = format!("{address}: the vendor recommends `{left_out}`; without it {so}");
    Diagnostic::note(Code::Recommended, entry.span, message).about(&address)
}
