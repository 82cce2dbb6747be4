//! Test Connectivity and Collect Now: real calls to the simulated Duo, signed with the entered keys.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Map, Value, json};

use super::super::message::RawRequest;
use super::super::state::Account;
use super::integration::{Integration, Outcome};
use super::{people, system_logs};
use crate::duo::sign::{Scheme, Signable, authorization, canonical_params, signature};
use crate::secret::Secret;

/// The simulated Identity Intelligence calls from this documentation address, so that a network restriction blocks it like
/// the real one, whose addresses are not published.
const CALLER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 77));
/// How far back logs are collected, in seconds.
const LOG_PERIOD: i64 = 30 * 86_400;
/// The age in seconds after which a collection is repeated.
const HOURLY: i64 = 3600;

/// One pair of keys of an integration.
struct Keys<'a> {
    host: &'a str,
    ikey: &'a str,
    skey: &'a str,
}

/// Why Duo did not answer with data.
struct Refused {
    status: u16,
    text: String,
}

impl Keys<'_> {
    fn get(
        &self,
        account: &mut Account,
        now: i64,
        path: &str,
        params: &[(&str, String)],
    ) -> Result<Value, Refused> {
        let params: Vec<(String, String)> =
            params.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.send(account, now, "GET", path, &params, b"")
    }

    fn send(
        &self,
        account: &mut Account,
        now: i64,
        method: &str,
        path: &str,
        params: &[(String, String)],
        body: &[u8],
    ) -> Result<Value, Refused> {
        let time = Timestamp::from_second(now + account.faults.skew()).unwrap_or(Timestamp::UNIX_EPOCH);
        let date = DateTimePrinter::new().timestamp_to_string(&time).unwrap_or_default();
        let host = self.host.to_ascii_lowercase();
        let signable = Signable { date: &date, method, host: &host, path, params, body, duo_headers: &[] };
        let signature = signature(Scheme::V5, &Secret::new(self.skey), &signable);
        let target =
            if params.is_empty() { path.to_owned() } else { format!("{path}?{}", canonical_params(params)) };
        let headers = vec![
            ("Host".to_owned(), host.clone()),
            ("Date".to_owned(), date.clone()),
            ("Authorization".to_owned(), authorization(self.ikey, &signature)),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ];
        let request = RawRequest { peer: CALLER, ..RawRequest::new(method, &target, headers, body.to_vec()) };
        let appearing = account.caller_address.take();
        let reply = account.duo(&request, now);
        account.caller_address = appearing;
        let envelope: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        if reply.status == 200 {
            return Ok(envelope);
        }
        let text = |key: &str| {
            envelope.get(key).map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
        };
        let detail = text("message_detail").map(|detail| format!(" ({detail})")).unwrap_or_default();
        Err(Refused {
            status: reply.status,
            text: format!(
                "{} {}{detail}",
                text("code").unwrap_or_default(),
                text("message").unwrap_or_default()
            ),
        })
    }

    /// Every row of a paged list.
    fn list(&self, account: &mut Account, now: i64, path: &str) -> Result<Vec<Value>, Refused> {
        let mut rows = Vec::new();
        loop {
            let page = [("limit", "300".to_owned()), ("offset", rows.len().to_string())];
            let envelope = self.get(account, now, path, &page)?;
            let more = envelope.get("response").and_then(Value::as_array).cloned().unwrap_or_default();
            let last =
                envelope.pointer("/metadata/next_offset").is_none_or(Value::is_null) || more.is_empty();
            rows.extend(more);
            if last {
                return Ok(rows);
            }
        }
    }
}

impl Integration {
    fn admin_keys(&self) -> Keys<'_> {
        Keys { host: &self.api_hostname, ikey: &self.integration_key, skey: &self.secret_key }
    }

    fn auth_keys(&self) -> Keys<'_> {
        Keys { host: &self.api_hostname, ikey: &self.auth_integration_key, skey: &self.auth_secret_key }
    }

    /// Tests the keys and what they may read.
    pub(super) fn test(&mut self, account: &mut Account, now: i64) -> io::Result<()> {
        let (lines, errors) = self.try_everything(account, now);
        let status = if errors.is_empty() { "SUCCESS" } else { "FAILURE" };
        let error = (!errors.is_empty()).then(|| errors.join("; "));
        let detail = error.clone().unwrap_or_else(|| lines.join("; "));
        system_logs::note(
            account,
            now,
            &self.display_name,
            "Test Connectivity (Admin Triggered)",
            status,
            &detail,
        )?;
        self.test = Some(Outcome { status: status.to_owned(), date: now, error, lines });
        self.save(account)
    }

    fn try_everything(&self, account: &mut Account, now: i64) -> (Vec<String>, Vec<String>) {
        let (mut lines, mut errors) = (Vec::new(), Vec::new());
        let keys = self.admin_keys();
        let one = [("limit", "1".to_owned())];
        let users = keys.get(account, now, "/admin/v1/users", &one);
        let refused = users.as_ref().err().is_some_and(|refused| refused.status == 401);
        note(&mut lines, &mut errors, "users and devices (Grant read resource)", users);
        if refused {
            // The other calls with this key would only fail the same way.
            return (lines, errors);
        }
        let period = [
            ("mintime", ((now - 86_400) * 1000).to_string()),
            ("maxtime", (now * 1000).to_string()),
            ("limit", "1".to_owned()),
        ];
        let log = keys.get(account, now, "/admin/v2/logs/authentication", &period);
        note(&mut lines, &mut errors, "event log (Grant read log)", log);
        if self.endpoints {
            let endpoints = keys.get(account, now, "/admin/v1/endpoints", &one);
            note(&mut lines, &mut errors, "endpoints", endpoints);
        }
        // Without a username no user is created: 400 means that it would be allowed.
        let write = keys.send(account, now, "POST", "/admin/v1/users", &[], b"{}");
        lines.push(match write {
            Err(refused) if refused.status == 403 => {
                "remediation actions: not available, the key may only read".to_owned()
            }
            Ok(_) | Err(_) => "remediation actions: available (Grant write resource)".to_owned(),
        });
        if self.push {
            let check = self.auth_keys().get(account, now, "/auth/v2/check", &[]);
            note(&mut lines, &mut errors, "push verification (Auth API)", check);
        }
        (lines, errors)
    }

    /// Collects now.
    pub(super) fn collect(&mut self, account: &mut Account, now: i64, asked: bool) -> io::Result<()> {
        let event = if asked { "Collection (Admin Triggered)" } else { "Collection (hourly)" };
        let keys = self.admin_keys();
        let outcome = match keys.list(account, now, "/admin/v1/users") {
            Err(refused) => {
                let error = Some(format!("users: {}", refused.text));
                Outcome { status: "FAILURE".to_owned(), date: now, error, lines: Vec::new() }
            }
            Ok(users) => self.collect_rest(account, now, users)?,
        };
        let mut detail = outcome.lines.join("; ");
        if let Some(error) = &outcome.error {
            detail = if detail.is_empty() { error.clone() } else { format!("{detail}; {error}") };
        }
        system_logs::note(account, now, &self.display_name, event, &outcome.status, &detail)?;
        self.collection = Some(outcome);
        self.save(account)
    }

    fn collect_rest(&self, account: &mut Account, now: i64, users: Vec<Value>) -> io::Result<Outcome> {
        let keys = self.admin_keys();
        let (mut lines, mut errors) = (vec![format!("{} users", users.len())], Vec::new());
        let mut take = |what: &str, found: Result<Vec<Value>, Refused>| match found {
            Ok(rows) => {
                lines.push(format!("{} {what}", rows.len()));
                rows
            }
            Err(refused) => {
                errors.push(format!("{what}: {}", refused.text));
                Vec::new()
            }
        };
        take("groups", keys.list(account, now, "/admin/v1/groups"));
        let phones = take("phones", keys.list(account, now, "/admin/v1/phones"));
        let endpoints = if self.endpoints {
            take("endpoints", keys.list(account, now, "/admin/v1/endpoints"))
        } else {
            Vec::new()
        };
        let period = [
            ("mintime", ((now - LOG_PERIOD) * 1000).to_string()),
            ("maxtime", (now * 1000).to_string()),
            ("limit", "1000".to_owned()),
        ];
        let log = keys.get(account, now, "/admin/v2/logs/authentication", &period).map(|envelope| {
            envelope.pointer("/response/authlogs").and_then(Value::as_array).cloned().unwrap_or_default()
        });
        let log = take("authentication events", log);
        people::replace(account, self.short(), now, &people::Collected { users, phones, endpoints, log })?;
        let status = if errors.is_empty() { "SUCCESS" } else { "PARTIAL_SUCCESS" };
        let error = (!errors.is_empty()).then(|| errors.join("; "));
        Ok(Outcome { status: status.to_owned(), date: now, error, lines })
    }
}

fn note(lines: &mut Vec<String>, errors: &mut Vec<String>, what: &str, result: Result<Value, Refused>) {
    match result {
        Ok(_) => lines.push(format!("{what}: readable")),
        Err(refused) => {
            errors.push(format!("{what}: {}", refused.text));
        }
    }
}

/// Repeats a collection that is older than an hour, as the real service does.
pub(super) fn hourly(account: &mut Account, now: i64) -> io::Result<()> {
    for mut integration in Integration::all(account) {
        let due = integration.collection.as_ref().is_some_and(|outcome| now - outcome.date >= HOURLY);
        if due {
            integration.collect(account, now, false)?;
        }
    }
    Ok(())
}

/// The status of every integration, as the public API of September 2024 shows it.
pub(super) fn statuses(account: &Account) -> Vec<Value> {
    let status = |integration: Integration| {
        let outcome = integration.collection.or(integration.test);
        let at = |outcome: &Outcome| people::date_time(outcome.date);
        Value::Object(Map::from_iter([
            ("integrationId".to_owned(), json!(integration.id)),
            ("integrationName".to_owned(), json!(integration.display_name)),
            ("status".to_owned(), json!(outcome.as_ref().map_or("NONE", |outcome| outcome.status.as_str()))),
            ("date".to_owned(), json!(outcome.as_ref().map_or_else(|| people::date_time(0), at))),
            ("error".to_owned(), json!(outcome.and_then(|outcome| outcome.error))),
        ]))
    };
    Integration::all(account).into_iter().map(status).collect()
}
