//! The document with the results of live calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::Sources;
use crate::reconcile::desired::Desired;
use crate::reconcile::plan::Plan;
use crate::verify::report::{Check, ConnectionReport, Report, Subject, Verdict};

use super::finding::{Place, places};
use super::kind::{FORMAT_VERSION, Kind};
use super::plan::texts;

/// The outcome of `verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `verify`.
    #[schemars(with = "String", extend("const" = "verify"))]
    pub kind: Kind,
    /// The workspace, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Whether nothing failed and nothing is still open.
    pub passed: bool,
    /// How many applications have which outcome.
    pub summary: VerifySummary,
    /// The connections to Identity Intelligence.
    pub identity_intelligence: Vec<ConnectionDocument>,
    /// The applications.
    pub applications: Vec<ApplicationDocument>,
    /// The addresses that `--only` and `--exclude` left out; absent within an apply, which lists them itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<Vec<String>>,
    /// Those of them that would change; absent within an apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out_pending: Option<Vec<String>>,
}

/// How many applications have which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifySummary {
    /// Proven by a live call.
    pub verified: usize,
    /// Duo offers no read-only call that can show it.
    pub not_testable: usize,
    /// No answer proved anything.
    pub inconclusive: usize,
    /// The opposite was proven.
    pub failed: usize,
    /// Someone has to act soon, e.g. because a certificate expires.
    #[serde(default)]
    pub pending: usize,
}

/// How far data flows for one Identity Intelligence entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionDocument {
    /// The address of the entry.
    pub address: String,
    /// The display name in the console.
    pub display_name: String,
    /// The worst outcome.
    pub verdict: Verdict,
    /// The last check that was proven, with none before it pending, inconclusive or failed.
    pub reached: Option<String>,
    /// The checks in their order.
    pub checks: Vec<Check>,
    /// Where the entry is declared in the YAML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// One application and its checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplicationDocument {
    /// Its address.
    pub address: String,
    /// Its integration key; null if it is not in the account.
    pub integration_key: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The worst outcome.
    pub verdict: Verdict,
    /// The checks in their order.
    pub checks: Vec<Check>,
    /// How long they took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// Where the address is declared in the YAML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl VerifyDocument {
    /// For a verification within an apply.
    pub fn new(report: &Report) -> Self {
        let count = |verdict| report.count(verdict);
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::Verify,
            workspace: None,
            passed: report.passed(),
            summary: VerifySummary {
                verified: count(Verdict::Verified),
                not_testable: count(Verdict::NotTestable),
                inconclusive: count(Verdict::Inconclusive),
                failed: count(Verdict::Failed),
                pending: count(Verdict::Pending),
            },
            identity_intelligence: report.connections.iter().map(ConnectionDocument::from).collect(),
            applications: report.subjects.iter().map(ApplicationDocument::from).collect(),
            left_out: None,
            left_out_pending: None,
        }
    }

    /// For a verification on its own, with what the plan left out.
    pub fn alone(report: &Report, plan: &Plan) -> Self {
        Self {
            workspace: Some(plan.workspace().to_owned()),
            left_out: Some(texts(plan.left_out_addresses())),
            left_out_pending: Some(texts(plan.left_out_pending())),
            ..Self::new(report)
        }
    }

    /// The same with the places of its addresses in the YAML.
    #[must_use]
    pub fn located(mut self, desired: &Desired, sources: &Sources) -> Self {
        let places = places(desired, sources);
        for application in &mut self.applications {
            application.place = places.get(application.address.as_str()).cloned();
        }
        for connection in &mut self.identity_intelligence {
            connection.place = places.get(connection.address.as_str()).cloned();
        }
        self
    }
}

impl From<&ConnectionReport> for ConnectionDocument {
    fn from(connection: &ConnectionReport) -> Self {
        Self {
            address: connection.address.to_string(),
            display_name: connection.name.clone(),
            verdict: connection.verdict(),
            reached: connection.reached().map(|check| check.name.clone()),
            checks: connection.checks.clone(),
            place: None,
        }
    }
}

impl From<&Subject> for ApplicationDocument {
    fn from(subject: &Subject) -> Self {
        Self {
            address: subject.address.to_string(),
            integration_key: subject.ikey.as_ref().map(ToString::to_string),
            kind: subject.kind.clone(),
            name: subject.name.clone(),
            verdict: subject.verdict(),
            checks: subject.checks.clone(),
            took_ms: u64::try_from(subject.took.as_millis()).ok(),
            place: None,
        }
    }
}
