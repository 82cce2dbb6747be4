//! An Auth API application: `GET /auth/v2/check` with its own key (duo-api.md, section 6.2).

use crate::duo::call::Transport;
use crate::duo::probe::auth_check;
use crate::duo::sign::Scheme;

use super::report::{Check, Verdict, unproven};

/// Proves that the key is valid and belongs to an Auth API application. Bothers no user.
pub async fn check<T: Transport>(keyed: &T) -> Vec<Check> {
    let name = "auth check";
    let check = match auth_check(keyed, Scheme::V5).await {
        Ok(_) => Check::new(name, Verdict::Verified, "Duo accepts the key for the Auth API"),
        Err(error) if error.is_denied() => Check::new(name, Verdict::Failed, error.to_string())
            .fix("reset the secret key in Duo, or check the application's type"),
        Err(error) => unproven(name, &error),
    };
    vec![check]
}
