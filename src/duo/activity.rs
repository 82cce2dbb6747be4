//! The activity log: who did what to an application, when, and from where (duo-api.md, section 2.4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::{ApiCall, Budget, Transport};
use super::error::DuoError;

/// Records of one page.
const PAGE: &str = "1000";

/// An action that the activity log holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Activity {
    /// When, as Duo writes it.
    pub when: String,
    /// The administrator, or the name of the key.
    pub who: String,
    /// The key of the administrator or of the application that acted.
    pub actor: String,
    /// The address it came from, where Duo knows it.
    pub from: Option<String>,
    /// What was done, e.g. `integration_update`.
    pub action: String,
    /// The integration key of what it was done to.
    pub target: String,
    /// The name of what it was done to, at that time.
    pub target_name: String,
}

/// Activities of a period, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activities {
    /// The actions on applications.
    pub items: Vec<Activity>,
    /// Whether the whole period was read, or as much of it as was needed, and not only as many pages as were allowed.
    pub complete: bool,
}

/// Reads the actions on applications between two times in milliseconds, at most `pages` pages.
pub async fn activities(
    transport: &impl Transport,
    from: i64,
    until: i64,
    pages: usize,
) -> Result<Activities, DuoError> {
    activities_until(transport, from, until, pages, |_| false).await
}

/// The same, until what was read is enough: the budget of the log is far smaller than that of other calls.
pub async fn activities_until(
    transport: &impl Transport,
    from: i64,
    until: i64,
    pages: usize,
    enough: impl Fn(&[Activity]) -> bool,
) -> Result<Activities, DuoError> {
    let (from, until) = (from.to_string(), until.to_string());
    let mut activities = Activities::default();
    let mut next: Option<String> = None;
    for _ in 0..pages {
        let mut query = vec![
            ("mintime", from.as_str()),
            ("maxtime", until.as_str()),
            ("limit", PAGE),
            ("sort", "ts:desc"),
        ];
        if let Some(next) = &next {
            query.push(("next_offset", next));
        }
        let call = ApiCall::get("/admin/v2/logs/activity", &query).budget(Budget::Log);
        let reply = transport.send(&call).await?.response;
        let items = reply.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        activities.items.extend(items.iter().filter_map(decode));
        let following = reply.pointer("/metadata/next_offset").and_then(cursor);
        match following {
            _ if enough(&activities.items) => {
                activities.complete = true;
                break;
            }
            None => {
                activities.complete = true;
                break;
            }
            // A cursor that stays where it is would be followed for ever.
            Some(following) if next.as_ref() == Some(&following) => break,
            following => next = following,
        }
    }
    Ok(activities)
}

/// `[MILLISECONDS, ID]`, or a text.
pub(super) fn cursor(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let text = |part: &Value| part.as_str().map_or_else(|| part.to_string(), str::to_owned);
            Some(parts.iter().map(text).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn decode(record: &Value) -> Option<Activity> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    // The action is a text, or an object with a name.
    let action = text("/action").or_else(|| text("/action/name"))?;
    if !action.starts_with("integration_") && text("/target/type").as_deref() != Some("integration") {
        return None;
    }
    Some(Activity {
        when: text("/ts").unwrap_or_default(),
        who: text("/actor/name").filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned()),
        actor: text("/actor/key").unwrap_or_default(),
        from: text("/access_device/ip/address").or_else(|| text("/access_device/ip")),
        action,
        target: text("/target/key").unwrap_or_default(),
        target_name: text("/target/name").unwrap_or_default(),
    })
}
