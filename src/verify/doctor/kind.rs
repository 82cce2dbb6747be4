//! Finds out which kind of application refused keys belong to, with two read-only calls to the other APIs (probes.md,
//! sections 1 and 3).

use serde_json::Map;

use crate::duo::call::{ApiCall, Transport};
use crate::duo::error::DuoError;
use crate::duo::probe::auth_check;
use crate::duo::sign::Scheme;
use crate::verify::keys::Answer;

/// What is wrong with keys, and how to fix it.
pub(super) struct Wrong {
    pub(super) detail: String,
    pub(super) fix: String,
}

/// Examines keys that the Admin API refused; `None` if nothing can be added to Duo's answer.
pub(super) async fn wrong<T: Transport>(transport: &T, refusal: &DuoError) -> Option<Wrong> {
    let of_another_kind = |what: &str| {
        Wrong {
        detail: format!("the keys belong to {what}, not to an Admin API application"),
        fix: "use the keys of an application of the type Admin API (`adminapi`), which an Owner creates in the Duo \
              Admin Panel"
            .to_owned(),
    }
    };
    match Answer::of(refusal) {
        Answer::WrongSecret => {
            return Some(Wrong {
                detail: format!("Duo knows the integration key, but the secret key does not belong to it: {refusal}"),
                fix: "copy the integration key, secret key and API hostname together from one application's page; the \
                      secret key may have been reset"
                    .to_owned(),
            });
        }
        Answer::UnknownKey | Answer::WrongType => {}
        Answer::Forbidden | Answer::Clock | Answer::Refused | Answer::Nothing => return None,
    }
    let children = ApiCall::post("/accounts/v1/account/list", Map::new());
    if transport.send(&children).await.is_ok() {
        return Some(of_another_kind("an Accounts API application"));
    }
    match auth_check(transport, Scheme::V5).await.map_err(|error| (Answer::of(&error), error)) {
        Ok(_) => Some(of_another_kind("an Auth API application, or another type of application that users log in to")),
        Err((Answer::WrongSecret, error)) => Some(Wrong {
            detail: format!(
                "the Admin API does not accept the integration key, and the Auth API says that the secret key does not \
                 belong to it: {error}"
            ),
            fix: "copy the integration key, secret key and API hostname together from the page of an Admin API application"
                .to_owned(),
        }),
        Err(_) if Answer::of(refusal) == Answer::WrongType => {
            Some(of_another_kind("an application of another type"))
        }
        Err(_) => None,
    }
}
