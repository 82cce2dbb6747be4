//! The fields that a console page sends, and the page it returns to.

use std::collections::BTreeMap;

use super::super::super::message::{RawRequest, pairs};

/// The console's first page.
pub(super) const HOME: &str = "/console/integrations";

/// The fields of a form as sent.
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    pub(super) fn of(request: &RawRequest) -> Self {
        Self(pairs(&String::from_utf8_lossy(&request.body)).into_iter().collect())
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.0.get(name).map(|text| text.trim().to_owned()).unwrap_or_default()
    }

    pub(super) fn on(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}
