//! `names.rs` compares names. Other code compares texts without case, in one Unicode form or by similarity only if they are not
//! names, and is listed here with what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;

/// Where texts are folded for another purpose than to compare names.
const FOLDED: &[(&str, &str)] = &[
    ("names.rs", "the functions themselves"),
    ("text.rs", "keys that hold secrets"),
    ("cli/args/standalone.rs", "a hostname"),
    ("cli/graph.rs", "a hostname"),
    ("cli/interview.rs", "an answer to a question"),
    ("config/files.rs", "file names"),
    ("config/model.rs", "Duo's editions"),
    (
        "config/rules/stores.rs",
        "paths on file systems that ignore case; it folds their names by `names.rs` first",
    ),
    ("config/rules/types.rs", "types of applications"),
    ("config/edit/writing.rs", "numbers of YAML"),
    ("config/template.rs", "a folder's name, to make a workspace's of it"),
    ("config/variables.rs", "names of environment variables"),
    ("duo/host.rs", "a hostname"),
    ("duo/https.rs", "a hostname"),
    ("duo/people.rs", "states of users and groups"),
    ("duo/reply.rs", "a header of HTTP"),
    ("duo/sign.rs", "headers, the method and the host of a signed request"),
    ("duo/object.rs", "states of groups"),
    ("import/naming.rs", "addresses, which are made of names"),
    ("import/placement.rs", "file names that Windows reserves"),
    ("import/settings.rs", "words of Duo's API"),
    ("intelligence/api/access.rs", "messages of errors"),
    ("intelligence/api/answers.rs", "logins and e-mail addresses, which providers hold in either case"),
    ("intelligence/api/credentials.rs", "keys of JSON"),
    ("intelligence/api/exchange.rs", "a hostname"),
    ("kinds/application/fields.rs", "words of Duo's API"),
    ("kinds/group.rs", "words of Duo's API"),
    ("kinds/managed.rs", "words of Duo's API"),
    ("kinds/marker/notes.rs", "what begins as a marker does"),
    ("kinds/marker/row.rs", "codes of fields"),
    ("kinds/marker/whole.rs", "codes of fields"),
    ("kinds/policy/language/countries.rs", "codes of countries"),
    ("kinds/value.rs", "spellings of switches"),
    ("language/check.rs", "spellings of switches"),
    ("language/similar.rs", "how far a word is from a known one; it folds them by `names.rs`"),
    ("language/texts.rs", "hostnames, and what a workspace's name may be"),
    ("lsp/completion.rs", "what a client filters by"),
    ("output/markdown/text.rs", "what a renderer makes a link of"),
    ("reconcile/graph/build.rs", "words of Duo's API"),
    ("reconcile/listing.rs", "words of Duo's API"),
    ("reconcile/plan/properties.rs", "words of Duo's API"),
    ("reconcile/references.rs", "how far a name is from a known one; it folds them by `names.rs`"),
    ("reconcile/unmanaged.rs", "words of Duo's API"),
    ("secrets/mask.rs", "hexadecimal digits"),
    ("secrets/payload.rs", "variables of a dotenv file, and a hostname"),
    ("secrets/store.rs", "a hostname"),
    ("secrets/vault/http.rs", "messages of errors"),
];

/// Names that are compared letter by letter.
const LITERAL: &[(&str, &str)] = &[
    ("cli/adopt.rs", "names of workspaces, which have one spelling"),
    ("yaml/build.rs", "the merge key of YAML"),
];

/// The files with a match outside the tests, except the simulator, which represents another program.
fn found(pattern: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    let mut files = BTreeMap::new();
    super::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    let own = files.iter().filter(|(file, text)| {
        !file.starts_with("sandbox")
            && super::production(file, text).is_some_and(|text| pattern.is_match(text))
    });
    own.map(|(file, _)| file.clone()).collect()
}

fn listed(list: &[(&str, &str)]) -> BTreeSet<String> {
    list.iter().map(|(file, _)| (*file).to_owned()).collect()
}

#[test]
fn nothing_else_folds_texts_to_compare_names() {
    let ways =
        r"to_(ascii_)?(lower|upper)case|eq_ignore_ascii_case|make_ascii_|unicode_normalization|strsim::";
    assert_eq!(found(ways), listed(FOLDED));
}

#[test]
fn no_names_are_compared_letter_by_letter() {
    let name = r"(\b(display|target|integration|application)_name|\b(live|integration|application|it)\.name\(\)|\b(group|policy|status|only|live|form|sheet|connection)\.name|\bname\.value)(\.as_str\(\))?";
    let compared = format!(r"(?-u){name} [!=]= |[!=]= [&*]?({name})\b");
    assert!(Regex::new(&compared).unwrap().is_match("if *wanted != live.name() {"));
    assert_eq!(found(&compared), listed(LITERAL));
}
