//! Checks whether the recovery key could change the operator and roll the change back.

use crate::duo::api::ReadApi as _;
use crate::duo::call::Transport;
use crate::duo::client::Reader;
use crate::duo::object::{Ikey, ObjectId};
use crate::kinds::application::fields::{held_permissions, known_permissions};
use crate::verify::needs::{Need, REPAIR};

use super::diagnosis::Diagnosis;
use super::operator::{self, Shown};

/// The name of the key check.
pub const KEY: &str = "recovery key";
/// The prefix of its other checks.
const PREFIX: &str = "recovery permission ";

/// Skips every check here.
pub fn skip(found: &mut Diagnosis, reason: &str) {
    found.skipped(KEY, reason);
    skip_permissions(found, reason);
}

fn skip_permissions(found: &mut Diagnosis, reason: &str) {
    for permission in REPAIR {
        found.skipped(format!("{PREFIX}{permission}"), reason);
    }
}

/// Reads only its own application.
pub async fn check<T: Transport + Clone>(found: &mut Diagnosis, transport: &T, ikey: &Ikey) {
    match Reader::new(transport.clone()).get(&ObjectId::application(ikey)).await {
        Ok(Some(own)) => {
            found.verified(KEY, format!("{ikey} is accepted by the Admin API, and reads applications"));
            let shown = Shown { known: known_permissions(&own), held: held_permissions(&own) };
            for permission in REPAIR {
                let need = Need { permission, uses: vec!["apply repairs the operator"] };
                operator::permission(found, PREFIX, &need, &shown);
            }
        }
        Ok(None) => {
            found.failed(
                KEY,
                format!("{ikey} is accepted, but its application is not in this account"),
                "set `tenant.credentials.recovery` to the keys of an Admin API application of this account",
            );
            skip_permissions(found, &format!("`{KEY}` failed"));
        }
        Err(error) => {
            operator::key_refused(found, KEY, transport, error).await;
            skip_permissions(found, &format!("`{KEY}` failed"));
        }
    }
}
