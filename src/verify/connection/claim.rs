//! Checks an attestation against the public API before it is recorded.

use jiff::Timestamp;

use crate::duo::call::Transport;
use crate::intelligence::api::{ApiError, IntegrationStatus};
use crate::language::similar::did_you_mean;
use crate::reconcile::handoff::{Handoff, Purpose};

use super::age::{Age, Entered, Values};
use super::flow::{Outcome, described, named};
use super::history::History;
use super::world::{Api, World};
use super::{display_name, entered, values};

/// What the public API shows about an attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The entry has no credentials of the API.
    Unasked,
    /// It shows nothing about it, for this reason.
    Untold(String),
    /// It does not contradict the attestation.
    Consistent,
    /// It contradicts the attestation.
    Contradicted(String),
}

/// Asks the public API about a form that a person entered in the console.
pub async fn ask<T: Transport>(operator: &T, world: &World<'_>, sheet: &Handoff) -> Claim {
    let client = match world.apis.of(&sheet.address, sheet.purpose == Purpose::Remove) {
        Api::NotDeclared => return Claim::Unasked,
        Api::Unusable(reason) => return Claim::Untold(reason.clone()),
        Api::Usable(client) => client,
    };
    let statuses = match client.integrations().await {
        Ok(Some(statuses)) => statuses,
        Ok(None) => {
            return Claim::Untold("this tenant's API does not show the status of integrations".to_owned());
        }
        Err(error) => return untold(&error),
    };
    let name = display_name(sheet);
    if sheet.purpose == Purpose::Remove {
        return removed(&statuses, &name);
    }
    let date = named(&statuses, &name).first().and_then(|status| status.date.parse::<Timestamp>().ok());
    let history = match date {
        Some(date) => History::read(operator, date, world.now, world.log_delay).await,
        None => History::default(),
    };
    entered_there(&statuses, &name, claimed(sheet, world, &history).as_ref())
}

fn untold(error: &ApiError) -> Claim {
    Claim::Untold(error.to_string())
}

/// The values that the person attests; `None` if no value that a collection depends on changed, so that an older
/// collection is about them, too.
fn claimed(sheet: &Handoff, world: &World<'_>, history: &History) -> Option<Values> {
    let said = match entered(sheet) {
        Entered::At(_) => return None,
        // They were created after the previous values were attested.
        Entered::Before(at) => at,
        Entered::Never => None,
    };
    Some(Values { entered: Entered::At(said), ..values(sheet, world, history) })
}

pub(super) fn removed(statuses: &[IntegrationStatus], name: &str) -> Claim {
    if name.is_empty() {
        return Claim::Untold("the display name of the integration is no longer known".to_owned());
    }
    match named(statuses, name).as_slice() {
        [] => Claim::Consistent,
        _ => Claim::Contradicted(format!(
            "the console still has an integration with the display name \"{name}\""
        )),
    }
}

pub(super) fn entered_there(statuses: &[IntegrationStatus], name: &str, values: Option<&Values>) -> Claim {
    let status = match named(statuses, name).as_slice() {
        [] => {
            let names = statuses.iter().map(|status| status.name.as_str());
            let hint = did_you_mean(name, names).map(|hint| format!("; {hint}")).unwrap_or_default();
            return Claim::Contradicted(format!(
                "the console has no integration with the display name \"{name}\"{hint}"
            ));
        }
        [status] => *status,
        several => {
            return Claim::Untold(format!(
                "{} integrations have the display name \"{name}\", and nothing else tells them apart",
                several.len()
            ));
        }
    };
    let seen = described(status);
    let outcome = Outcome::of(status);
    if outcome == Outcome::Bad {
        return Claim::Contradicted(format!("the integration \"{name}\" last ended with {seen}"));
    }
    let age = values.zip(status.date.parse::<Timestamp>().ok()).map(|(values, date)| values.age(date));
    match age {
        Some(Age::Older { than, at }) if outcome != Outcome::Open => Claim::Contradicted(format!(
            "the integration \"{name}\" last ended with {seen}, which is not newer than {at:.0}, when {}; press Test \
             Connectivity and Collect Now in the console first",
            if than == super::age::ATTESTED { "other values were attested" } else { than }
        )),
        _ => Claim::Consistent,
    }
}
