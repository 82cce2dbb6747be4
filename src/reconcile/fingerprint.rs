//! Hashes that bind a plan to what it was made from.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::duo::object::{Ikey, Kind, Object, ObjectId};
use crate::duo::sign::hex;

/// What a saved plan was made from. Each part is compared on its own, so that a refusal can name what changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fingerprint {
    /// The version of duoctl.
    pub tool_version: String,
    /// The API hostname.
    pub host: String,
    /// A hash of the YAML.
    pub yaml: String,
    /// A hash of the set of live integration keys.
    pub ikeys: String,
    /// A hash of each live application that the plan touches, by integration key.
    pub objects: BTreeMap<String, String>,
    /// A hash of each other object that the plan changes or relies on, such as a policy, by id.
    #[serde(default)]
    pub others: BTreeMap<String, String>,
    /// A hash of every step: the same inputs must still produce the same plan.
    pub steps: String,
}

impl Fingerprint {
    /// Binds a plan to its inputs. `touched` are the snapshots of the live applications that the steps were planned for.
    ///
    /// # Errors
    ///
    /// If a step cannot be serialized: without a hash of every step, two plans could not be told apart.
    pub(super) fn new<'a, S: Serialize>(
        host: &str,
        yaml: &str,
        lives: impl Iterator<Item = &'a Object>,
        touched: impl Iterator<Item = (&'a ObjectId, &'a String)>,
        steps: &[S],
        now: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        let texts_of = |(id, state): (&ObjectId, &String)| (id.to_string(), state.clone());
        let (objects, others): (Vec<_>, Vec<_>) = touched.partition(|(id, _)| id.kind == Kind::Application);
        // Markers contain the time of the run, but a plan that is applied later is the same plan.
        let text = |step: &S| Ok(serde_json::to_string(step)?.replace(&now.to_string(), "now"));
        let texts: Vec<String> = steps.iter().map(text).collect::<Result<_, serde_json::Error>>()?;
        Ok(Self {
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            host: host.to_owned(),
            yaml: yaml.to_owned(),
            ikeys: ikeys(lives.filter(|live| live.kind == Kind::Application).map(|live| &live.id)),
            objects: objects.into_iter().map(texts_of).collect(),
            others: others.into_iter().map(texts_of).collect(),
            steps: hash(texts.iter().map(String::as_str)),
        })
    }

    /// What changed between `self` and now; empty if nothing did.
    pub fn moved(&self, now: &Self) -> Vec<String> {
        let mut moved = Vec::new();
        if self.tool_version != now.tool_version {
            moved.push(format!(
                "this is duoctl {}, the plan was made by duoctl {}",
                now.tool_version, self.tool_version
            ));
        }
        if self.host != now.host {
            moved.push(format!("the tenant is now {}, the plan is for {}", now.host, self.host));
        }
        if self.yaml != now.yaml {
            moved.push("the YAML changed".to_owned());
        }
        let ikeys: BTreeSet<&String> = self.objects.keys().chain(now.objects.keys()).collect();
        for ikey in ikeys {
            match (self.objects.get(ikey), now.objects.get(ikey)) {
                (Some(then), Some(now)) if then == now => {}
                (Some(_), Some(_)) => moved.push(format!("application {ikey} changed in Duo")),
                (Some(_), None) => moved.push(format!("application {ikey} no longer needs a change")),
                (None, _) => moved.push(format!("application {ikey} needs a change that is not in the plan")),
            }
        }
        for (id, then) in &self.others {
            if now.others.get(id).is_some_and(|now| now != then) {
                moved.push(format!("{id} changed in Duo"));
            }
        }
        if self.ikeys != now.ikeys {
            moved.push("applications were added or removed in Duo".to_owned());
        }
        if moved.is_empty() && self.steps != now.steps {
            moved.push("a group, a policy or an option of the plan changed".to_owned());
        }
        moved
    }
}

/// Lower-case hex of the SHA-256 of some parts, each closed by a NUL.
pub fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hex(&hasher.finalize())
}

/// A hash of everything about a live application that a write could depend on. Properties that duoctl does not know are
/// left out: Duo may add one that changes by itself (trap 17).
pub fn snapshot(live: &Object) -> String {
    let mut parts: BTreeMap<&str, String> = BTreeMap::new();
    let fields = live.kind.fields();
    for (key, value) in live.properties() {
        let known = matches!(key.as_str(), "type" | "policy_name" | "sections")
            || fields.iter().any(|field| field.owns(key));
        if known && !value.is_null() {
            parts.insert(key, even(key, value).to_string());
        }
    }
    hash(parts.iter().flat_map(|(key, value)| [*key, value.as_str()]))
}

/// The value without the parts that Duo reorders or generates (traps 1 and 23).
fn even<'v>(key: &str, value: &'v Value) -> Cow<'v, Value> {
    match value {
        Value::Array(items) if key == "groups_allowed" => {
            let mut items = items.clone();
            items.sort_by_cached_key(Value::to_string);
            Cow::Owned(Value::Array(items))
        }
        Value::Object(map) if key == "sso" => {
            let kept = map.iter().filter(|(key, _)| *key != "idp_metadata");
            Cow::Owned(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        other => Cow::Borrowed(other),
    }
}

/// A hash of the set of live integration keys.
fn ikeys<'a>(integrations: impl IntoIterator<Item = &'a Ikey>) -> String {
    let ikeys: BTreeSet<&str> = integrations.into_iter().map(Ikey::as_str).collect();
    hash(ikeys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live(extra: (&str, Value)) -> Object {
        let mut value = json!({"integration_key": "DI1", "type": "radius", "name": "VPN", "groups_allowed": ["DG1", "DG2"],
            "sso": {"idp_metadata": {"cert": "a"}}});
        value[extra.0] = extra.1;
        Object::decode(Kind::Application, value).unwrap()
    }

    #[test]
    fn a_step_that_cannot_be_written_down_is_an_error_and_not_an_empty_text() {
        let hashed = |steps: &[BTreeMap<Vec<u8>, u8>]| {
            Fingerprint::new("h", "y", std::iter::empty(), std::iter::empty(), steps, Timestamp::UNIX_EPOCH)
        };
        assert!(hashed(&[BTreeMap::from([(vec![1], 1)])]).is_err());
        assert_ne!(hashed(&[BTreeMap::new()]).unwrap().steps, hashed(&[]).unwrap().steps);
    }

    #[test]
    fn a_snapshot_ignores_what_duo_shuffles_generates_and_invents() {
        let base = snapshot(&live(("name", json!("VPN"))));
        for same in [
            ("groups_allowed", json!(["DG2", "DG1"])),
            ("brand_new", json!(7)),
            ("sso", json!({"idp_metadata": {"cert": "b"}})),
            ("policy_key", json!(null)),
        ] {
            assert_eq!(snapshot(&live(same)), base);
        }
        for other in [("name", json!("vpn")), ("groups_allowed", json!(["DG1"])), ("adminapi_info", json!(1))]
        {
            assert_ne!(snapshot(&live(other)), base);
        }
    }
}
