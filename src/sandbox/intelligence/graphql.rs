//! The public API: `POST {query, variables}`; errors have HTTP status 200 (identity-intelligence.md, sections 6.1 to 6.4).

use serde_json::{Map, Value, json};

use super::super::message::{RawReply, RawRequest};
use super::super::state::Account;
use super::query::{Field, parse};
use super::replies::{failure, json_reply};
use super::{clients, collect, people};

/// An error that GraphQL reports next to the data.
struct Fault {
    kind: &'static str,
    message: String,
}

pub(super) fn answer(account: &mut Account, request: &RawRequest, now: i64) -> RawReply {
    if !clients::admits(account, request, now) {
        let error = json!({"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."});
        return json_reply(401, &json!({"errors": [error]}), now);
    }
    if request.method != "POST" {
        return json_reply(405, &json!({"errors": [{"message": "only POST is accepted"}]}), now);
    }
    if let Err(error) = collect::hourly(account, now) {
        return failure(&error, now);
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let text = body.get("query").and_then(Value::as_str).unwrap_or_default();
    let variables = body.get("variables").and_then(Value::as_object).cloned().unwrap_or_default();
    let fields = match parse(text, &variables) {
        Ok(fields) => fields,
        Err(message) => {
            let error = json!({"errorType": "MalformedHttpRequestException", "message": message});
            return json_reply(400, &json!({"errors": [error]}), now);
        }
    };
    json_reply(200, &execute(account, &fields), now)
}

fn execute(account: &Account, fields: &[Field]) -> Value {
    let mut data = Map::new();
    for field in fields {
        let value = resolve(account, field).and_then(|value| project(&value, field));
        match value {
            Ok(value) => drop(data.insert(field.alias.clone(), value)),
            Err(fault) => {
                let error = json!({
                    "errorType": fault.kind, "message": fault.message, "path": [field.alias], "locations": [],
                });
                return json!({"data": null, "errors": [error]});
            }
        }
    }
    json!({"data": data})
}

fn undefined(name: &str, kind: &str) -> Fault {
    Fault {
        kind: "ValidationError",
        message: format!(
            "Validation error of type FieldUndefined: Field '{name}' in type '{kind}' is undefined"
        ),
    }
}

fn argument<'a>(field: &'a Field, name: &str) -> Result<&'a str, Fault> {
    field.arguments.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or_else(|| Fault {
        kind: "ValidationError",
        message: format!("Validation error of type MissingFieldArgument: Missing field argument '{name}'"),
    })
}

fn resolve(account: &Account, field: &Field) -> Result<Value, Fault> {
    let new_values = account.switches.intelligence_new_values;
    let person = |name| {
        let login = argument(field, name)?.to_lowercase();
        let found = people::all(account).into_iter().find(|person| person.login == login);
        found.ok_or_else(|| Fault { kind: "NotFound", message: "End user was not found".to_owned() })
    };
    match field.name.as_str() {
        "ping" => Ok(json!(true)),
        "getIntegrationsStatus" if account.switches.intelligence_status => {
            let mut statuses = collect::statuses(account);
            if new_values {
                for status in statuses.iter_mut().filter_map(Value::as_object_mut) {
                    status.insert("status".to_owned(), json!("SPLENDID"));
                }
            }
            Ok(Value::Array(statuses))
        }
        "getEndUser" => Ok(person("login")?.output(new_values)),
        "getEndUserState" => Ok(person("login")?.state()),
        "listEndUsers" => {
            if !field.arguments.get("input").is_some_and(Value::is_object) {
                return Err(Fault {
                    kind: "ValidationError",
                    message: "Validation error of type MissingFieldArgument: Missing field argument 'input'"
                        .to_owned(),
                });
            }
            let people = people::all(account);
            page(field, 100, 500, people.iter().map(|person| person.end_user(new_values)).collect())
        }
        "getEndUsersByIp" => {
            let address = argument(field, "ipAddress")?;
            let people = people::all(account);
            let there = people.iter().filter(|person| person.was_at(address));
            page(field, 50, 1000, there.map(|person| person.end_user(new_values)).collect())
        }
        name => Err(undefined(name, "Query")),
    }
}

/// `pageToken` is the number of rows before the page; the last page has none.
fn page(field: &Field, default: usize, most: usize, rows: Vec<Value>) -> Result<Value, Fault> {
    let invalid = |message: &str| Fault { kind: "BadRequest", message: message.to_owned() };
    let size = match field.arguments.get("pageSize").filter(|size| !size.is_null()) {
        None => default,
        Some(size) => {
            let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
            size.filter(|size| (1..=most).contains(size))
                .ok_or_else(|| invalid("pageSize is out of range"))?
        }
    };
    let start = match field.arguments.get("pageToken").filter(|token| !token.is_null()) {
        None => 0,
        Some(token) => {
            let number = token.as_str().and_then(|token| token.strip_prefix("row-")?.parse::<usize>().ok());
            number.ok_or_else(|| invalid("pageToken is not one of this query"))?
        }
    };
    let next = start.saturating_add(size);
    let token = (next < rows.len()).then(|| format!("row-{next}"));
    let items: Vec<Value> = rows.into_iter().skip(start).take(size).collect();
    Ok(json!({"items": items, "pageToken": token}))
}

/// The requested leaves of the answer. Every object has all fields of its type, so a missing field does not exist in the
/// schema.
fn project(value: &Value, field: &Field) -> Result<Value, Fault> {
    match value {
        Value::Array(items) => items.iter().map(|item| project(item, field)).collect(),
        Value::Object(object) => {
            if field.selection.is_empty() {
                return Err(Fault {
                    kind: "ValidationError",
                    message: format!(
                        "Validation error of type SubSelectionRequired: '{}' needs a selection",
                        field.name
                    ),
                });
            }
            let mut projected = Map::new();
            for inner in &field.selection {
                let value = object.get(&inner.name).ok_or_else(|| undefined(&inner.name, &field.name))?;
                projected.insert(inner.alias.clone(), project(value, inner)?);
            }
            Ok(Value::Object(projected))
        }
        scalar => Ok(scalar.clone()),
    }
}
