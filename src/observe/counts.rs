//! The number of applications that Duo counts. Only this number reveals a list that is incomplete without saying so.

use crate::duo::call::{ApiCall, Transport};
use crate::duo::reply::whole_number;
use crate::reconcile::observed::Observed;

/// The application count in the account's summary. Reading it needs a separate permission, which the key may lack.
pub async fn applications(transport: &impl Transport) -> Observed<usize> {
    let summary = match transport.send(&ApiCall::get("/admin/v1/info/summary", &[])).await {
        Ok(success) => success.response,
        Err(error) => return Observed::Unreadable(error.to_string()),
    };
    let count = summary.get("integration_count").and_then(whole_number);
    count.and_then(|count| usize::try_from(count).ok()).map_or_else(
        || Observed::Unreadable("the account's summary does not count applications".to_owned()),
        Observed::Present,
    )
}
