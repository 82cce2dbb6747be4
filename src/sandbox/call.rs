//! One call as an API family sees it, and its reply (duo-api.md, section 2). Without HTTP.

use std::io;
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::switches::Switches;

/// The application whose key signed the call.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its integration key.
    pub ikey: String,
    /// Its type, e.g. `adminapi`.
    pub kind: String,
    /// Its `adminapi_*` flags.
    pub permissions: Vec<String>,
}

/// A call with a verified signature, or one that needs none.
#[derive(Clone, Debug)]
pub struct Call {
    /// Upper-case HTTP method.
    pub method: String,
    /// The path's segments, e.g. `["admin", "v1", "groups", "DG…"]`, percent-decoded.
    pub path: Vec<String>,
    /// Query, form or JSON parameters in one map; JSON numbers and booleans keep their type.
    pub params: Map<String, Value>,
    /// Whether its body was a form.
    pub is_form: bool,
    /// The host in the request, without its port.
    pub host: String,
    /// The host with the port, to build links.
    pub authority: String,
    /// Who signed; `None` for the calls that need no signature.
    pub caller: Option<Caller>,
    /// The address of the caller, for `networks_for_api_access`.
    pub peer: IpAddr,
    /// The sandbox's clock, Unix seconds.
    pub now: i64,
}

/// The reply of an API family.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// 200 with `response`.
    Ok(Value),
    /// 200 with `response` and top-level `metadata`.
    Page(Vec<Value>, Value),
    /// A refusal; the HTTP status is the first three digits of the code.
    Fail {
        /// E.g. 40002.
        code: u32,
        /// E.g. `Invalid request parameters`.
        message: &'static str,
        /// The parameter or a short reason.
        detail: Option<String>,
    },
    /// A refusal with HTTP status 200 (probes.md, section 2, E12).
    SoftFail(Box<Reply>),
    /// 501 with a plain text: the sandbox does not simulate this.
    NotSimulated {
        /// What is not simulated.
        what: &'static str,
    },
    /// 200 with a body in another format: an image, XML, public JSON.
    Raw {
        /// The media type.
        content_type: &'static str,
        /// The body.
        body: Vec<u8>,
    },
}

/// Refusals and their texts (duo-api.md, section 2.2).
impl Reply {
    fn fail(code: u32, message: &'static str, detail: Option<&str>) -> Self {
        Self::Fail { code, message, detail: detail.map(str::to_owned) }
    }

    /// 40001 with the parameter's name.
    pub fn missing(parameter: &str) -> Self {
        Self::fail(40001, "Missing required request parameters", Some(parameter))
    }

    /// 40002 with the parameter's name or a short reason.
    pub fn invalid(detail: &str) -> Self {
        Self::fail(40002, "Invalid request parameters", Some(detail))
    }

    /// 40003, a duplicate; Duo does not name it.
    pub fn duplicate() -> Self {
        Self::fail(40003, "Duplicate resource", None)
    }

    /// 40101, no usable credentials.
    pub fn no_credentials() -> Self {
        Self::fail(40101, "Missing request credentials", None)
    }

    /// 40102, an unknown key, or a key of another type on `/admin/*`.
    pub fn unknown_key(switches: &Switches) -> Self {
        let what = if switches.identity_text {
            "Invalid identity in request credentials"
        } else {
            "Invalid integration key in request credentials"
        };
        Self::fail(40102, what, None)
    }

    /// 40103, wrong signature.
    pub fn bad_signature() -> Self {
        Self::fail(40103, "Invalid signature in request credentials", None)
    }

    /// 40104, no readable date.
    pub fn no_timestamp() -> Self {
        Self::fail(40104, "Missing request timestamp", None)
    }

    /// 40105, the clock differs too much.
    pub fn bad_timestamp() -> Self {
        Self::fail(40105, "Bad request timestamp", None)
    }

    /// A refusal of the OAuth health check (duo-api.md, correction to section 6).
    pub fn invalid_client() -> Self {
        Self::fail(40002, "invalid_client", Some("The provided client_assertion was invalid."))
    }

    /// 501: Duo has an answer to this, but the sandbox does not.
    pub fn not_simulated(what: &'static str) -> Self {
        Self::NotSimulated { what }
    }

    /// 40301, a permission is missing; Duo gives no detail.
    pub fn forbidden() -> Self {
        Self::fail(40301, "Access forbidden", None)
    }

    /// 40301, the key is valid, but for another API.
    pub fn wrong_type() -> Self {
        Self::fail(40301, "Access forbidden", Some("Wrong integration type for this API."))
    }

    /// 40401.
    pub fn not_found() -> Self {
        Self::fail(40401, "Resource not found", None)
    }

    /// 40501 (unconfirmed).
    pub fn wrong_method() -> Self {
        Self::fail(40501, "Method not allowed", None)
    }

    /// 42901.
    pub fn too_many() -> Self {
        Self::fail(42901, "Too Many Requests", None)
    }

    /// 50000 (unconfirmed).
    pub fn internal() -> Self {
        Self::fail(50000, "Internal server error", None)
    }
}

impl From<io::Error> for Reply {
    /// A failing state folder is the sandbox's own error.
    fn from(_: io::Error) -> Self {
        Self::internal()
    }
}

impl Call {
    /// A parameter as text: strings as they are, numbers and booleans printed, anything else absent.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.params.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The path's segments as string slices, for matching.
    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// Refuses with 40301 unless the caller has one of the flags.
    pub fn require(&self, any_of: &[&str]) -> Result<(), Reply> {
        let held = self.caller.iter().flat_map(|caller| &caller.permissions);
        let mut held = held.map(String::as_str);
        if held.any(|flag| any_of.contains(&flag)) { Ok(()) } else { Err(Reply::forbidden()) }
    }

    /// A required parameter as text.
    pub fn required(&self, name: &str) -> Result<String, Reply> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| Reply::missing(name))
    }

    /// An optional parameter that is a whole number.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Reply> {
        let text = self.text(name).filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|_| Reply::invalid(name))).transpose()
    }

    /// The part of a list selected by `limit` and `offset` (duo-api.md, section 2.4).
    ///
    /// A limit above the maximum is reduced to it, or refused if a switch says so; a limit below 1 is always refused.
    pub fn window(&self, paging: Paging, switches: &Switches) -> Result<Window, Reply> {
        let maximum = if switches.small_pages { paging.maximum.div_ceil(5) } else { paging.maximum };
        let default =
            if paging.old && switches.unpaged_lists { usize::MAX } else { DEFAULT_ROWS.min(maximum) };
        let number = |name| {
            let number = self.number(name)?;
            number.map(|number| usize::try_from(number).map_err(|_| Reply::invalid(name))).transpose()
        };
        let limit = match number("limit")? {
            Some(0) => return Err(Reply::invalid("limit")),
            Some(limit) if switches.strict_pages && limit > maximum => return Err(Reply::invalid("limit")),
            Some(limit) => limit.min(maximum),
            None => default,
        };
        let (bare, nulls) = (switches.bare_pages, switches.null_metadata);
        Ok(Window { limit, offset: number("offset")?.unwrap_or(0), bare, nulls })
    }

    /// A list of texts in a JSON body, or in a form: a JSON array as one text, or one field for each.
    pub fn list(&self, name: &str) -> Result<Option<Vec<String>>, Reply> {
        let refused = || Reply::invalid(name);
        match self.params.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.starts_with('[') => {
                serde_json::from_str(text).map(Some).map_err(|_| refused())
            }
            Some(Value::String(text)) if text.is_empty() => Ok(Some(Vec::new())),
            Some(Value::String(text)) => Ok(Some(vec![text.clone()])),
            Some(Value::Array(items)) => {
                let texts: Option<Vec<String>> =
                    items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
                texts.map(Some).ok_or_else(refused)
            }
            Some(_) => Err(refused()),
        }
    }

    /// A JSON array of at most 100 texts, sent as one text (duo-api.md, section 7.1).
    pub fn json_list(&self, name: &str) -> Result<Option<Vec<String>>, Reply> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let texts =
            serde_json::from_str::<Vec<String>>(&text).ok().filter(|texts| texts.len() <= DEFAULT_ROWS);
        texts.map(Some).ok_or_else(|| Reply::invalid(name))
    }
}

/// A boolean of a form.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// Rows of a page without a `limit` (duo-api.md, correction to section 2.4).
const DEFAULT_ROWS: usize = 100;

/// How a list is paged.
#[derive(Clone, Copy, Debug)]
pub struct Paging {
    maximum: usize,
    old: bool,
}

impl Paging {
    /// A list that was always paged, with at most this many rows per page.
    pub const fn of(maximum: usize) -> Self {
        Self { maximum, old: false }
    }

    /// A list that older replies returned completely if there was no `limit`.
    pub const fn old(maximum: usize) -> Self {
        Self { maximum, old: true }
    }
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The most rows.
    pub limit: usize,
    /// How many rows come before it.
    pub offset: usize,
    /// A list that fits has no metadata.
    bare: bool,
    /// Metadata contains `null` for absent values.
    nulls: bool,
}

impl Window {
    /// The rows of the window, rendered; other rows are not touched.
    pub fn rows<T>(
        self,
        items: impl IntoIterator<Item = T>,
        render: impl FnMut(T) -> Value,
    ) -> impl Iterator<Item = Value> {
        items.into_iter().skip(self.offset).take(self.limit).map(render)
    }

    /// The reply with Duo's metadata, all numbers as JSON integers.
    pub fn page(self, total: usize, rows: impl Iterator<Item = Value>) -> Reply {
        let rows: Vec<Value> = rows.collect();
        let next = self.offset.saturating_add(rows.len());
        let next = (next < total && !rows.is_empty()).then_some(next);
        if self.bare && self.offset == 0 && next.is_none() {
            return Reply::Page(rows, Value::Null);
        }
        let previous = (self.offset > 0 || !self.nulls).then_some(self.offset.saturating_sub(self.limit));
        let mut metadata = Map::from_iter([("total_objects".to_owned(), json!(total))]);
        for (name, offset) in [("next_offset", next), ("prev_offset", previous)] {
            if offset.is_some() || self.nulls {
                metadata.insert(name.to_owned(), json!(offset));
            }
        }
        Reply::Page(rows, Value::Object(metadata))
    }
}
