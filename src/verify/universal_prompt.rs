//! A Universal Prompt application: the health check with its own client id and secret (duo-api.md, section 6.2).

use jiff::Timestamp;

use crate::duo::assertion::{health_check_call, token_id};
use crate::duo::call::Transport;
use crate::duo::types::Integration;
use crate::reconcile::value::flag;
use crate::secret::Secret;

use super::report::{Check, Verdict, unproven};

/// Whether Duo surely answers the health check for an application: the Web SDK, and whatever has shown Duo a
/// frameless authentication.
pub fn applies(integration: &Integration) -> bool {
    let frameless = integration.property("frameless_auth_prompt_enabled").and_then(flag);
    integration.kind() == "websdk" || frameless == Some(true)
}

/// Proves that client id and client secret fit. Bothers no user.
pub async fn check<T: Transport>(
    transport: &T,
    integration: &Integration,
    secret: &Secret,
    now: Timestamp,
) -> Vec<Check> {
    let name = "health check";
    let Some(id) = token_id() else {
        return vec![Check::new(name, Verdict::Inconclusive, "this machine has no random numbers")];
    };
    let call = health_check_call(transport.host(), &integration.ikey, secret, now, &id);
    let check = match transport.send(&call).await {
        Ok(_) => Check::new(name, Verdict::Verified, "Duo accepts the client id and the client secret"),
        // Whatever Duo refuses here, it refuses the pair (the official client does not look further either).
        Err(error) if error.code().is_some() || error.is_denied() => {
            Check::new(name, Verdict::Failed, error.to_string())
                .fix("reset the secret key in Duo, and verify again")
        }
        Err(error) => unproven(name, &error),
    };
    vec![check]
}
