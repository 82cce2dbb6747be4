//! Which keys an API accepts, by the type of their application (duo-api.md, section 2.2; probes.md, section 3).

use super::call::Reply;
use super::kinds::{self, Admits};
use super::switches::{AuthCheck, Switches, WrongKind};

/// Refuses a key whose type does not match the API of a path.
pub(super) fn check(kind: &str, path: &[String], for_child: bool, switches: &Switches) -> Result<(), Reply> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        // An Accounts API key acts on child accounts (duo-api.md, section 8).
        ["admin", ..] if kind == "adminapi" || (kind == "accountsapi" && for_child) => Ok(()),
        ["admin", ..] => Err(match switches.wrong_kind {
            WrongKind::UnknownKey => Reply::unknown_key(switches),
            WrongKind::WrongType => Reply::wrong_type(),
        }),
        ["accounts", ..] if kind != "accountsapi" => Err(Reply::wrong_type()),
        ["auth", ..] => match (kinds::auth_api(kind), switches.auth_check) {
            (Admits::Yes, _) | (Admits::Unknown, AuthCheck::Accepted) => Ok(()),
            (Admits::No, _) | (Admits::Unknown, AuthCheck::WrongType) => Err(Reply::wrong_type()),
            (Admits::Unknown, AuthCheck::UnknownKey) => Err(Reply::unknown_key(switches)),
        },
        ["rest", ..] if kinds::rest_v1(kind) != Admits::Yes => {
            Err(Reply::not_simulated("what the v1 authentication protocol answers to a key of this type"))
        }
        _ => Ok(()),
    }
}
