use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::text::is_harmful;

const FILE: &str = "\
# $schema: x.json
version: 1
applications:
  # the network team's
  vpn: # do not rename
    type: radius
    greeting:   Hello   # read out
    groups_allowed:
      - VPN Users # all of them
      - Contractors
    # last words
  wiki: {type: sso-generic, name: Wiki} # flow
defaults:
  applications: &d {protect: true}
guards: {} # none
";

fn set_in(text: &str, path: &str, value: Value) -> String {
    let path: Vec<&str> = path.split('.').collect();
    set(text, &path, &value).expect(text)
}

#[test]
fn a_value_is_replaced_and_everything_else_stays() {
    let after = set_in(FILE, "applications.vpn.greeting", json!("Welcome: home"));
    assert_eq!(after, FILE.replace("Hello ", "\"Welcome: home\" "));
    assert_eq!(set_in(&after, "applications.vpn.greeting", json!("Welcome: home")), after);
    let after = set_in(FILE, "applications.wiki.name", json!("Wiki, new"));
    assert_eq!(after, FILE.replace("name: Wiki", "name: \"Wiki, new\""));
    let after = set_in(FILE, "applications.vpn.groups_allowed", json!(["VPN Users", "Staff"]));
    assert_eq!(after, FILE.replace("      - Contractors\n", "      - Staff\n"));
    // A comment about a removed item must not end up at another item.
    let refused = set(FILE, &["applications", "vpn", "groups_allowed"], &json!(["Staff"]));
    let comment = EditError::Comment("groups_allowed".to_owned(), "# all of them".to_owned());
    assert_eq!(refused, Err(comment.clone()));
    assert_eq!(set(FILE, &["applications", "vpn", "groups_allowed"], &json!(["Contractors"])), Err(comment));
}

#[test]
fn keys_are_added_as_their_neighbours_stand() {
    let after = set_in(FILE, "applications.vpn.notes", json!("one\ntwo"));
    assert_eq!(
        after,
        FILE.replace("      - Contractors\n", "      - Contractors\n    notes: |-\n      one\n      two\n")
    );
    let after = set_in(FILE, "applications.wiki.user_access", json!("no_users"));
    assert_eq!(after, FILE.replace("name: Wiki}", "name: Wiki, user_access: no_users}"));
    let after = set_in(FILE, "guards.max_changes", json!("30%"));
    assert_eq!(after, FILE.replace("guards: {} # none", "guards:\n  max_changes: \"30%\" # none"));
    let after = set_in(FILE, "identity_intelligence.emea.attested", json!("12345678"));
    assert_eq!(after, format!("{FILE}identity_intelligence:\n  emea:\n    attested: \"12345678\"\n"));
    assert_eq!(set_in("", "a.b", json!(1)), "a:\n  b: 1\n");
    assert_eq!(set_in("# only\n", "a", json!([])), "# only\na: []\n");
    assert_eq!(set_in("a: 1", "b", json!(2)), "a: 1\nb: 2");
    assert_eq!(
        set_in("\u{feff}a:\r\n  b: 1\r\n", "a.c", json!("x\ny")),
        "\u{feff}a:\r\n  b: 1\r\n  c: |-\r\n    x\r\n    y\r\n"
    );
}

#[test]
fn keys_are_removed_and_their_comments_stay() {
    let gone = |path: &str| remove(FILE, &path.split('.').collect::<Vec<_>>()).expect("removed");
    for (path, comment) in
        [("applications.vpn.greeting", "# read out"), ("applications.vpn", "# the network team's")]
    {
        let refused = remove(FILE, &path.split('.').collect::<Vec<_>>());
        assert!(
            matches!(&refused, Err(EditError::Comment(_, found)) if found == comment),
            "{path}: {refused:?}"
        );
    }
    assert_eq!(gone("applications.wiki.type"), FILE.replace("type: sso-generic, ", ""));
    assert_eq!(gone("applications.wiki.name"), FILE.replace(", name: Wiki", ""));
    assert_eq!(gone("applications.nobody"), FILE);
    assert_eq!(remove("a:\n  b: 1 # x\nc: 2\n", &["a", "b"]).expect("removed"), "a: {} # x\nc: 2\n");
}

#[test]
fn what_is_shared_is_refused_or_overridden() {
    let text = "base: &b {x: 1, deep: {k: 1}}\none: *b\ntwo:\n  <<: *b # shared\n  z: 3\n";
    assert_eq!(set_in(text, "two.x", json!(2)), text.replace("  z: 3\n", "  z: 3\n  x: 2\n"));
    assert_eq!(set_in(text, "two.deep.k", json!(2)), text.replace("  z: 3\n", "  z: 3\n  deep:\n    k: 2\n"));
    assert_eq!(set(text, &["one", "x"], &json!(2)), Err(EditError::Shared("one".into())));
    assert_eq!(set(text, &["base", "x"], &json!(2)), Err(EditError::Shared("base.x".into())));
    assert_eq!(set(text, &["base"], &json!(2)), Err(EditError::Shared("base".into())));
    assert_eq!(remove(text, &["two", "x"]), Err(EditError::Shared("two.x".into())));
    assert_eq!(set_in(text, "one", json!(7)), text.replace("one: *b", "one: 7"));
    assert_eq!(set("a: [1\n", &["a"], &json!(2)), Err(EditError::NotYaml));
    assert_eq!(set("a: x\n", &["a", "b"], &json!(2)), Err(EditError::NotAMapping("a".into())));
}

#[test]
fn fragments_are_appended_with_their_comments() {
    let fragment = "# found there\nmail:\n  type: radius # old\n  notes: |-\n    a\n\n    b\n";
    let indented = "  # found there\n  mail:\n    type: radius # old\n    notes: |-\n      a\n\n      b\n";
    let mail = json!({"notes": "a\n\nb", "type": "radius"});
    let append = |text: &str| {
        append(text, &["applications"], fragment, &HashMap::from([("mail", &mail)]))
            .map(|appended| appended.text)
    };
    let after = append(FILE).expect("appended");
    assert_eq!(after, FILE.replace("defaults:\n", &format!("{indented}defaults:\n")));
    assert_eq!(append(&after), Err(EditError::Unsafe("applications.mail".to_owned())));
    let after = append("version: 1\n").expect("appended");
    assert_eq!(after, format!("version: 1\napplications:\n{indented}"));
    let after = append("applications: {} # none yet\nversion: 1\n").expect("appended");
    assert_eq!(after, format!("applications: # none yet\n{indented}version: 1\n"));
    let after = append("").expect("appended");
    assert_eq!(after, format!("applications:\n{indented}"));
    let after = append("\u{feff}version: 1\r\n").expect("appended");
    assert_eq!(after, format!("\u{feff}version: 1\r\napplications:\r\n{}", indented.replace('\n', "\r\n")));
    let lost = append("applications: { # mine\n}\n");
    assert_eq!(lost, Err(EditError::Unsafe("applications".to_owned())));
}

#[test]
fn comments_at_the_end_of_an_entry_stay_with_it() {
    let mail = json!({"type": "radius"});
    let added = HashMap::from([("mail", &mail)]);
    for last in ["    type: unix", "    notes: |-\n      a", "    notes: |\n      a\n"] {
        let own = format!("applications:\n  vpn:\n{last}\n    # about vpn\n    # as well");
        for (below, end) in [("", ""), ("\n", ""), ("\n  # about nothing\n", "  # about nothing\n")] {
            let after =
                append(&format!("{own}{below}"), &["applications"], "mail:\n  type: radius\n", &added);
            let expected = format!("{own}\n  mail:\n    type: radius\n{end}");
            assert_eq!(after.expect("appended").text.trim_end(), expected.trim_end());
        }
    }
}

#[test]
fn a_text_of_several_lines_swallows_no_comment_below() {
    let text = "applications:\n  vpn:\n    notes: []\n\n      # deep\n    # not deep\n";
    let after = set_in(text, "applications.vpn.notes", json!("one\ntwo\n"));
    assert_eq!(after, text.replace("[]", "\"one\\ntwo\\n\""));
    let after = set_in(text, "applications.vpn.greeting", json!("one\ntwo\n"));
    assert_eq!(after, text.replace("[]\n", "[]\n    greeting: \"one\\ntwo\\n\"\n"));
    let shallow = "vpn:\n  notes: []\n  # not deep\n";
    let after = set_in(shallow, "vpn.notes", json!("one\ntwo\n"));
    assert_eq!(after, shallow.replace("[]", "|\n    one\n    two"));
}

#[test]
fn a_fragment_that_means_something_else_is_refused() {
    let append = |fragment: &str, entries: &[(&str, Value)]| {
        let added = entries.iter().map(|(key, value)| (*key, value)).collect();
        append("version: 1\n", &["applications"], fragment, &added).map(|appended| appended.text)
    };
    let refused = Err(EditError::Unsafe("applications".to_owned()));
    let mail = json!({"name": "1:30", "count": 1});
    assert!(append("mail:\n  count: 1.0\n  name: \"1:30\"\n", &[("mail", mail.clone())]).is_ok());
    assert_eq!(append("mail:\n  count: 1\n  name: other\n", &[("mail", mail.clone())]), refused);
    assert_eq!(append("mail:\n  count: 1\n", &[("mail", mail.clone())]), refused);
    assert_eq!(append("mail:\n  count: 1\n  name: \"1:30\"\nwiki: {}\n", &[("mail", mail.clone())]), refused);
    assert_eq!(append("mail:\n  count: \"1\"\n  name: \"1:30\"\n", &[("mail", mail.clone())]), refused);
    assert_eq!(append("mail: {}\n", &[("mail", json!({})), ("wiki", json!({}))]), refused);
    let broken = append("mail: {\n", &[("mail", json!({}))]);
    assert_eq!(broken, refused);
}

/// Writes a document as a person might: the bytes choose the style.
struct Author<'c> {
    choices: std::iter::Cycle<std::slice::Iter<'c, u8>>,
    comments: usize,
    out: String,
}

impl Author<'_> {
    fn choose(&mut self, among: u8) -> u8 {
        self.choices.next().map_or(0, |byte| byte % among)
    }

    fn comment(&mut self) -> String {
        self.comments += 1;
        format!("# comment {}", self.comments)
    }

    fn line_end(&mut self) {
        if self.choose(4) == 0 {
            let comment = self.comment();
            self.out.push_str(&format!("  {comment}"));
        }
        self.out.push('\n');
        match self.choose(8) {
            0 => self.out.push('\n'),
            1 => {
                let comment = self.comment();
                self.out.push_str(&format!("  {comment}\n"));
            }
            _ => {}
        }
    }

    fn mapping(&mut self, map: &Map<String, Value>, indent: usize, first_inline: bool) {
        for (position, (key, value)) in map.iter().enumerate() {
            if position > 0 || !first_inline {
                self.out.push_str(&" ".repeat(indent));
            }
            self.out.push_str(&writing::text(key));
            self.out.push(':');
            self.value(value, indent);
        }
    }

    fn value(&mut self, value: &Value, indent: usize) {
        let step = 2 + usize::from(self.choose(3));
        match value {
            Value::Object(map) if !map.is_empty() && self.choose(4) > 0 => {
                self.line_end();
                self.mapping(map, indent + step, false);
            }
            Value::Array(items) if !items.is_empty() && self.choose(3) > 0 => {
                self.line_end();
                for item in items {
                    self.out.push_str(&" ".repeat(indent + step));
                    self.out.push('-');
                    match item {
                        Value::Object(map) if !map.is_empty() => {
                            self.out.push(' ');
                            self.mapping(map, indent + step + 2, true);
                        }
                        other => {
                            self.out.push_str(&format!(" {}", writing::inline(other)));
                            self.line_end();
                        }
                    }
                }
            }
            Value::Null if self.choose(2) == 0 => self.line_end(),
            other => {
                let (first, lines) = writing::after_key(other, indent, step, true);
                if lines.is_empty() {
                    self.out.push_str(&format!(" {first}"));
                    self.line_end();
                } else {
                    let space = if first.is_empty() { "" } else { " " };
                    self.out.push_str(&format!("{space}{first}\n"));
                    lines.iter().for_each(|line| self.out.push_str(&format!("{line}\n")));
                }
            }
        }
    }
}

fn written_down(map: &Map<String, Value>, choices: &[u8]) -> String {
    let mut author = Author { choices: choices.iter().cycle(), comments: 0, out: String::new() };
    if author.choose(2) == 0 {
        author.out.push_str("# head\n\n");
    }
    author.mapping(map, 0, false);
    if author.choose(4) == 0 {
        author.out = author.out.replace('\n', "\r\n");
    }
    if author.choose(6) == 0 {
        author.out.insert(0, '\u{feff}');
    }
    author.out
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        "[ -~]{0,12}",
        "\\PC{0,8}",
        "([a-z ]{1,5}\n){1,3}",
        "[-+.]?[0-9][-+0-9a-fA-F_.,:oxpdTZ ]{0,10}",
        any::<String>(),
        prop::sample::select(vec![
            "NO",
            "1:30",
            "2027-01-01",
            "2027-1-1 1:30:00",
            "Off",
            "y",
            "=",
            "?a",
            "a?",
            "\u{a0}",
            "infinity",
            "1,000",
            "0d10",
            " lead",
            "trail ",
            "a: b",
            "- x",
            "# c",
            "&a",
            "*a",
            "<<",
            "x\r\ny",
            "\t",
            "{",
            "null",
            "~",
            "0600",
            "1_000",
            ".5",
            "+1",
            "👩‍💻",
            "مرحبا",
            "a\u{202e}b",
            "a\u{85}b",
            "\u{feff}",
            "%",
            "@a",
            "`",
            "a\n\n b\n",
            "---",
            "...",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any_text(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_map() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((any_text(), any_value()), 1..6).prop_map(|pairs| pairs.into_iter().collect())
}

/// A path into a document: existing keys as far as the choices go, then possibly a new one.
fn path_in(map: &Map<String, Value>, choices: &[u8], fresh: &str) -> Vec<String> {
    let mut path = Vec::new();
    let mut here = map;
    for choice in choices {
        let keys: Vec<&String> = here.keys().collect();
        let Some(key) = keys.get(usize::from(*choice) % (keys.len() + 1)) else {
            path.push(fresh.to_owned());
            return path;
        };
        path.push((*key).clone());
        match &here[*key] {
            Value::Object(map) => here = map,
            _ => return path,
        }
    }
    path
}

fn comments(text: &str) -> Vec<String> {
    let found = written::read(text.trim_start_matches('\u{feff}')).expect("YAML").comments;
    let body = text.trim_start_matches('\u{feff}');
    let mut comments: Vec<String> =
        found.into_iter().map(|place| body.get(place).unwrap_or_default().to_owned()).collect();
    comments.sort();
    comments
}

fn read_back(text: &str) -> Value {
    meaning(text.trim_start_matches('\u{feff}')).expect("YAML")
}

/// Patterns of unquoted text that readers do not read as text, from their own sources.
const MISREAD: [&str; 14] = [
    // YAML 1.2, section 10.3.2, and additional spellings of other readers.
    r"(?i)^(~|null|true|false|[-+]?\.?inf(inity)?|\.?nan)?$",
    r"^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)$",
    // YAML 1.1, yaml.org/type: bool, int, float, merge, value, timestamp.
    r"(?i)^(y|n|yes|no|on|off)$",
    r"^[-+]?(0b[0-1_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$",
    r"^[-+]?([0-9][0-9_]*)?\.[0-9.]*([eE][-+][0-9]+)?$",
    "^(<<|=)$",
    r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?)?$",
    // SnakeYAML, Resolver.java.
    r"^[-+]?(\.[0-9]+|[0-9_]+(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$",
    // Psych, scalar_scanner.rb; `Integer` and `Float` of Ruby.
    "^:",
    r"(?i)^[-+]?(0[bdo])?[0-9][0-9_,]*(\.[0-9_,]+)?(e[-+]?[0-9_,]+)?$",
    r"(?i)^[-+]?0x[0-9a-f_,]+(\.[0-9a-f_,]+)?(p[-+]?[0-9_,]+)?$",
    // go-yaml 3, resolve.go: underscores anywhere, and a sign after a radix.
    r"^[-+]?_*[0-9][0-9_]*(\.[0-9_]*)?([eE]_*[-+]?[0-9_]+)?$",
    "^-?0_*[bo][-+]?[0-7_]+$",
    // PyYAML, scanner.py: the key indicator, anywhere inside `[]` and `{}`.
    r"\?",
];

/// Parts of a YAML text that another reader would misread: unquoted texts, and characters that it drops.
fn misread(yaml: &str) -> Vec<String> {
    let readers = regex::RegexSet::new(MISREAD).unwrap();
    let plain = granit_parser::Parser::new_from_str(yaml).filter_map(|event| match event.unwrap().0 {
        granit_parser::Event::Scalar(text, granit_parser::ScalarStyle::Plain, ..) => Some(text.into_owned()),
        _ => None,
    });
    let is_text = |text: &String| meaning(text).is_ok_and(|value| value.is_string());
    let mut found: Vec<String> = plain.filter(|text| readers.is_match(text) && is_text(text)).collect();
    let harmless = ['\u{200c}', '\u{200d}', '\n', '\t'];
    found.extend(yaml.chars().filter(|c| is_harmful(*c) && !harmless.contains(c)).map(String::from));
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_is_read_back_by_every_reader(key in any_text(), value in any_value(), indent in 0..4_usize, step in 1..5_usize, literal in any::<bool>()) {
        let line = writing::inline(&value);
        prop_assert_eq!(read_back(&line), value.clone(), "{}", line);
        let pad = " ".repeat(indent);
        let block = format!("{pad}{}\n", writing::entry(&key, &value, indent, step, literal).join("\n"));
        prop_assert_eq!(read_back(&block), json!({key: value.clone()}), "{}", block);
        let list = format!("{}\n", writing::list_item(&value, indent, step).join("\n"));
        prop_assert_eq!(read_back(&list), json!([value]), "{}", list);
        for yaml in [line, block, list] {
            prop_assert_eq!(misread(&yaml), Vec::<String>::new(), "{}", yaml);
        }
    }

    #[test]
    fn only_the_intended_value_changes(
        map in any_map(), styles in prop::collection::vec(any::<u8>(), 1..40),
        down in prop::collection::vec(any::<u8>(), 1..4), fresh in any_text(), value in any_value(), removes in any::<bool>(),
    ) {
        let text = written_down(&map, &styles);
        let before = read_back(&text);
        prop_assert_eq!(&before, &Value::Object(map.clone()), "{}", text);
        let path = path_in(&map, &down, &fresh);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut intended = before;
        let edited = if removes {
            take(&mut intended, &path);
            remove(&text, &path)
        } else {
            put(&mut intended, &path, &value).expect("a mapping");
            set(&text, &path, &value)
        };
        let edited = match edited {
            Ok(edited) => edited,
            // Only a removal can separate a comment from its subject.
            Err(EditError::Comment(..)) if text.contains('#') => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("{error}: {path:?} = {value}\n{text}"))),
        };
        prop_assert_eq!(read_back(&edited), intended, "{}\n{}", text, edited);
        prop_assert_eq!(comments(&edited), comments(&text), "{}\n{}", text, edited);
        prop_assert_eq!(edited.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
        if !removes {
            prop_assert_eq!(set(&edited, &path, &value).expect("the same"), edited);
        }
    }
}

#[test]
fn a_variable_is_never_overwritten() {
    let text = "applications:\n  vpn:\n    greeting: ${vars.greeting}\n    groups_allowed: [A, \"${vars.group}\"]\n    notes: $${vars.x}\n";
    let refused = |path: &[&str], value| set(text, path, &value).unwrap_err();
    let vpn = ["applications", "vpn"];
    for (key, lost) in [("greeting", "${vars.greeting}"), ("groups_allowed", "${vars.group}")] {
        let path = [&vpn[..], &[key]].concat();
        let expected = EditError::Variable(path.join("."), lost.to_owned());
        assert_eq!(refused(&path, json!("x")), expected);
        assert_eq!(remove(text, &path), Err(expected));
    }
    assert!(matches!(refused(&vpn, json!({"greeting": "x"})), EditError::Variable(..)));
    // Edits that keep the variable are allowed, and so are edits of text that is not a variable.
    let after = set_in(text, "applications.vpn.groups_allowed", json!(["${vars.group}", "B"]));
    assert!(after.contains("${vars.group}") && after.contains('B'));
    assert!(set_in(text, "applications.vpn.notes", json!("new")).contains("notes: new"));
}
