//! The activity log: who changed an application, when, and from where (duo-api.md, section 2.4).

use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::Transport;
use super::error::DuoError;
use super::logs::{ACTIVITIES, End, Part, moment, walk};

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

impl Activity {
    /// The time to the second, if it can be parsed.
    pub fn moment(&self) -> String {
        self.when.parse().map_or_else(|_| self.when.clone(), moment)
    }
}

/// Activities in a period, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activities {
    /// The actions on applications.
    pub items: Vec<Activity>,
    /// Whether the whole period was read, or enough of it, instead of stopping at the page limit.
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

/// The same, but stops when enough was read: the budget for logs is much smaller than that for other calls.
pub async fn activities_until(
    transport: &impl Transport,
    from: i64,
    until: i64,
    pages: usize,
    enough: impl Fn(&[Activity]) -> bool,
) -> Result<Activities, DuoError> {
    let mut items = Vec::new();
    let end = walk(transport, ACTIVITIES, Part { from, until, filters: &[], pages }, |rows| {
        items.extend(rows.iter().filter_map(decode));
        if enough(&items) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let complete = end.await? == End::Read;
    Ok(Activities { items, complete })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_action_is_a_text_or_an_object() {
        let record = |action: Value| json!({"action": action, "ts": "2026-11-26T20:21:22.591015+00:00", "target": {"key": "DIA"}});
        for action in [json!("integration_update"), json!({"details": null, "name": "integration_update"})] {
            let activity = decode(&record(action)).unwrap();
            assert_eq!((activity.action.as_str(), activity.target.as_str()), ("integration_update", "DIA"));
            assert_eq!(activity.moment(), "2026-11-26T20:21:22Z");
        }
        for action in [json!(null), json!({}), json!({"name": 7}), json!("user_update")] {
            assert_eq!(decode(&record(action)), None);
        }
    }
}
