//! Read-only calls that each prove one thing (duo-api.md, sections 5, 6.1 and 6.2). Other modules judge the answers.

use jiff::{SignedDuration, Timestamp};
use serde_json::Map;

use super::call::{ApiCall, Budget, Signing, Transport};
use super::error::DuoError;
use super::reply::whole_number;
use super::request::title;
use super::sign::Scheme;

/// A call that Duo answers only if the key has a permission.
#[derive(Clone, Debug)]
pub struct PermissionProbe {
    /// Any one of these flags unlocks the call.
    pub unlocked_by: &'static [&'static str],
    /// These flags may unlock it, too, but no source is certain. For a key with one of these and none of `unlocked_by`, both
    /// answers are plausible.
    pub perhaps_unlocked_by: &'static [&'static str],
    /// The call. It changes nothing and requests at most one object.
    pub call: ApiCall,
}

/// One probe for each permission that a read-only call can prove.
///
/// `adminapi_write_resource`, `adminapi_integrations` and `adminapi_allow_to_set_permissions` have none: read the flag
/// itself. The log probe uses the small log budget, so send it at most once per key and run.
pub fn permission_probes(now: Timestamp) -> Vec<PermissionProbe> {
    let one = [("limit", "1"), ("offset", "0")];
    let probe =
        |unlocked_by, perhaps_unlocked_by, call| PermissionProbe { unlocked_by, perhaps_unlocked_by, call };
    vec![
        probe(&["adminapi_info"], &[], ApiCall::get("/admin/v1/info/summary", &[])),
        probe(&["adminapi_read_log"], &[], authentication_log(now)),
        probe(&["adminapi_read_resource"], &[], ApiCall::get("/admin/v1/groups", &one)),
        probe(&["adminapi_settings"], &["adminapi_settings_read"], ApiCall::get("/admin/v1/settings", &[])),
        probe(&["adminapi_admins", "adminapi_admins_read"], &[], ApiCall::get("/admin/v1/admins", &one)),
        probe(
            &["adminapi_read_resource"],
            &["adminapi_integrations_read", "adminapi_integrations"],
            ApiCall::get("/admin/v3/integrations", &one),
        ),
    ]
}

/// One minute of the authentication log, three minutes ago: Duo's logs lag by about two.
fn authentication_log(now: Timestamp) -> ApiCall {
    let milliseconds = |minutes_ago: i64| {
        let moment = now.checked_sub(SignedDuration::from_mins(minutes_ago)).unwrap_or(now);
        moment.as_millisecond().to_string()
    };
    let (from, to) = (milliseconds(4), milliseconds(3));
    let query = [("mintime", from.as_str()), ("maxtime", to.as_str()), ("limit", "1")];
    ApiCall::get("/admin/v2/logs/authentication", &query).budget(Budget::Log)
}

/// The call used by [`auth_ping`].
pub fn ping_call() -> ApiCall {
    ApiCall::get("/auth/v2/ping", &[]).signing(Signing::Unsigned)
}

/// Duo's clock in Unix seconds, from the unsigned `GET /auth/v2/ping`: proves name, TLS, proxy and host.
///
/// # Errors
///
/// Those of the transport, and [`DuoError::Unexpected`] when the answer contains no time.
pub async fn auth_ping<T: Transport>(transport: &T) -> Result<i64, DuoError> {
    time_from(transport, &ping_call()).await
}

/// Checks that the transport's key is a valid Auth API key. Returns Duo's clock in Unix seconds.
///
/// # Errors
///
/// Those of the transport, and [`DuoError::Unexpected`] when the answer contains no time.
pub async fn auth_check<T: Transport>(transport: &T, scheme: Scheme) -> Result<i64, DuoError> {
    time_from(transport, &ApiCall::get("/auth/v2/check", &[]).signing(Signing::By(scheme))).await
}

/// Checks a key with the first version of the authentication protocol, which Duo's older clients use.
///
/// # Errors
///
/// Those of the transport, and [`DuoError::Unexpected`] when the answer is not `valid`.
pub async fn rest_check<T: Transport>(transport: &T) -> Result<(), DuoError> {
    let call = ApiCall::get("/rest/v1/check", &[]).signing(Signing::By(Scheme::V2Sha1));
    match transport.send(&call).await?.response.as_str() {
        Some("valid") => Ok(()),
        _ => Err(DuoError::Unexpected {
            call: title(&call),
            status: 200,
            reason: "it is not `valid`".to_owned(),
        }),
    }
}

/// Lists the child accounts of an Accounts API key.
///
/// # Errors
///
/// Those of the transport, and [`DuoError::Unexpected`] when the answer is not a list.
pub async fn list_accounts<T: Transport>(transport: &T) -> Result<(), DuoError> {
    // A POST that only reads.
    let call = ApiCall::post("/accounts/v1/account/list", Map::new()).budget(Budget::Read);
    if transport.send(&call).await?.response.is_array() {
        return Ok(());
    }
    Err(DuoError::Unexpected { call: title(&call), status: 200, reason: "it is not a list".to_owned() })
}

async fn time_from<T: Transport>(transport: &T, call: &ApiCall) -> Result<i64, DuoError> {
    let success = transport.send(call).await?;
    time_in(call, &success.response)
}

/// The `time` in the response of a ping or check.
///
/// # Errors
///
/// [`DuoError::Unexpected`] when there is none.
pub fn time_in(call: &ApiCall, response: &serde_json::Value) -> Result<i64, DuoError> {
    response.get("time").and_then(whole_number).ok_or_else(|| DuoError::Unexpected {
        call: title(call),
        status: 200,
        reason: "it contains no time".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::call::Method;

    #[test]
    fn the_log_probe_asks_for_one_past_minute() {
        let now: Timestamp = "2026-03-18T09:05:07Z".parse().unwrap();
        let call = authentication_log(now);
        assert_eq!(call.budget, Budget::Log);
        assert_eq!(call.params.get("mintime").unwrap(), "1773824467000");
        assert_eq!(call.params.get("maxtime").unwrap(), "1773824527000");
    }

    #[test]
    fn no_probe_can_change_anything() {
        let probes = permission_probes(Timestamp::UNIX_EPOCH);
        assert!(probes.iter().all(|probe| probe.call.method == Method::Get && !probe.unlocked_by.is_empty()));
        assert_eq!(probes.len(), 6);
    }
}
