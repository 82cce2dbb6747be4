//! One reading of the account: the lists that a plan needs, each once.

use crate::duo::api::ReadApi;
use crate::duo::error::DuoError;
use crate::duo::types::{Account, Ikey};
use crate::reconcile::desired::{Desired, DesiredApplication};
use crate::reconcile::observed::{Observation, Observed};

/// An observation, and the errors behind what could not be read.
#[derive(Debug)]
pub struct Reading {
    /// What was seen.
    pub observation: Observation,
    /// Why something could not be read.
    pub failures: Vec<DuoError>,
}

/// Reads the account: applications always, groups and policies only where the YAML names one.
pub async fn observe(reader: &impl ReadApi, desired: &Desired, operator: &Ikey, host: &str) -> Reading {
    let wants = |needs: fn(&DesiredApplication) -> bool| desired.applications.iter().any(needs);
    let optional_groups =
        async { if wants(DesiredApplication::names_groups) { Some(reader.groups().await) } else { None } };
    let optional_policies =
        async { if wants(DesiredApplication::names_policy) { Some(reader.policies().await) } else { None } };
    let optional_account = async {
        if desired.plan.is_some() || desired.handoffs.iter().any(|form| form.needs_plan.is_some()) {
            reader.account().await
        } else {
            Ok(Account::default())
        }
    };
    let (integrations, groups, policies, account) =
        tokio::join!(reader.integrations(), optional_groups, optional_policies, optional_account);
    let mut failures = Vec::new();
    let observation = Observation {
        host: host.to_owned(),
        operator: operator.clone(),
        integrations: observed(Some(integrations), &mut failures),
        groups: observed(groups, &mut failures),
        policies: observed(policies, &mut failures),
        // The account's own words only serve a warning: without them a plan is still right.
        account: account.unwrap_or_default(),
    };
    Reading { observation, failures }
}

fn observed<T>(read: Option<Result<T, DuoError>>, failures: &mut Vec<DuoError>) -> Observed<T> {
    match read {
        None => Observed::Absent,
        Some(Ok(value)) => Observed::Present(value),
        Some(Err(error)) => {
            let reason = error.to_string();
            failures.push(error);
            Observed::Unreadable(reason)
        }
    }
}
