//! How many applications Duo counts: a list that lacks some of them, without a sign of it, is noticed by that alone.

use crate::duo::call::{ApiCall, Transport};
use crate::duo::reply::whole_number;
use crate::reconcile::observed::Observed;

/// What the account's summary counts. It is read with a permission of its own, which a key need not have.
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
