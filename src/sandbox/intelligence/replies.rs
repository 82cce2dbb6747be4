//! Replies of Identity Intelligence in JSON.

use serde_json::{Value, json};

use super::super::message::RawReply;

pub(super) fn json_reply(status: u16, value: &Value, now: i64) -> RawReply {
    let mut reply = RawReply::new(status, "application/json", value.to_string().into_bytes(), now);
    reply.headers.push(("Cache-Control", "no-store".to_owned()));
    reply
}

pub(super) fn failure(account_error: &std::io::Error, now: i64) -> RawReply {
    json_reply(500, &json!({"message": format!("the sandbox cannot write its state: {account_error}")}), now)
}
