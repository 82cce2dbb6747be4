//! The first file of a workspace, as `duoctl init` writes it.

use super::edit::writing;
use crate::language::shape::TextRule;
use crate::language::texts::WORKSPACE;

/// The start of the line that tells editors the schema, before its path: the form that all editors read, and the one that
/// only `yaml-language-server` reads. It stays the first line.
pub const MODELINES: [&str; 2] = ["# $schema: ", "# yaml-language-server: $schema="];

/// The text of a first `duo.yaml`. `schema` is the target of the modeline: a path relative to the file, or a URL. An
/// invalid workspace name is converted to a valid one.
pub fn initial(workspace: &str, schema: &str) -> String {
    let TextRule { check, .. } = WORKSPACE;
    let name = if check(workspace).is_ok() { workspace.to_owned() } else { workspace_name(workspace) };
    include_str!("template.yaml").replace("@SCHEMA@", schema).replace("@WORKSPACE@", &writing::text(&name))
}

/// The same without an application.
pub fn bare(workspace: &str, schema: &str) -> String {
    let text = initial(workspace, schema).replace(PLAN, "");
    text.split_once(SAMPLE).map_or(text.clone(), |(head, _)| format!("{}\n", head.trim_end()))
}

/// The lines about the plan, which are not needed if the account itself tells it.
const PLAN: &str = "  # With your Duo plan (free, essentials, advantage or premier), duoctl warns about settings that need a larger one.
  # plan: essentials
";

/// The start of the sample application.
const SAMPLE: &str = "# Applications that are not listed here are not managed.";

fn workspace_name(text: &str) -> String {
    let lower = text.to_lowercase();
    let dashed: String =
        lower.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' }).collect();
    let name: String = dashed.trim_matches('-').chars().take(32).collect();
    if name.is_empty() { "my-duo".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load_text;
    use crate::kinds::Kind;

    #[test]
    fn the_first_file_loads_without_a_word() {
        for name in ["acme-prod", "Acme Prod!", "", "日本", &"x".repeat(50), "null", "true", "2026", "1e3"]
        {
            let loaded = load_text("duo.yaml".into(), initial(name, "duoctl.schema.json"));
            assert_eq!(loaded.diagnostics, [], "{name}");
            assert!(loaded.workspace.is_some());
        }
        // YAML 1.1 readers would read it as `false`.
        assert!(initial("no", "x.json").contains("\nworkspace: \"no\"\n"));
        let loaded = load_text("duo.yaml".into(), bare("acme", "x.json"));
        assert!(loaded.diagnostics.is_empty() && loaded.workspace.unwrap().of(Kind::Application).is_empty());
        assert!(initial("acme", "x.json").starts_with("# $schema: x.json\n"));
    }
}
