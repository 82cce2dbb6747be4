//! The expressions of GitHub Actions, as far as the recipes use them. A value is its text; true is `true`, and false is empty.

use regex::Regex;

/// How a condition of a step or a job comes out. Without a status function it also needs that everything before it passed.
pub fn holds(condition: &str, passed: bool, value: &dyn Fn(&str) -> String) -> bool {
    let about_status = ["always()", "failure()", "cancelled()"].iter().any(|call| condition.contains(call));
    let value = |name: &str| match name {
        "always" => "true".to_owned(),
        "failure" => text(!passed),
        "cancelled" => String::new(),
        other => value(other),
    };
    let holds = is_true(&evaluate(condition, &value));
    holds && (about_status || passed)
}

/// Replaces each `${{ ... }}` by its value.
pub fn filled_in(text: &str, value: &dyn Fn(&str) -> String) -> String {
    let mut parts = text.split("${{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once("}}").unwrap();
        filled.push_str(&evaluate(expression, value));
        filled.push_str(rest);
    }
    filled
}

fn evaluate(expression: &str, value: &dyn Fn(&str) -> String) -> String {
    let tokens = Regex::new(r"'[^']*'|&&|\|\||[!=]=|[!()]|[\w.-]+|\S").unwrap();
    let tokens = tokens.find_iter(expression).map(|token| token.as_str()).collect();
    let mut reader = Reader { tokens, next: 0, value };
    let result = reader.any();
    assert_eq!(reader.next, reader.tokens.len(), "{expression}");
    result
}

fn is_true(value: &str) -> bool {
    !value.is_empty()
}

fn text(holds: bool) -> String {
    if holds { "true".to_owned() } else { String::new() }
}

struct Reader<'a> {
    tokens: Vec<&'a str>,
    next: usize,
    value: &'a dyn Fn(&str) -> String,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> &'a str {
        self.tokens.get(self.next).copied().unwrap_or_default()
    }

    fn take(&mut self) -> &'a str {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn takes(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        self.next += usize::from(found);
        found
    }

    fn any(&mut self) -> String {
        let mut left = self.all();
        while self.takes("||") {
            let right = self.all();
            left = if is_true(&left) { left } else { right };
        }
        left
    }

    fn all(&mut self) -> String {
        let mut left = self.comparison();
        while self.takes("&&") {
            let right = self.comparison();
            left = if is_true(&left) { right } else { left };
        }
        left
    }

    fn comparison(&mut self) -> String {
        let left = self.one();
        match self.peek() {
            "==" => self.compared(&left, true),
            "!=" => self.compared(&left, false),
            _ => left,
        }
    }

    fn compared(&mut self, left: &str, equal: bool) -> String {
        self.next += 1;
        text((left == self.one()) == equal)
    }

    fn one(&mut self) -> String {
        match self.take() {
            "!" => {
                let operand = self.one();
                text(!is_true(&operand))
            }
            "(" => {
                let inner = self.any();
                assert!(self.takes(")"));
                inner
            }
            literal if literal.starts_with('\'') => literal.trim_matches('\'').to_owned(),
            name if self.takes("(") => {
                assert!(self.takes(")"), "{name} has arguments");
                (self.value)(name)
            }
            name => (self.value)(name),
        }
    }
}

#[test]
fn expressions() {
    let value = |name: &str| match name {
        "a" => "1".to_owned(),
        "b" => "2".to_owned(),
        "empty" => String::new(),
        other => panic!("{other}"),
    };
    for (condition, expected) in [
        ("a == '1'", true),
        ("a != '1'", false),
        ("a == '1' && b == '1'", false),
        ("a == '1' && b == '1' || b == '2'", true),
        ("!(a == '1') || empty", false),
        ("!empty && a", true),
        ("empty", false),
    ] {
        assert_eq!(holds(condition, true, &value), expected, "{condition}");
        assert!(!holds(condition, false, &value), "{condition}");
        assert_eq!(holds(&format!("always() && ({condition})"), false, &value), expected);
    }
    assert_eq!(filled_in("x-${{ empty || b }}-y", &value), "x-2-y");
}
