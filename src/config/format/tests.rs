use super::*;

#[track_caller]
fn formats(text: &str, expected: &str) {
    let formatted = canonical(0, text);
    assert_eq!(
        formatted.as_deref(),
        Ok(expected),
        "\n--- got\n{}",
        formatted.as_deref().unwrap_or("refused")
    );
    assert_eq!(canonical(0, expected).as_deref(), Ok(expected), "not stable");
}

#[track_caller]
fn stays(text: &str) {
    formats(text, text);
}

#[test]
fn keys_have_the_order_of_the_language_and_take_their_comments_along() {
    formats(
        "# $schema: x.json\n\
         applications:\n\
         # above vpn\n  vpn:\n      user_access:   all_users # everybody\n      # the name\n      name: 'VPN'\n      type: \"radius\"\n      # foot of vpn\n\n\n\n\
         # above the tenant\n\
         tenant: { api_hostname : api-1a2b3c4d.duosecurity.com }\n\
         workspace: acme\n\
         version: 1 # the first\n",
        "# $schema: x.json\n\
         version: 1 # the first\n\
         workspace: acme\n\n\
         # above the tenant\n\
         tenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n\
         applications:\n  # above vpn\n  vpn:\n    type: radius\n    # the name\n    name: VPN\n    user_access: all_users # everybody\n    # foot of vpn\n",
    );
}

#[test]
fn the_line_about_the_schema_stays_the_first() {
    for line in super::super::template::MODELINES {
        formats(
            &format!("{line}x.json\n# about the key\nworkspace: acme\nversion: 1\n"),
            &format!("{line}x.json\nversion: 1\n# about the key\nworkspace: acme\n"),
        );
    }
}

#[test]
fn spacing_indentation_and_quotes_have_one_form() {
    formats(
        "applications:\n    vpn:\n        type:    radius\n        groups_allowed:\n        - 'A'\n        -   \"B C\"\n        - \"NO\"\n        - '12'\n        - 'it: is'\n",
        "applications:\n  vpn:\n    type: radius\n    groups_allowed:\n      - A\n      - B C\n      - \"NO\"\n      - \"12\"\n      - \"it: is\"\n",
    );
    formats("version:   1\n\n\n\nworkspace: a  \n\n\n", "version: 1\n\nworkspace: a\n");
    formats("\"version\": 1\nworkspace:\n  acme\n", "version: 1\nworkspace: acme\n");
}

#[test]
fn what_stands_in_brackets_stays_there_if_it_fits() {
    stays("applications:\n  vpn: {type: radius, groups_allowed: [A, B]}\n");
    formats(
        "tenant: {\n  credentials: {secret_key: {env : A},\n  integration_key: {env: B}} }\n",
        "tenant: {credentials: {integration_key: {env: B}, secret_key: {env: A}}}\n",
    );
    formats(
        "applications: { # all of them\n  vpn: {type: radius}, # one\n  # two\n  wiki: {type: websdk}\n  # the end\n}\n",
        "applications: # all of them\n  vpn: {type: radius} # one\n  # two\n  wiki: {type: websdk}\n  # the end\n",
    );
    let long = "a".repeat(60);
    formats(&format!("x:\n  [{long},\n   {long}]\n"), &format!("x:\n  - {long}\n  - {long}\n"));
    formats(&format!("x: [{long}, {long}]\n"), &format!("x:\n  - {long}\n  - {long}\n"));
    let (fits, wide) = ("a".repeat(46), "\u{4e2d}".repeat(24));
    stays(&format!("x: [{fits}, {fits}]\n"));
    formats(&format!("xyz: [{fits}, {fits}]\n"), &format!("xyz:\n  - {fits}\n  - {fits}\n"));
    formats(&format!("x: {{a: {fits}, b: [{wide}]}}\n"), &format!("x:\n  a: {fits}\n  b: [{wide}]\n"));
    formats("{version: 1,\n workspace: a}\n", "{version: 1, workspace: a}\n");
    formats("x: [a: b, {c: , d: }]\n", "x: [{a: b}, {c: null, d: null}]\n");
    formats("x: { # why\n}\ny: [\n  # nothing\n]\n", "x: {} # why\ny: [] # nothing\n");
}

#[test]
fn texts_of_several_lines_are_kept() {
    formats(
        "applications:\n    vpn:\n        notes: | # why\n            one\n\n              two\n            # no comment\n        name: >-\n           folded\n           text\n        greeting: |+\n           kept\n\n\n",
        "applications:\n  vpn:\n    name: >-\n      folded\n      text\n    greeting: |+\n      kept\n\n\n    notes: | # why\n      one\n\n        two\n      # no comment\n",
    );
    formats("x:\n    - |2\n        deep\n      less\n", "x:\n  - |2\n      deep\n    less\n");
    formats("x: |\n  no end", "x: |\n  no end\n");
    formats(
        "x: one\n    two\n\n    three # said\ny: \"a\n    b\"\n",
        "x: one\n  two\n\n  three # said\ny: a b\n",
    );
    stays("x: |\n");
}

#[test]
fn anchors_stay_before_their_aliases() {
    formats(
        "applications:\n  a: &web\n    user_access: all_users\n    type: websdk\n  b:\n    name: B\n    <<: *web\n",
        "applications:\n  a: &web\n    type: websdk\n    user_access: all_users\n  b:\n    <<: *web\n    name: B\n",
    );
    // Without anchors, `greeting` would come before `notes`, and `name` before both.
    formats(
        "applications:\n  a:\n    notes: &n text\n    greeting: *n\n    name: A\n",
        "applications:\n  a:\n    name: A\n    notes: &n text\n    greeting: *n\n",
    );
    stays("x:\n  - &a\n    b: 1\n  - &k c: 1\n  - *a\n  - !!str 12\n  - &empty\n");
    formats("x: &a !!map\n   &k y: 1\n", "x: &a !!map\n  &k y: 1\n");
}

#[test]
fn comments_stay_with_their_block() {
    stays(
        "# file\n\n# first\nversion: 1\n\nguards:\n  # inside\n  allow:\n    # item\n    - risk: destroys # r\n      # of the item\n      reason: why\n      # foot of the item\n    # foot of the list\n  # foot of the guards\n# foot of the file\n",
    );
    formats(
        "guards:\n  allow:\n    - # dash\n      # above\n      reason: why # b\n      risk: destroys # c\n",
        "guards:\n  allow:\n    # dash\n    - risk: destroys # c\n      # above\n      reason: why # b\n",
    );
    formats("x: # key\n  # value\n  y\n", "# value\nx: y # key\n");
    formats("--- # begin\n# a\nversion: 1\n...\n# end\n", "--- # begin\n# a\nversion: 1\n# end\n");
    stays("# only a comment\n");
    stays("");
}

#[test]
fn a_comment_is_one_space_after_its_line() {
    formats(
        "tenant:\n    api_hostname: api-1a2b3c4d.duosecurity.com      # bare\n    plan: advantage                   # bought\n\n    ca_file: x   # alone\n",
        "tenant:\n  api_hostname: api-1a2b3c4d.duosecurity.com # bare\n  plan: advantage # bought\n\n  ca_file: x # alone\n",
    );
}

#[test]
fn the_head_of_the_file_stays_there() {
    formats(
        "# $schema: x.json\n#\n# about this file\nworkspace: a\nversion: 1\n",
        "# $schema: x.json\n#\n# about this file\nversion: 1\nworkspace: a\n",
    );
    formats("# about\n\nworkspace: a\nversion: 1\n", "# about\n\nversion: 1\n\nworkspace: a\n");
    formats("%YAML 1.2\n# c\n---\nversion: 1\n", "%YAML 1.2\n# c\n---\nversion: 1\n");
}

#[test]
fn line_breaks_and_byte_order_marks_are_kept() {
    formats(
        "\u{feff}version:  1\r\nnotes: |\r\n   a\r\n   b\r\n",
        "\u{feff}version: 1\r\nnotes: |\r\n  a\r\n  b\r\n",
    );
}

#[test]
fn what_is_no_file_of_the_language_is_refused_with_its_place() {
    for (text, code, place) in [
        ("a: 1\nb: [\n", Code::Syntax, None),
        ("a: 1\n---\nb: 2\n", Code::Syntax, Some(5)),
        ("- a\n", Code::WrongType, Some(0)),
        ("a: 1\na: 2\n", Code::DuplicateKey, Some(5)),
        ("a:\n\tb: 1\n", Code::Syntax, Some(3)),
    ] {
        let Err(FormatError::Invalid(findings)) = canonical(0, text) else { panic!("{text}") };
        assert_eq!(findings.first().map(|found| found.code), Some(code), "{text}");
        if place.is_some() {
            assert_eq!(findings.first().and_then(|found| found.span).map(|span| span.start), place, "{text}");
        }
    }
}

/// Writes YAML in any style from a stream of choices.
struct Author {
    choices: Vec<u8>,
    next: usize,
    text: String,
    comments: usize,
    anchors: usize,
}

const TOP: [&str; 7] = ["guards", "applications", "workspace", "tenant", "version", "defaults", "x-own"];
const INNER: [&str; 12] = [
    "type",
    "name",
    "notes",
    "policy",
    "secret",
    "allow",
    "applications",
    "credentials",
    "env",
    "plan",
    "sso",
    "vpn",
];

impl Author {
    fn choose(&mut self, among: usize) -> usize {
        let choice = self.choices.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        usize::from(choice) % among
    }

    fn comment(&mut self) -> String {
        self.comments += 1;
        format!("# c{} {}", self.comments, ["", ": x", "[a", "'"][self.comments % 4])
    }

    fn line_end(&mut self) {
        match self.choose(5) {
            0 => {
                let gap = " ".repeat(1 + self.choose(5));
                let comment = self.comment();
                self.text.push_str(&format!("{gap}{comment}\n"));
            }
            1 => self.text.push_str("  \n"),
            _ => self.text.push('\n'),
        }
    }

    /// Writes empty lines and comments between two entries. None is deeper than `most`, where a text above would absorb it.
    fn between(&mut self, most: usize) {
        for _ in 0..self.choose(4) {
            match self.choose(3) {
                0 => self.text.push('\n'),
                _ => {
                    let column = self.choose(9).min(most);
                    let comment = self.comment();
                    self.text.push_str(&format!("{}{comment}\n", " ".repeat(column)));
                }
            }
        }
    }

    fn word(&mut self) -> String {
        let words = [
            "a",
            "VPN Users",
            "it's",
            "x:y",
            "no",
            "12",
            "-3",
            "true",
            "1.5",
            "a b  c",
            "https://e.com/#x",
            "é",
        ];
        let word = words[self.choose(words.len())];
        match self.choose(3) {
            0 => format!("\"{}\"", word.replace('"', "\\\"")),
            1 => format!("'{}'", word.replace('\'', "''")),
            _ => word.to_owned(),
        }
    }

    fn in_line(&mut self, depth: usize, column: usize) {
        let several = self.choose(3) == 0;
        let list = self.choose(2) == 0;
        self.text.push(if list { '[' } else { '{' });
        let count = self.choose(4);
        for index in 0..count {
            if several {
                let gap = self.choose(3);
                self.line_end();
                if gap == 0 {
                    let comment = self.comment();
                    self.text.push_str(&format!("{}{comment}\n", " ".repeat(column + 1)));
                }
                self.text.push_str(&" ".repeat(column + 2));
            }
            if !list {
                let key = INNER[(index * 3 + depth) % INNER.len()];
                self.text.push_str(&format!("{key}: "));
            }
            if depth < 4 && self.choose(4) == 0 {
                self.in_line(depth + 1, column + 2);
            } else {
                let word = self.word();
                self.text.push_str(&word);
            }
            if index + 1 < count {
                let gap = self.choose(2);
                self.text.push_str(if gap == 0 { " , " } else { ", " });
            }
        }
        if several {
            self.line_end();
            self.text.push_str(&" ".repeat(column + 1));
        }
        self.text.push(if list { ']' } else { '}' });
    }

    /// Writes a value after a colon or a dash, and the end of its line. Returns `false` if it ends with a text.
    fn value(&mut self, depth: usize, column: usize) -> bool {
        if self.choose(8) == 0 {
            self.anchors += 1;
            self.text.push_str(&format!(" &a{}", self.anchors));
        } else if self.anchors > 0 && self.choose(8) == 0 {
            let alias = 1 + self.choose(self.anchors);
            if !self.text.rsplit('\n').next().unwrap_or_default().contains('&') && self.complete(alias) {
                self.text.push_str(&format!(" *a{alias}"));
                self.line_end();
                return true;
            }
        }
        match self.choose(if depth > 3 { 5 } else { 9 }) {
            0 => {
                self.line_end();
                true
            }
            1 => {
                let header = ["|", ">", "|-", ">+", "|+"][self.choose(5)];
                self.text.push_str(&format!(" {header}"));
                self.line_end();
                let pad = " ".repeat(column + 1 + self.choose(4));
                for line in 0..1 + self.choose(3) {
                    let text = ["one", "  two # no comment", "- three: x"][(line + depth) % 3];
                    let text = if line == 0 { text.trim_start() } else { text };
                    self.text.push_str(&format!("{pad}{text}\n"));
                    if self.choose(3) == 0 {
                        self.text.push('\n');
                    }
                }
                false
            }
            2 => {
                self.text.push(' ');
                self.in_line(depth, column);
                self.line_end();
                true
            }
            3 | 4 => {
                let word = self.word();
                self.text.push_str(&format!(" {word}"));
                self.line_end();
                true
            }
            5 => {
                let second = " ".repeat(column + 1 + self.choose(3));
                self.text.push_str(&format!(" first\n{second}second"));
                self.line_end();
                true
            }
            6 => {
                self.line_end();
                let column = column + 1 + self.choose(4);
                self.list(depth + 1, column)
            }
            _ => {
                self.line_end();
                let column = column + 1 + self.choose(4);
                self.mapping(depth + 1, column, &INNER)
            }
        }
    }

    /// Whether the value of an anchor is complete, so that an alias may name it.
    fn complete(&self, anchor: usize) -> bool {
        let mark = format!("&a{anchor}");
        let Some(at) = self.text.find(&mark) else { return false };
        let rest = &self.text[at + mark.len()..];
        rest.starts_with(' ')
            && !rest.starts_with("  ")
            && !rest.starts_with(" #")
            && rest.contains('\n')
            && !rest.starts_with(" [")
            && !rest.starts_with(" {")
    }

    fn list(&mut self, depth: usize, column: usize) -> bool {
        let mut open = true;
        for index in 0..1 + self.choose(3) {
            self.between(if open || index == 0 { 9 } else { column });
            self.text.push_str(&format!("{}-", " ".repeat(column)));
            open = if depth < 4 && self.choose(3) == 0 {
                self.text.push(' ');
                self.compact(depth + 1, column + 2)
            } else {
                self.value(depth, column)
            };
        }
        open
    }

    /// Writes a mapping that starts after a dash.
    fn compact(&mut self, depth: usize, column: usize) -> bool {
        let start = self.text.len();
        let open = self.mapping(depth, column, &INNER);
        let text = self.text.split_off(start);
        // Comments and empty lines before the first key would separate it from its dash, which is a different case.
        let at = text.lines().position(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
        let kept: String = text.lines().skip(at.unwrap_or(0)).map(|line| format!("{line}\n")).collect();
        self.text.push_str(kept.trim_start());
        open
    }

    fn mapping(&mut self, depth: usize, column: usize, keys: &[&str]) -> bool {
        let mut open = true;
        let offset = self.choose(keys.len());
        let step = [1, 5][self.choose(2)];
        for index in 0..1 + self.choose(4) {
            let key = keys[(offset + index * step) % keys.len()];
            self.between(if open || index == 0 { 9 } else { column });
            self.text.push_str(&format!("{}{key}:", " ".repeat(column)));
            open = self.value(depth, column);
        }
        open
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 1500, ..Default::default() })]

    /// Formatting verifies meaning, comments and stability itself, so the test checks that nothing is refused.
    #[test]
    fn whatever_is_written_is_formatted_and_means_the_same(choices in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..160)) {
        let mut author = Author { choices, next: 0, text: String::new(), comments: 0, anchors: 0 };
        let open = author.mapping(0, 0, &TOP);
        author.between(if open { 9 } else { 0 });
        let text = author.text;
        let before = meaning(0, &text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        let formatted = canonical(0, &text).unwrap_or_else(|error| {
            panic!("{error}\n--- written\n{text}\n--- printed\n{}", once(&text).unwrap_or_default())
        });
        proptest::prop_assert_eq!(meaning(0, &formatted), Ok(before));
        proptest::prop_assert_eq!(comments(&formatted), comments(&text));
        proptest::prop_assert_eq!(canonical(0, &formatted), Ok(formatted.clone()));
        proptest::prop_assert!(!formatted.lines().any(|line| line.contains('\t')));
    }
}

/// Lists as most YAML writers produce them: the dash is in the column of the key.
#[test]
fn lists_that_are_not_indented_keep_their_comments() {
    formats(
        "applications:\n  a:\n    groups_allowed:\n    - X\n",
        "applications:\n  a:\n    groups_allowed:\n      - X\n",
    );
    formats(
        "a:\n  permissions:\n  # above\n  - read_log # first\n  # second\n  - info\n  - x # third\n  other: 1 # fourth\n",
        "a:\n  permissions:\n    # above\n    - read_log # first\n    # second\n    - info\n    - x # third\n  other: 1 # fourth\n",
    );
    formats("a:\n- b: 1 # one\n  c: 2\n# two\n- b: 3\n", "a:\n  - b: 1 # one\n    c: 2\n  # two\n  - b: 3\n");
    formats("a: &x # why\n- 1\n- 2\nb: *x\n", "a: &x # why\n  - 1\n  - 2\nb: *x\n");
    formats("a:\n-\n  b\n- - c\n  - d # deep\n", "a:\n  - b\n  - - c\n    - d # deep\n");
}

mod layouts {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        /// With any indentation, each comment stays with the item that it names.
        #[test]
        fn comments_of_lists_stay_with_their_items(
            indent in 0_usize..5,
            items in proptest::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 1..6),
            after in any::<bool>(),
        ) {
            let pad = " ".repeat(2 + indent);
            let mut text = String::from("applications:\n  a:\n  groups_allowed:\n").replace("  a:\n", "");
            let mut wanted = String::from("applications:\n  groups_allowed:\n");
            for (index, (above, trailing, blank)) in items.iter().enumerate() {
                let blank = *blank && index > 0;
                let line = |text: &mut String, pad: &str| {
                    if blank {
                        text.push('\n');
                    }
                    if *above {
                        text.push_str(&format!("{pad}# above {index}\n"));
                    }
                    let end = if *trailing { format!(" # at {index}") } else { String::new() };
                    text.push_str(&format!("{pad}- item {index}{end}\n"));
                };
                line(&mut text, &pad);
                line(&mut wanted, "    ");
            }
            if after {
                text.push_str("  policy: a very long name # policy\n");
                wanted.push_str("  policy: a very long name # policy\n");
            }
            let formatted = canonical(0, &text);
            prop_assert_eq!(formatted.as_deref(), Ok(wanted.as_str()), "{}", text);
        }
    }
}

/// The layout of each line is kept in memory, so the number of lines is limited.
#[test]
fn a_file_of_very_many_lines_is_refused_before_it_is_laid_out() {
    let lines = |count: usize| format!("version: 1\n{}", "#\n".repeat(count));
    assert!(
        matches!(canonical(0, &lines(1_000_000)), Err(FormatError::Invalid(found)) if found[0].code == Code::TooLarge)
    );
    assert!(canonical(0, &lines(1000)).is_ok());
}
