//! The part of GraphQL that a client of the public API needs: one query with variables, arguments, aliases and nested
//! selections. Fragments, directives and mutations are refused with a message.

use serde_json::{Map, Value, json};

/// One selected field.
#[derive(Debug)]
pub(super) struct Field {
    /// The name of the field in the answer.
    pub(super) alias: String,
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    pub(super) selection: Vec<Field>,
}

/// Deeper than any type of the API.
const MAX_DEPTH: usize = 16;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(i64),
    Sign(char),
}

/// The selected fields of a query.
pub(super) fn parse(text: &str, variables: &Map<String, Value>) -> Result<Vec<Field>, String> {
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), variables };
    match parser.tokens.next() {
        Some(Token::Sign('{')) => {}
        Some(Token::Name(word)) if word == "query" => parser.skip_head()?,
        Some(Token::Name(word)) if word == "mutation" => {
            return Err("mutations are not simulated".to_owned());
        }
        _ => return Err("expected a query".to_owned()),
    }
    let fields = parser.selection(0)?;
    match parser.tokens.next() {
        None => Ok(fields),
        Some(_) => Err("only one operation without fragments is supported".to_owned()),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let mut run = |first: char, more: fn(char) -> bool| {
            let mut word = String::from(first);
            while let Some(next) = characters.next_if(|next| more(*next)) {
                word.push(next);
            }
            word
        };
        match c {
            ' ' | '\t' | '\r' | '\n' | ',' | '\u{feff}' => {}
            '#' => drop(run(c, |next| next != '\n')),
            '_' | 'A'..='Z' | 'a'..='z' => {
                tokens.push(Token::Name(run(c, |next| next == '_' || next.is_ascii_alphanumeric())));
            }
            '-' | '0'..='9' => {
                let word = run(c, |next| next.is_ascii_digit());
                tokens.push(Token::Number(word.parse().map_err(|_| format!("`{word}` is not a number"))?));
            }
            '"' => tokens.push(Token::Text(string(&mut characters)?)),
            '{' | '}' | '(' | ')' | '[' | ']' | ':' | '$' | '!' | '=' => tokens.push(Token::Sign(c)),
            other => return Err(format!("unexpected character `{}`", other.escape_default())),
        }
    }
    Ok(tokens)
}

fn string(characters: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut text = String::from('"');
    loop {
        let next = characters.next().ok_or("a string is not closed")?;
        text.push(next);
        match next {
            '\\' => text.extend(characters.next()),
            '"' => return serde_json::from_str(&text).map_err(|_| "a string is malformed".to_owned()),
            _ => {}
        }
    }
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    variables: &'a Map<String, Value>,
}

impl Parser<'_> {
    /// Skips the name and the variable definitions: the given values are not checked.
    fn skip_head(&mut self) -> Result<(), String> {
        let mut depth = 0_usize;
        loop {
            match self.tokens.next().ok_or("expected a selection")? {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') => depth = depth.saturating_sub(1),
                Token::Sign('{') if depth == 0 => return Ok(()),
                _ => {}
            }
        }
    }

    fn accept(&mut self, sign: char) -> bool {
        self.tokens.next_if_eq(&Token::Sign(sign)).is_some()
    }

    fn name(&mut self) -> Result<String, String> {
        match self.tokens.next() {
            Some(Token::Name(name)) => Ok(name),
            _ => Err("expected a name".to_owned()),
        }
    }

    /// Parses from after `{` to `}`.
    fn selection(&mut self, depth: usize) -> Result<Vec<Field>, String> {
        if depth > MAX_DEPTH {
            return Err("the selection is nested too deeply".to_owned());
        }
        let mut fields = Vec::new();
        while !self.accept('}') {
            let first = self.name()?;
            let (alias, name) = if self.accept(':') { (first, self.name()?) } else { (first.clone(), first) };
            let arguments = if self.accept('(') { self.arguments()? } else { Map::new() };
            let selection = if self.accept('{') { self.selection(depth + 1)? } else { Vec::new() };
            fields.push(Field { alias, name, arguments, selection });
        }
        if fields.is_empty() { Err("a selection is empty".to_owned()) } else { Ok(fields) }
    }

    fn arguments(&mut self) -> Result<Map<String, Value>, String> {
        let mut arguments = Map::new();
        while !self.accept(')') {
            let name = self.name()?;
            if !self.accept(':') {
                return Err(format!("`{name}` has no value"));
            }
            let value = self.value(0)?;
            arguments.insert(name, value);
        }
        Ok(arguments)
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err("a value is nested too deeply".to_owned());
        }
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(json!(text)),
            Some(Token::Number(number)) => Ok(json!(number)),
            Some(Token::Name(word)) => Ok(match word.as_str() {
                "true" => json!(true),
                "false" => json!(false),
                "null" => Value::Null,
                _ => json!(word),
            }),
            Some(Token::Sign('$')) => {
                let name = self.name()?;
                Ok(self.variables.get(&name).cloned().unwrap_or_default())
            }
            Some(Token::Sign('[')) => {
                let mut items = Vec::new();
                while !self.accept(']') {
                    items.push(self.value(depth + 1)?);
                }
                Ok(Value::Array(items))
            }
            Some(Token::Sign('{')) => {
                let mut fields = Map::new();
                while !self.accept('}') {
                    let name = self.name()?;
                    if !self.accept(':') {
                        return Err(format!("`{name}` has no value"));
                    }
                    let value = self.value(depth + 1)?;
                    fields.insert(name, value);
                }
                Ok(Value::Object(fields))
            }
            _ => Err("expected a value".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_with_variables_aliases_and_nested_selections() {
        let variables = Map::from_iter([("who".to_owned(), json!("ada@example.com"))]);
        let text = "query Get($who: String!, $size: Int = 5) { # a comment\n one: getEndUser(login: $who) { a { b } } \
                    listEndUsers(input: {orderBy: [{name: \"login\", order: asc}]}, pageSize: 5) { pageToken } ping }";
        let fields = parse(text, &variables).unwrap();
        assert_eq!((fields[0].alias.as_str(), fields[0].name.as_str()), ("one", "getEndUser"));
        assert_eq!(fields[0].arguments["login"], "ada@example.com");
        assert_eq!(fields[0].selection[0].selection[0].name, "b");
        assert_eq!(fields[1].arguments["input"], json!({"orderBy": [{"name": "login", "order": "asc"}]}));
        assert_eq!(fields[2].name, "ping");
    }

    #[test]
    fn what_is_not_understood_is_refused_in_words() {
        let error = |text: &str| parse(text, &Map::new()).unwrap_err();
        assert_eq!(error("mutation { unregisterWebhook(id: 1) }"), "mutations are not simulated");
        assert_eq!(error("{ ping "), "expected a name");
        assert_eq!(error("{ ... on Query { ping } }"), "unexpected character `.`");
        assert_eq!(error("{ }"), "a selection is empty");
        assert_eq!(error("hello"), "expected a query");
        assert_eq!(error("{ a(b: \"c) }"), "a string is not closed");
        assert!(error(&"{ a ".repeat(40)).contains("too deeply"));
        assert!(error(&format!("{{ a(b: {}", "[".repeat(40))).contains("too deeply"));
    }
}
