//! The document of `list`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::reconcile::age::KeyAge;
use crate::reconcile::listing::Listed;
use crate::text::counted;

use super::{FORMAT_VERSION, Kind};

/// The outcome of `list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `list`.
    #[schemars(with = "String", extend("const" = "list"))]
    pub kind: Kind,
    /// The workspace.
    pub workspace: String,
    /// The account's API hostname.
    pub api_hostname: String,
    /// From when on the logs were read; what was used before it shows no use. Null if they cannot be read.
    pub uses_since: Option<String>,
    /// The objects.
    pub objects: Vec<Listed>,
}

/// The columns of tables, in their order.
pub(crate) const COLUMNS: [&str; 9] =
    ["address", "kind", "type", "name", "access", "policy", "key_age", "last_use", "state"];

impl ListDocument {
    /// Of these objects of a workspace.
    pub fn new(workspace: &str, host: &str, uses_since: Option<String>, objects: Vec<Listed>) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::List,
            workspace: workspace.to_owned(),
            api_hostname: host.to_owned(),
            uses_since,
            objects,
        }
    }

    /// How many objects there are, by their state.
    pub fn last_line(&self) -> String {
        let mut states = BTreeMap::new();
        self.objects.iter().for_each(|listed| *states.entry(listed.state).or_insert(0_usize) += 1);
        let states: Vec<String> =
            states.iter().map(|(state, count)| format!("{count} {}", state.word())).collect();
        let objects = counted(self.objects.len(), "object", "objects");
        if states.is_empty() { format!("{objects}.") } else { format!("{objects}: {}.", states.join(", ")) }
    }
}

/// One object by the columns of [`COLUMNS`], for programs: days and times in full.
pub(crate) fn row(listed: &Listed) -> [String; 9] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        listed.address.as_ref().map(ToString::to_string).unwrap_or_default(),
        listed.kind.clone(),
        listed.variant.clone(),
        listed.name.clone(),
        text(&listed.access),
        text(&listed.policy),
        listed.key_age_days.map(|days| days.to_string()).unwrap_or_default(),
        listed.last_use.map(|at| at.to_string()).unwrap_or_default(),
        listed.state.word().to_owned(),
    ]
}

/// The same for people: `12d`, and the day of the last use.
pub(crate) fn short_row(listed: &Listed) -> [String; 9] {
    let mut row = row(listed);
    let [.., age, last_use, _] = &mut row;
    *age = match &listed.key_age {
        Some(KeyAge::Since { .. }) => format!("{age}d"),
        Some(KeyAge::Before { .. } | KeyAge::Unknown { .. }) | None => String::new(),
    };
    *last_use = last_use.split('T').next().unwrap_or_default().to_owned();
    row.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell })
}
