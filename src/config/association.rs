//! Which schema VS Code uses for our files, said in its `settings.json`: JSON with comments, which are kept.
//!
//! The new text is proven before it is handed out: without its comments it must hold what it held, and the association.

use serde_json::{Map, Value, json};
use thiserror::Error;

/// The setting of VS Code's extension for YAML.
const SETTING: &str = "yaml.schemas";

/// Which files are ours.
const GLOBS: [&str; 2] = ["**/duo.yaml", "**/*.duo.yaml"];

/// Why settings were left as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unassociated {
    /// They are no JSON object, with or without comments.
    #[error("it is not an object in JSON, with or without comments; mend it, or add the setting by hand")]
    NoObject,
    /// The schema is there for other files.
    #[error("it has the schema for other files already; add \"**/duo.yaml\" and \"**/*.duo.yaml\" there")]
    OtherFiles,
    /// The new text would not say what is meant.
    #[error("it is written in a way that cannot be edited safely; add the setting by hand")]
    Unsafe,
}

/// The setting as a line to add by hand.
pub fn line(schema: &str) -> String {
    format!("\"{SETTING}\": {{{}}}", entry(schema))
}

fn entry(schema: &str) -> String {
    format!("\"./{schema}\": {}", json!(GLOBS)).replace("\",\"", "\", \"")
}

/// Whether a text is a schema that duoctl wrote, of any version.
pub fn is_our_schema(text: &str) -> bool {
    let schema: Option<Value> = serde_json::from_str(text).ok();
    let id = schema.as_ref().and_then(|schema| schema.get("$id")).and_then(Value::as_str);
    id.is_some_and(|id| id.starts_with("urn:duoctl:schema:config:"))
}

/// Settings with the association of a schema that lies at the root of the folder. `None` where they have it already; an
/// empty text is a file that is not there yet.
pub fn associate(text: &str, schema: &str) -> Result<Option<String>, Unassociated> {
    if text.trim().is_empty() {
        return Ok(Some(format!("{{\n  \"{SETTING}\": {{\n    {}\n  }}\n}}\n", entry(schema))));
    }
    let before = plain(text).ok_or(Unassociated::NoObject)?;
    let key = format!("./{schema}");
    let intended = match intend(&before, &key)? {
        Some(intended) => intended,
        None => return Ok(None),
    };
    let root = text.find('{').and_then(|_| object(text, skip(text, byte_order_mark(text))));
    let root = root.ok_or(Unassociated::Unsafe)?;
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let edited = match root.members.iter().find(|member| member.key == SETTING) {
        Some(member) => {
            let nested = object(text, member.value).ok_or(Unassociated::Unsafe)?;
            insert(text, &nested, newline, |_| entry(schema))
        }
        None => insert(text, &root, newline, |indent| {
            format!("\"{SETTING}\": {{{newline}{indent}  {}{newline}{indent}}}", entry(schema))
        }),
    };
    let edited = edited.ok_or(Unassociated::Unsafe)?;
    if plain(&edited).as_ref() == Some(&intended) { Ok(Some(edited)) } else { Err(Unassociated::Unsafe) }
}

fn intend(before: &Value, key: &str) -> Result<Option<Value>, Unassociated> {
    let mut intended = before.clone();
    let Value::Object(settings) = &mut intended else { return Err(Unassociated::NoObject) };
    let schemas = settings.entry(SETTING).or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(schemas) = schemas else { return Err(Unassociated::Unsafe) };
    let Some(globs) = schemas.get(key) else {
        schemas.insert(key.to_owned(), json!(GLOBS));
        return Ok(Some(intended));
    };
    let has = |glob: &&str| match globs {
        Value::String(one) => one == *glob,
        Value::Array(several) => several.iter().any(|one| one == *glob),
        _ => false,
    };
    if GLOBS.iter().all(has) { Ok(None) } else { Err(Unassociated::OtherFiles) }
}

/// A member of an object: its key, where its value begins and ends.
struct Member {
    key: String,
    start: usize,
    value: usize,
    end: usize,
}

struct Object {
    open: usize,
    close: usize,
    members: Vec<Member>,
    /// Whether a comma stands behind the last member.
    comma: bool,
}

fn byte_order_mark(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

/// Adds a member behind the last one, or as the first.
fn insert(text: &str, object: &Object, newline: &str, member: impl Fn(&str) -> String) -> Option<String> {
    let inside = text.get(object.open + 1..object.close)?;
    let several = inside.contains('\n');
    let base = indent(text, object.open);
    let deeper = format!("{base}  ");
    match object.members.last() {
        None => {
            let (before, rest) = text.split_at_checked(object.open + 1)?;
            let end = if several { String::new() } else { format!("{newline}{base}") };
            let rest = if several { rest } else { rest.get(inside.len()..)? };
            let kept = if several { "" } else { inside.trim_end() };
            Some(format!("{before}{newline}{deeper}{}{kept}{end}{rest}", member(&deeper)))
        }
        Some(last) => {
            let end = object.open + 1 + inside.trim_end().len();
            let comma = if object.comma { "" } else { "," };
            let between = text.get(last.end..end)?;
            let first = text.get(line_start(text, last.start)..last.start)?.trim().is_empty();
            let indent = if first { indent(text, last.start) } else { deeper };
            let gap = if several { format!("{newline}{indent}") } else { " ".to_owned() };
            let (before, rest) = (text.get(..last.end)?, text.get(end..)?);
            Some(format!("{before}{comma}{between}{gap}{}{rest}", member(&indent)))
        }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// What the line of a place is indented by.
fn indent(text: &str, at: usize) -> String {
    let line = text.get(line_start(text, at)..at).unwrap_or_default().trim_start_matches('\u{feff}');
    line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
}

/// Reads the object that begins at a place.
fn object(text: &str, open: usize) -> Option<Object> {
    let mut at = text.get(open..)?.strip_prefix('{').map(|_| open + 1)?;
    let mut members = Vec::new();
    let mut comma = false;
    loop {
        at = skip(text, at);
        let rest = text.get(at..)?;
        if rest.starts_with('}') {
            return Some(Object { open, close: at, members, comma });
        }
        let end = value_end(text, at)?;
        let key = serde_json::from_str(text.get(at..end)?).ok()?;
        let colon = skip(text, end);
        text.get(colon..)?.strip_prefix(':')?;
        let value = skip(text, colon + 1);
        let end = value_end(text, value)?;
        members.push(Member { key, start: at, value, end });
        at = skip(text, end);
        comma = text.get(at..)?.starts_with(',');
        at += usize::from(comma);
    }
}

/// The end of the value that begins at a place.
fn value_end(text: &str, start: usize) -> Option<usize> {
    let mut at = start;
    let mut depth = 0_usize;
    loop {
        let rest = text.get(at..)?;
        let c = rest.chars().next()?;
        at += match c {
            '"' => string_length(rest)?,
            '{' | '[' => {
                depth += 1;
                1
            }
            '}' | ']' => {
                depth = depth.checked_sub(1)?;
                1
            }
            '/' => skip(text, at).checked_sub(at).filter(|length| *length > 0)?,
            c => c.len_utf8(),
        };
        let next = text.get(at..)?.chars().next();
        let ends =
            next.is_none_or(|next| next.is_whitespace() || matches!(next, ',' | ':' | '}' | ']' | '/'));
        if depth == 0 && (ends || matches!(c, '"' | '}' | ']')) {
            return Some(at);
        }
    }
}

fn string_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (offset, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

/// Behind white space and comments.
fn skip(text: &str, start: usize) -> usize {
    let mut at = start;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start().len();
        let rest = rest.get(blank..).unwrap_or_default();
        let comment = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            return at + blank;
        };
        at += blank + comment;
    }
}

/// What JSON with comments and commas behind last members says.
fn plain(text: &str) -> Option<Value> {
    let mut stripped = String::with_capacity(text.len());
    let mut at = byte_order_mark(text);
    while at < text.len() {
        let next = skip(text, at);
        if next > at {
            stripped.push(' ');
            at = next;
            continue;
        }
        let rest = text.get(at..)?;
        let c = rest.chars().next()?;
        let length = if c == '"' { string_length(rest)? } else { c.len_utf8() };
        let closes = text.get(skip(text, at + length)..).is_some_and(|after| after.starts_with(['}', ']']));
        if c != ',' || !closes {
            stripped.push_str(rest.get(..length)?);
        }
        at += length;
    }
    serde_json::from_str(&stripped).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "\"./s.json\": [\"**/duo.yaml\", \"**/*.duo.yaml\"]";

    #[track_caller]
    fn becomes(before: &str, after: &str) {
        let after = after.replace("ENTRY", ENTRY);
        assert_eq!(associate(before, "s.json"), Ok(Some(after.clone())));
        assert_eq!(associate(&after, "s.json"), Ok(None), "it is there now");
    }

    #[test]
    fn the_association_is_added_and_everything_else_is_kept() {
        becomes("", "{\n  \"yaml.schemas\": {\n    ENTRY\n  }\n}\n");
        becomes("{}\n", "{\n  \"yaml.schemas\": {\n    ENTRY\n  }\n}\n");
        becomes("{ // mine\n}\n", "{\n  \"yaml.schemas\": {\n    ENTRY\n  } // mine\n}\n");
        becomes(
            "// top\n{\n    \"a\": 1, // one\n    /* two */ \"b\": \"}//\", // last\n    // end\n}\n",
            "// top\n{\n    \"a\": 1, // one\n    /* two */ \"b\": \"}//\", // last\n    // end\n      \"yaml.schemas\": {\n        ENTRY\n      }\n}\n"
                .replace("      \"yaml", "  \"yaml").replace("        ENTRY\n      }", "    ENTRY\n  }").as_str(),
        );
        becomes(
            "{\n\t\"a\": [1, 2] // last\n}\n",
            "{\n\t\"a\": [1, 2], // last\n\t\"yaml.schemas\": {\n\t  ENTRY\n\t}\n}\n",
        );
        becomes("{\"a\": 1}", "{\"a\": 1, \"yaml.schemas\": {\n    ENTRY\n  }}");
        becomes(
            "{\n  \"yaml.schemas\": {\n    \"x\": \"*.yml\",\n  },\n  \"b\": {},\n}\n",
            "{\n  \"yaml.schemas\": {\n    \"x\": \"*.yml\",\n    ENTRY\n  },\n  \"b\": {},\n}\n",
        );
        becomes("{\"yaml.schemas\": {}}\n", "{\"yaml.schemas\": {\n  ENTRY\n}}\n");
        becomes(
            "\u{feff}{\r\n  \"a\": 1\r\n}\r\n",
            "\u{feff}{\r\n  \"a\": 1,\r\n  \"yaml.schemas\": {\r\n    ENTRY\r\n  }\r\n}\r\n",
        );
    }

    #[test]
    fn what_cannot_be_edited_is_left_alone() {
        for text in ["[]", "{", "{\"a\": 1,, }", "nonsense", "{\"a\": \"x}"] {
            assert_eq!(associate(text, "s.json"), Err(Unassociated::NoObject), "{text}");
        }
        assert_eq!(associate("{\"yaml.schemas\": []}", "s.json"), Err(Unassociated::Unsafe));
        let other = "{\"yaml.schemas\": {\"./s.json\": \"other.yaml\"}}";
        assert_eq!(associate(other, "s.json"), Err(Unassociated::OtherFiles));
        assert_eq!(line("s.json"), format!("\"yaml.schemas\": {{{ENTRY}}}"));
    }

    #[test]
    fn our_own_schema_is_known_by_its_name() {
        assert!(is_our_schema(&super::super::schema::config_schema_text()));
        assert!(!is_our_schema("{\"$id\": \"urn:other\"}") && !is_our_schema("text"));
    }
}
