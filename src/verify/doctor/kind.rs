//! Whose keys they are that the Admin API does not take: two calls to the other APIs tell, and neither changes anything
//! (probes.md, sections 1 and 3).

use serde_json::Map;

use crate::duo::call::{ApiCall, Transport};
use crate::duo::error::DuoError;
use crate::duo::probe::auth_check;
use crate::duo::sign::Scheme;
use crate::verify::keys::Answer;

/// What is wrong with keys, and what to do about it.
pub(super) struct Wrong {
    pub(super) detail: String,
    pub(super) fix: String,
}

/// Looks at keys that the Admin API refused; `None` where nothing more can be said than what Duo did.
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
                detail: format!("Duo knows the integration key, but the secret key is not its own: {refusal}"),
                fix: "copy integration key, secret key and API hostname together from one application's page; its \
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
        Ok(_) => Some(of_another_kind("an Auth API application, or one of another type that users log in to")),
        Err((Answer::WrongSecret, error)) => Some(Wrong {
            detail: format!(
                "the Admin API does not take the integration key, and the Auth API finds that the secret key is not its \
                 own: {error}"
            ),
            fix: "copy integration key, secret key and API hostname together from the page of an Admin API application"
                .to_owned(),
        }),
        Err(_) if Answer::of(refusal) == Answer::WrongType => {
            Some(of_another_kind("an application of another type"))
        }
        Err(_) => None,
    }
}
