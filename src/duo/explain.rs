//! Possible causes of an error, in plain words, each with a fix (duo-api.md, section 2.2, trap 31).
//!
//! Duo's codes are ambiguous: one code has several causes, and the text does not tell which. So all of them are listed,
//! the most likely first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::{DuoError, Refusal, Unreachable};

/// A possible cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// What may be wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

fn cause(what: impl Into<String>, fix: impl Into<String>) -> Cause {
    Cause { what: what.into(), fix: fix.into() }
}

/// The possible causes of an error, the most likely first. Empty if the error already says everything.
pub fn causes(error: &DuoError) -> Vec<Cause> {
    match error {
        DuoError::NotSent { .. } => Vec::new(),
        DuoError::Unreachable { kind, .. } => vec![unreachable(*kind)],
        DuoError::Lost { .. } => vec![cause(
            "the network, a proxy or Duo ended the connection before the answer was complete",
            "run plan again to see whether the call was carried out; duoctl never repeats a change blindly",
        )],
        DuoError::RateLimited { .. } => vec![cause(
            "other tools use up this account's rate limit",
            "wait a few minutes and run again, or stop the other tools",
        )],
        DuoError::Unexpected { status, .. } => unexpected(*status),
        DuoError::Incomplete { .. } => vec![cause(
            "an administrator or another tool changed the list while it was read",
            "run again; duoctl did not use the incomplete list",
        )],
        DuoError::Refused(refusal) => refused(refusal),
    }
}

fn unreachable(kind: Unreachable) -> Cause {
    match kind {
        Unreachable::Name => cause(
            "the hostname is misspelt, or this machine cannot resolve names outside its network",
            "copy the API hostname from the application's page in the Duo Admin Panel; behind a proxy set HTTPS_PROXY",
        ),
        Unreachable::Connect | Unreachable::Timeout => cause(
            "a firewall drops or refuses connections to port 443 of the API hostname",
            "allow outgoing HTTPS to the API hostname, by name, not by address, or set HTTPS_PROXY",
        ),
        Unreachable::Tls => cause(
            "something between this machine and Duo inspects TLS, or impersonates Duo",
            "if this machine trusts the inspecting proxy, set tls_roots to system; or save the proxy's authority as a \
             PEM file and set ca_file to it; if there is no such proxy, stop and find out who answers",
        ),
        Unreachable::Proxy => cause(
            "the proxy blocks this call",
            "check HTTPS_PROXY and its credentials, or exclude the API hostname with NO_PROXY",
        ),
        Unreachable::Other => cause(
            "this machine could not build the request",
            "check the keys for stray characters, e.g. a line break at the end",
        ),
    }
}

fn unexpected(status: u16) -> Vec<Cause> {
    if status >= 500 {
        return vec![duo_is_down()];
    }
    vec![
        cause(
            "a proxy, a firewall or a captive portal answered in Duo's place",
            "open https://API_HOSTNAME/auth/v2/ping from this machine: Duo answers with JSON",
        ),
        cause(
            "the API hostname belongs to another Duo service, e.g. the Admin Panel",
            "copy the API hostname from the application's page; it starts with api-",
        ),
    ]
}

fn duo_is_down() -> Cause {
    cause("Duo, or a gateway in front of it, has a problem", "check status.duo.com and run again later")
}

fn refused(refusal: &Refusal) -> Vec<Cause> {
    let path = refusal.call.split_once(' ').map_or("", |(_, path)| path);
    match (refusal.status, refusal.code) {
        (_, Some(40101)) => vec![cause(
            "the Authorization header did not reach Duo",
            "check whether a proxy removes it, and exclude the API hostname with NO_PROXY",
        )],
        (_, Some(40102)) => unknown_key(path),
        (_, Some(40103)) => bad_signature(),
        (_, Some(40104 | 40105)) => vec![bad_clock()],
        (401, _) => [unknown_key(path), bad_signature(), vec![bad_clock()]].concat(),
        (403, _) | (_, Some(40301)) => forbidden(refusal, path),
        (404, _) | (_, Some(40401)) => vec![cause(
            "the object no longer exists, or belongs to another account",
            "run plan again, and check that the API hostname belongs to the account that shows the object",
        )],
        (400, _) | (_, Some(40001..=40099)) => vec![cause(
            "Duo rejected a value; the detail in its reply may name it",
            "correct that field in the YAML; some values need a higher edition than this account has",
        )],
        (500.., _) => vec![duo_is_down()],
        _ => Vec::new(),
    }
}

fn unknown_key(path: &str) -> Vec<Cause> {
    let mut causes = vec![cause(
        "the integration key is misspelt, was deleted, or belongs to another account than this API hostname",
        "copy integration key, secret key and API hostname together from one application's page",
    )];
    if let Some(kind) = kind_for(path) {
        causes.push(cause(
            format!("the integration key does not belong to an {kind} application"),
            format!("use the keys of an {kind} application"),
        ));
    }
    if path.starts_with("/admin/") {
        // Whether Duo answers with this code or with 40301 is unknown (duo-api.md, section 2.2).
        causes.push(outside_networks());
    }
    causes
}

fn bad_signature() -> Vec<Cause> {
    vec![
        cause(
            "the secret key does not match the integration key: misspelt, reset since, or with a trailing line break",
            "copy the secret key again from the application's page; it has 40 characters",
        ),
        cause(
            "the API hostname belongs to another account",
            "copy integration key, secret key and API hostname together from one application's page",
        ),
        cause("a proxy modifies requests in transit", "exclude the API hostname with NO_PROXY"),
    ]
}

fn bad_clock() -> Cause {
    cause(
        "this machine's clock differs from Duo's by more than about a minute, or a proxy rewrites the Date header",
        "set the clock, preferably with NTP; duoctl doctor shows the difference",
    )
}

fn forbidden(refusal: &Refusal, path: &str) -> Vec<Cause> {
    let wrong_kind = kind_for(path).map(|kind| {
        cause(
            format!("the keys are valid, but do not belong to an {kind} application"),
            format!("use the keys of an {kind} application"),
        )
    });
    if refusal.detail.as_deref().is_some_and(|detail| detail.starts_with("Wrong integration type")) {
        return wrong_kind.into_iter().collect();
    }
    let mut causes = Vec::new();
    if let Some(permission) = permission_for(&refusal.call, path) {
        causes.push(cause(
            format!("the Admin API application lacks the permission {permission}"),
            format!("enable {permission} on its page in the Duo Admin Panel"),
        ));
    }
    causes.extend([
        outside_networks(),
        cause(
            "the account's edition does not have this feature",
            "compare the edition in the Admin Panel with what the feature needs",
        ),
    ]);
    causes.extend(wrong_kind);
    causes
}

fn outside_networks() -> Cause {
    cause(
        "this machine's public address is outside the networks that the application allows",
        "compare it with the networks for API access on the application's page",
    )
}

/// The kind of application, by its name in the Admin Panel, whose keys a path accepts.
fn kind_for(path: &str) -> Option<&'static str> {
    [("/admin/", "Admin API"), ("/auth/", "Auth API"), ("/accounts/", "Accounts API")]
        .into_iter()
        .find_map(|(prefix, kind)| path.starts_with(prefix).then_some(kind))
}

/// The permission, by its name in the Admin Panel, that a call needs (duo-api.md, section 5).
fn permission_for(call: &str, path: &str) -> Option<&'static str> {
    let (_, object) = path.strip_prefix("/admin/v")?.split_once('/')?;
    let reads = call.starts_with("GET ");
    let is =
        |name: &str| object == name || object.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
    let permission = if is("integrations") {
        if reads && !object.ends_with("/skey") && !object.contains("/client_secret") {
            "Grant resource - Read"
        } else {
            "Grant applications (for permissions of Admin API applications also Grant set Admin API permissions)"
        }
    } else if is("info") {
        "Grant read information"
    } else if is("logs") || is("trust_monitor") {
        "Grant read log"
    } else if is("settings") || is("branding") || is("logo") {
        "Grant settings"
    } else if is("admins") || is("administrative_units") {
        if reads { "Grant administrators - Read" } else { "Grant administrators - Write" }
    } else if reads {
        "Grant resource - Read"
    } else {
        "Grant resource - Write"
    };
    Some(permission)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(call: &str, status: u16, code: u32, detail: Option<&str>) -> DuoError {
        DuoError::Refused(Refusal {
            call: call.to_owned(),
            status,
            code: Some(code),
            message: "m".to_owned(),
            detail: detail.map(str::to_owned),
        })
    }

    fn whats(error: &DuoError) -> String {
        causes(error).into_iter().map(|cause| cause.what + "\n").collect()
    }

    #[test]
    fn trap_31_an_unknown_key_may_be_a_key_of_another_kind() {
        insta::assert_snapshot!(whats(&refusal("GET /admin/v1/groups", 401, 40102, None)), @r"
        the integration key is misspelt, was deleted, or belongs to another account than this API hostname
        the integration key does not belong to an Admin API application
        this machine's public address is outside the networks that the application allows
        ");
        assert!(whats(&refusal("GET /auth/v2/check", 401, 40102, None)).contains("an Auth API application"));
    }

    #[test]
    fn trap_31_forbidden_names_every_candidate_unless_duo_tells() {
        insta::assert_snapshot!(whats(&refusal("GET /admin/v1/info/summary", 403, 40301, None)), @r"
        the Admin API application lacks the permission Grant read information
        this machine's public address is outside the networks that the application allows
        the account's edition does not have this feature
        the keys are valid, but do not belong to an Admin API application
        ");
        let told = refusal("GET /auth/v2/check", 403, 40301, Some("Wrong integration type for this API."));
        insta::assert_snapshot!(whats(&told), @"the keys are valid, but do not belong to an Auth API application");
    }

    #[test]
    fn the_missing_permission_follows_from_the_call() {
        for (call, permission) in [
            ("GET /admin/v3/integrations", "Grant resource - Read"),
            ("GET /admin/v1/integrations/DI1/skey", "Grant applications ("),
            ("POST /admin/v3/integrations", "Grant applications ("),
            ("DELETE /admin/v3/integrations/DI1", "Grant applications ("),
            ("GET /admin/v2/policies", "Grant resource - Read"),
            ("PUT /admin/v2/policies/PO1", "Grant resource - Write"),
            ("GET /admin/v1/groups", "Grant resource - Read"),
            ("GET /admin/v2/logs/authentication", "Grant read log"),
            ("GET /admin/v1/settings", "Grant settings"),
            ("GET /admin/v1/admins", "Grant administrators - Read"),
            ("POST /admin/v1/admins/DE1", "Grant administrators - Write"),
        ] {
            let text = whats(&refusal(call, 403, 40301, None));
            assert!(
                text.starts_with(&format!("the Admin API application lacks the permission {permission}")),
                "{text}"
            );
        }
        assert!(!whats(&refusal("GET /auth/v2/check", 403, 40301, None)).contains("permission"));
    }

    #[test]
    fn every_error_is_explained_in_the_projects_tone() {
        let (call, reason, path) = (String::new(), String::new(), String::new());
        let mut errors = vec![
            DuoError::Lost { call: call.clone(), reason: reason.clone() },
            DuoError::RateLimited { call: call.clone(), attempts: 7 },
            DuoError::Unexpected { call: call.clone(), status: 200, reason: reason.clone() },
            DuoError::Unexpected { call: call.clone(), status: 502, reason: reason.clone() },
            DuoError::Incomplete { path, reason: reason.clone() },
        ];
        errors.extend(
            [
                Unreachable::Name,
                Unreachable::Connect,
                Unreachable::Tls,
                Unreachable::Proxy,
                Unreachable::Timeout,
                Unreachable::Other,
            ]
            .map(|kind| DuoError::Unreachable {
                host: String::new(),
                kind,
                reason: reason.clone(),
            }),
        );
        for code in [40001, 40002, 40101, 40102, 40103, 40104, 40105, 40199, 40301, 40399, 40401, 50000] {
            errors.push(refusal("GET /admin/v1/groups", u16::try_from(code / 100).unwrap(), code, None));
        }
        for error in errors {
            let causes = causes(&error);
            assert!(!causes.is_empty(), "{error:?}");
            for text in causes.iter().flat_map(|cause| [&cause.what, &cause.fix]) {
                let tone = !text.ends_with('.') && !text.contains("  ");
                let start = text.starts_with(char::is_lowercase) || text.starts_with("Duo");
                assert!(tone && start, "{text}");
            }
        }
    }

    #[test]
    fn a_failure_under_200_is_explained_by_its_code() {
        assert!(whats(&refusal("GET /admin/v1/groups", 200, 40301, None)).contains("permission"));
        assert!(whats(&refusal("GET /admin/v1/groups", 200, 40103, None)).contains("secret key"));
    }
}
