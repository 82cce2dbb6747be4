//! Associates duoctl's files with their schema in the `settings.json` of VS Code. That file is JSON with comments, which
//! are kept.
//!
//! The new text is verified before it is returned: without comments, it must equal the old settings plus the association.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstRootNode};
use serde_json::{Value, json};
use thiserror::Error;

use super::format::WIDTH;
use super::schema::ID;

/// The setting of VS Code's YAML extension.
const SETTING: &str = "yaml.schemas";

/// The patterns of duoctl's files.
const GLOBS: [&str; 2] = ["**/duo.yaml", "**/*.duo.yaml"];

/// The settings with which that extension formats YAML as `duoctl fmt` does.
fn formatting() -> [(&'static str, Value); 2] {
    [("yaml.format.bracketSpacing", json!(false)), ("yaml.format.printWidth", json!(WIDTH))]
}

/// Why settings were not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unassociated {
    /// They are not a JSON object, with or without comments.
    #[error("it is not a JSON object, with or without comments; fix it, or add the setting by hand")]
    NoObject,
    /// The schema is already associated with other files.
    #[error("it already uses the schema for other files; add \"**/duo.yaml\" and \"**/*.duo.yaml\" there")]
    OtherFiles,
    /// The new text would not have the intended meaning.
    #[error("it cannot be edited safely; add the setting by hand")]
    Unsafe,
}

/// The settings as a line to add by hand.
pub fn line(schema: &str) -> String {
    let format = formatting().map(|(name, value)| format!(", \"{name}\": {value}")).concat();
    format!("\"{SETTING}\": {{{}}}{format}", entry(schema))
}

fn entry(schema: &str) -> String {
    format!("\"./{schema}\": {}", json!(GLOBS)).replace("\",\"", "\", \"")
}

/// Whether a text is a schema that duoctl wrote, of any version.
pub fn is_our_schema(text: &str) -> bool {
    let schema: Option<Value> = serde_json::from_str(text).ok();
    let id = schema.as_ref().and_then(|schema| schema.get("$id")).and_then(Value::as_str);
    id.is_some_and(|id| id.starts_with(ID))
}

/// Adds the association of a schema at the root of the folder to settings, and the form of YAML unless they say another.
/// `None` if they already have all of it; an empty text means that the file does not exist yet.
pub fn associate(text: &str, schema: &str) -> Result<Option<String>, Unassociated> {
    let body = text.trim_start_matches('\u{feff}');
    let mark = text.strip_suffix(body).unwrap_or_default();
    let read = |text: &str| CstRootNode::parse(text, &ParseOptions::default()).ok();
    let root = read(if body.trim().is_empty() { "{}\n" } else { body }).ok_or(Unassociated::NoObject)?;
    let settings = root.object_value().ok_or(Unassociated::NoObject)?;
    let before = root.to_serde_value().ok_or(Unassociated::NoObject)?;
    let mut intended = before.clone();
    let schemas = settings.object_value_or_create(SETTING).ok_or(Unassociated::Unsafe)?;
    let key = format!("./{schema}");
    let all = intended.as_object_mut().ok_or(Unassociated::NoObject)?;
    let own = all.entry(SETTING).or_insert_with(|| json!({}));
    let own = own.as_object_mut().ok_or(Unassociated::Unsafe)?;
    match own.get(&key) {
        None => {
            schemas.append(&key, CstInputValue::from(GLOBS.to_vec()));
            own.insert(key, json!(GLOBS));
        }
        Some(globs) => {
            let has = |glob: &&str| {
                globs == *glob || globs.as_array().is_some_and(|globs| globs.contains(&json!(glob)))
            };
            if !GLOBS.iter().all(has) {
                return Err(Unassociated::OtherFiles);
            }
        }
    }
    for (name, value) in formatting().into_iter().filter(|(name, _)| settings.get(name).is_none()) {
        let input = match &value {
            Value::Bool(on) => CstInputValue::Bool(*on),
            other => CstInputValue::Number(other.to_string()),
        };
        settings.append(name, input);
        all.insert(name.to_owned(), value);
    }
    if intended == before {
        return Ok(None);
    }
    let edited = root.to_string();
    let proven = read(&edited).and_then(|root| root.to_serde_value()) == Some(intended);
    if proven { Ok(Some(format!("{mark}{edited}"))) } else { Err(Unassociated::Unsafe) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "\"./s.json\": [\"**/duo.yaml\", \"**/*.duo.yaml\"]";
    const FORM: [&str; 2] = ["\"yaml.format.bracketSpacing\": false", "\"yaml.format.printWidth\": 100"];

    #[track_caller]
    fn becomes(before: &str, after: &str) {
        let after = after.replace("ENTRY", ENTRY).replace("SPACING", FORM[0]).replace("WIDTH", FORM[1]);
        assert_eq!(associate(before, "s.json"), Ok(Some(after.clone())));
        assert_eq!(associate(&after, "s.json"), Ok(None), "it is there now");
    }

    #[test]
    fn the_association_is_added_and_everything_else_is_kept() {
        let own = "{\n  \"yaml.schemas\": {\n    ENTRY\n  },\n  SPACING,\n  WIDTH\n}";
        becomes("", &format!("{own}\n"));
        becomes("{}\n", &format!("{own}\n"));
        becomes("{ // mine\n}\n", &format!("{}\n", own.replacen('{', "{ // mine", 1)));
        becomes(
            "// top\n{\n    \"a\": 1, // one\n    /* two */ \"b\": \"}//\", // last\n    // end\n}\n",
            "// top\n{\n    \"a\": 1, // one\n    /* two */ \"b\": \"}//\", // last\n    \"yaml.schemas\": {\n        ENTRY\n    },\n    SPACING,\n    WIDTH,\n    // end\n}\n",
        );
        becomes(
            "{\n\t\"a\": [1, 2] // last\n}\n",
            "{\n\t\"a\": [1, 2], // last\n\t\"yaml.schemas\": {\n\t\tENTRY\n\t},\n\tSPACING,\n\tWIDTH\n}\n",
        );
        becomes("{\"a\": 1}", &own.replacen("{\n", "{\n  \"a\": 1,\n", 1));
        becomes(
            "{\n  \"yaml.schemas\": {\n    \"x\": \"*.yml\",\n  },\n  \"b\": {},\n}\n",
            "{\n  \"yaml.schemas\": {\n    \"x\": \"*.yml\",\n    ENTRY,\n  },\n  \"b\": {},\n  SPACING,\n  WIDTH,\n}\n",
        );
        becomes(
            "{\"yaml.schemas\": {}}\n",
            "{\n  \"yaml.schemas\": {\n    ENTRY\n  },\n  SPACING,\n  WIDTH\n}\n",
        );
        becomes(
            "\u{feff}{\r\n  \"a\": 1\r\n}\r\n",
            &format!("\u{feff}{}\r\n", own.replacen("{\n", "{\n  \"a\": 1,\n", 1).replace('\n', "\r\n")),
        );
    }

    #[test]
    fn another_form_of_yaml_is_kept() {
        let own = "{\n  \"yaml.format.printWidth\": 80\n}\n";
        let after = associate(own, "s.json").unwrap().unwrap();
        assert!(after.contains("\"yaml.format.printWidth\": 80") && !after.contains("100"), "{after}");
        assert!(after.contains(FORM[0]), "{after}");
    }

    #[test]
    fn what_cannot_be_edited_is_left_alone() {
        for text in ["[]", "{", "{\"a\": 1,, }", "nonsense", "{\"a\": \"x}"] {
            assert_eq!(associate(text, "s.json"), Err(Unassociated::NoObject), "{text}");
        }
        for twice in ["[]", "{}", "{\"x\": \"y\"}"] {
            let text = format!("{{\"yaml.schemas\": {{}}, \"yaml.schemas\": {twice}}}");
            assert_eq!(associate(&text, "s.json"), Err(Unassociated::Unsafe), "the editor takes the second");
        }
        assert_eq!(associate("{\"yaml.schemas\": []}", "s.json"), Err(Unassociated::Unsafe));
        let other = "{\"yaml.schemas\": {\"./s.json\": \"other.yaml\"}}";
        assert_eq!(associate(other, "s.json"), Err(Unassociated::OtherFiles));
        assert_eq!(line("s.json"), format!("\"yaml.schemas\": {{{ENTRY}}}, {}", FORM.join(", ")));
    }

    #[test]
    fn our_own_schema_is_known_by_its_name() {
        assert!(is_our_schema(&super::super::schema::config_schema_text()));
        assert!(!is_our_schema("{\"$id\": \"urn:other\"}") && !is_our_schema("text"));
    }
}
