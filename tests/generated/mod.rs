//! Files generated from tables in the code and committed: the JSON Schema, the references, and tables inside hand-written
//! pages. Each must match the tables.

mod checks;
mod cli;
mod dependencies;
mod explain;
mod names;
mod operator;
mod policies;
mod risks;
mod sandbox;
mod types;
mod yaml;

use std::fs;
use std::path::Path;

use duoctl::config::schema::config_schema_text;
use duoctl::output::document::{report_schema, schema};

/// Follows the heading of a fully generated page: a page begins with its title.
const NOTICE: &str = "<!-- Generated from the code by tests/generated; do not edit. -->";

/// Compares a file with its expected content, or writes it if the environment requests that.
fn compare(path: &str, wanted: &str) {
    if std::env::var_os("DUOCTL_REGENERATE").is_some() {
        fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
        fs::write(path, wanted).unwrap();
    }
    // A checkout may have changed the line endings.
    let committed = fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
    if committed == wanted {
        return;
    }
    let pairs = committed.lines().zip(wanted.lines()).enumerate();
    let first = pairs
        .filter(|(_, (is, should))| is != should)
        .map(|(line, (is, should))| format!("line {} is\n  {is}\nand should be\n  {should}", line + 1));
    let first = first.take(1).next().unwrap_or_else(|| "one of the two is longer".to_owned());
    panic!(
        "{path} is not what the code says: {first}\nrun DUOCTL_REGENERATE=1 cargo test --test docs generated"
    );
}

/// Compares the generated parts of a hand-written page: the text between `<!-- generated: NAME -->` and `<!-- end -->`.
pub(crate) fn compare_parts(path: &str, parts: &[(&str, String)]) {
    let mut page = fs::read_to_string(path).unwrap().replace("\r\n", "\n");
    for (name, text) in parts {
        let open = format!("<!-- generated: {name} -->\n");
        let (before, rest) = page.split_once(&open).unwrap_or_else(|| panic!("{path} has no part {name}"));
        let (_, after) =
            rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{path}: {name} has no end"));
        page = format!("{before}{open}\n{text}\n<!-- end -->{after}");
    }
    compare(path, &page);
}

/// A table row; characters that would end a cell are escaped.
pub(crate) fn row<const N: usize>(cells: [&str; N]) -> String {
    let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
    format!("| {} |\n", cells.join(" | "))
}

#[test]
fn the_json_schema_is_what_the_tables_say() {
    compare("schemas/duoctl.schema.json", &config_schema_text());
}

#[test]
fn the_yaml_reference_is_what_the_tables_say() {
    compare("docs/reference/yaml.md", &yaml::page());
}

#[test]
fn the_list_of_types_is_what_the_tables_say() {
    compare("docs/reference/types.md", &types::page());
}

#[test]
fn the_command_line_reference_is_what_the_arguments_say() {
    compare("docs/reference/cli.md", &cli::page());
}

#[test]
fn the_page_about_the_sandbox_has_every_fault_switch_and_key() {
    let parts = [
        ("keys", sandbox::keys()),
        ("faults", sandbox::faults()),
        ("switches", sandbox::switches()),
        ("unsimulated", sandbox::unsimulated()),
    ];
    compare_parts("docs/reference/sandbox.md", &parts);
}

#[test]
fn the_page_about_troubles_says_what_duoctl_says() {
    let parts = [("refused", explain::refused()), ("unreachable", explain::unreachable())];
    compare_parts("docs/how-to/troubleshooting.md", &parts);
}

#[test]
fn the_page_about_risks_has_every_field_and_every_transition() {
    compare_parts("docs/reference/risks.md", &[("fields", risks::table())]);
}

#[test]
fn the_page_about_policies_has_every_field_and_what_it_risks() {
    compare_parts("docs/reference/policies.md", &[("fields", policies::table())]);
}

#[test]
fn the_page_about_checks_is_what_the_table_says() {
    compare_parts("docs/reference/checks.md", &[("types", checks::table())]);
}

#[test]
fn the_schemas_of_documents_are_what_the_types_say() {
    compare("schemas/plan.schema.json", &schema::text(&schema::plan_schema()));
    compare("schemas/report.schema.json", &schema::text(&report_schema()));
}

#[test]
fn the_page_about_the_operator_says_what_the_simulator_refuses() {
    compare_parts("docs/how-to/recovery-key.md", &[("permissions", operator::permissions())]);
}

#[test]
fn the_page_about_exit_codes_has_every_code() {
    compare_parts("docs/reference/exit-codes.md", &[("exits", names::exits())]);
}

#[test]
fn the_page_about_printed_names_explains_each() {
    compare("docs/reference/diagnostics.md", &names::page());
}
