//! Faults on request: what a network or a busy service does to a client (duo-api.md, section 11, items 7, 8).

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::message::{RawReply, RawRequest};
use super::paths::{GRAPHQL_PATH, TOKEN_PATH};
use super::switches::Switches;

macro_rules! faults {
    ($($(#[doc = $text:literal])+ $kind:ident = $name:literal, $takes:literal;)+) => {
        /// The kinds of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FaultKind {
            $($(#[doc = $text])+ $kind,)+
        }

        impl FaultKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// Its name: `reset-after-commit`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// The meaning of its number; `""` if it takes none.
            pub fn takes(self) -> &'static str {
                match self { $(Self::$kind => $takes,)+ }
            }

            /// What it does.
            pub fn text(self) -> &'static str {
                match self { $(Self::$kind => concat!($($text),+),)+ }
            }
        }
    };
}

faults! {
    /// The first N calls get 429 and 42901.
    TooMany = "429", "N";
    /// More than N writes a minute get 429 and 42901.
    WritesPerMinute = "writes-per-minute", "N";
    /// The first N calls get 500 and 50000.
    ServerError = "5xx", "N";
    /// The first N calls get 502 and an HTML page, as from a gateway.
    Html = "html", "N";
    /// The first N calls get 302 to another host.
    Redirect = "redirect", "N";
    /// The first N calls get a body of 64 MiB.
    Huge = "huge", "N";
    /// The first N calls lose their connection before anything is done.
    ResetBefore = "reset-before", "N";
    /// The first N writes are carried out, and the connection is lost instead of the answer.
    ResetAfterCommit = "reset-after-commit", "N";
    /// The first N answers end in the middle.
    Truncate = "truncate", "N";
    /// The first N calls are never answered, and nothing is done.
    Halt = "halt", "N";
    /// The first N calls are carried out and never answered.
    HaltAfterCommit = "halt-after-commit", "N";
    /// The first N calls are carried out, but their answers arrive slowly and never end.
    Endless = "endless", "N";
    /// Every answer is N milliseconds late.
    Delay = "delay", "MS";
    /// Every answer arrives a few bytes at a time.
    Drip = "drip", "";
    /// The clock is N seconds ahead, or behind when negative.
    Skew = "skew", "SECONDS";
    /// Every page but the last names its own offset as the next one.
    RepeatOffset = "repeat-offset", "";
    /// Every list claims one object more than it returns.
    ShortList = "short-list", "";
    /// Every list ends after its first page.
    EndEarly = "end-early", "";
    /// The first N pages after a first one look as if an object before them had been deleted in between.
    Shift = "shift", "N";
    /// The first N pages after a first one look as if an object before them had been added in between.
    Repeat = "repeat", "N";
    /// The first N lists of applications after a write show neither it nor later changes.
    Lag = "lag", "N";
    /// The first N changes of an Admin API application by another one also revoke its permissions, except the one to set them.
    Revoke = "revoke", "N";
    /// The first N writes are answered as if they had been carried out, but change nothing.
    NoEffect = "no-effect", "N";
    /// The first N writes of a policy silently drop the sections that Duo does not know.
    DropSections = "drop-sections", "N";
    /// The summary of policies only has the first half of them, and says so.
    ShortSummary = "short-summary", "";
    /// The first N calls of the token endpoint and the public API of Identity Intelligence get 503.
    IntelligenceDown = "intelligence-503", "N";
    /// The first N of these calls get 200 and an HTML page, as from a proxy.
    IntelligenceHtml = "intelligence-html", "N";
    /// The first N of these calls get 302 to another host.
    IntelligenceRedirect = "intelligence-redirect", "N";
    /// The first N of these calls lose their connection.
    IntelligenceReset = "intelligence-reset", "N";
    /// Every answer to these calls is N milliseconds late.
    IntelligenceDelay = "intelligence-delay", "MS";
    /// `code` of an error is text.
    StringCode = "string-code", "";
}

/// A fault: `KIND` or `KIND=N`, followed by `@CALLS`, `@/PATH`, or both. The number of calls defaults to 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// How often, how long, or how far.
    pub amount: i64,
    /// How many calls pass before it starts.
    pub after: u64,
    /// Only for requests whose path has this prefix; empty for all.
    pub path: String,
}

impl FaultKind {
    /// Whether it affects single requests, so that it can be limited to a path.
    fn is_local(self) -> bool {
        !matches!(
            self,
            Self::WritesPerMinute
                | Self::Delay
                | Self::Drip
                | Self::Skew
                | Self::StringCode
                | Self::Lag
                | Self::Revoke
                | Self::DropSections
                | Self::ShortSummary
        )
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (text, path) = match text.split_once("@/") {
            Some((text, path)) => (text, format!("/{}", path.trim())),
            None => (text, String::new()),
        };
        let (text, after) = match text.split_once('@') {
            Some((text, calls)) => {
                let needed = || format!("add the number of calls before `{text}` starts: {text}@CALLS");
                (text, calls.trim().parse().map_err(|_| needed())?)
            }
            None => (text, 0),
        };
        let (name, amount) = match text.split_once('=') {
            Some((name, amount)) => (name.trim(), Some(amount.trim())),
            None => (text.trim(), None),
        };
        let Some(kind) = FaultKind::ALL.iter().copied().find(|kind| kind.name() == name) else {
            let known = FaultKind::ALL.iter().map(|kind| match kind.takes() {
                "" => kind.name().to_owned(),
                takes => format!("{}={takes}", kind.name()),
            });
            return Err(format!(
                "unknown fault `{name}`; known faults: {}",
                known.collect::<Vec<_>>().join(", ")
            ));
        };
        let amount = match amount {
            None if matches!(
                kind,
                FaultKind::Delay
                    | FaultKind::Skew
                    | FaultKind::WritesPerMinute
                    | FaultKind::IntelligenceDelay
            ) =>
            {
                return Err(format!("fault `{name}` needs a number: {name}={}", kind.takes()));
            }
            None => 1,
            Some(_) if kind.takes().is_empty() => return Err(format!("fault `{name}` takes no number")),
            Some(text) => {
                let number = text.parse::<i64>().ok().filter(|n| *n >= 0 || kind == FaultKind::Skew);
                number.ok_or_else(|| format!("fault `{name}` needs a number, not `{text}`"))?
            }
        };
        if !path.is_empty() && !kind.is_local() {
            return Err(format!("fault `{name}` cannot be limited to a path"));
        }
        Ok(Self { kind, amount, after, path })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if !self.kind.takes().is_empty() {
            write!(f, "={}", self.amount)?;
        }
        if self.after > 0 {
            write!(f, "@{}", self.after)?;
        }
        if self.path.is_empty() { Ok(()) } else { write!(f, "@{}", self.path) }
    }
}

/// What happens to one request.
#[derive(Clone, PartialEq)]
pub enum Strike {
    /// Nothing.
    None,
    /// This is answered; nothing is done.
    Answer(RawReply),
    /// The connection is lost before anything is done.
    ResetBefore,
    /// The request is carried out, and the connection is lost instead of the answer.
    ResetAfter,
    /// The request is carried out, and the answer ends in the middle.
    Truncate,
    /// Nothing is done, and no answer ever comes.
    Halt,
    /// The request is carried out, and no answer ever comes.
    HaltAfter,
    /// The request is carried out, and the answer never ends.
    Endless,
}

/// The active faults.
#[derive(Debug, Default)]
pub struct Faults {
    active: Vec<Fault>,
    writes: VecDeque<i64>,
    halted: usize,
}

/// Whether a request is for the token endpoint or the public API of Identity Intelligence.
fn is_intelligence(request: &RawRequest) -> bool {
    [TOKEN_PATH, GRAPHQL_PATH].contains(&request.path())
}

fn redirect(now: i64) -> Strike {
    let mut reply = RawReply::new(302, "text/html", PAGE.into(), now);
    reply.headers.push(("Location", "https://example.com/".to_owned()));
    Strike::Answer(reply)
}

const PAGE: &str = "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>";

impl Faults {
    /// Starts with these faults.
    pub fn new(active: Vec<Fault>) -> Self {
        Self { active, ..Self::default() }
    }

    /// Adds a fault.
    pub fn add(&mut self, fault: Fault) {
        self.active.push(fault);
    }

    /// Ends all faults.
    pub fn clear(&mut self) {
        self.active.clear();
    }

    /// How many calls were left without an answer forever.
    pub fn halted(&self) -> usize {
        self.halted
    }

    fn amount(&self, kind: FaultKind) -> Option<i64> {
        let mut begun = self.active.iter().filter(|fault| fault.after == 0);
        begun.find(|fault| fault.kind == kind).map(|fault| fault.amount)
    }

    fn holds(&self, kind: FaultKind, path: &str) -> bool {
        let mut begun = self.active.iter().filter(|fault| fault.after == 0);
        begun.any(|fault| fault.kind == kind && path.starts_with(&fault.path))
    }

    /// Uses up one of the calls that remain for a fault at a path.
    fn take(&mut self, kind: FaultKind, path: &str) -> bool {
        let strikes = |fault: &&mut Fault| {
            fault.kind == kind && fault.after == 0 && fault.amount > 0 && path.starts_with(&fault.path)
        };
        match self.active.iter_mut().find(strikes) {
            Some(fault) => {
                fault.amount -= 1;
                true
            }
            None => false,
        }
    }

    /// How much the clock differs, in seconds.
    pub fn skew(&self) -> i64 {
        self.amount(FaultKind::Skew).unwrap_or_default()
    }

    /// By how much the answer to a request is delayed.
    pub fn delay(&self, request: &RawRequest) -> Duration {
        let kinds =
            [Some(FaultKind::Delay), is_intelligence(request).then_some(FaultKind::IntelligenceDelay)];
        let amount: i64 = kinds.into_iter().flatten().filter_map(|kind| self.amount(kind)).sum();
        Duration::from_millis(u64::try_from(amount).unwrap_or_default())
    }

    /// Whether answers arrive a few bytes at a time.
    pub fn drips(&self) -> bool {
        self.amount(FaultKind::Drip).is_some()
    }

    /// Whether `code` is text.
    pub(super) fn string_code(&self) -> bool {
        self.amount(FaultKind::StringCode).is_some()
    }

    /// Decides what happens to a request. Only one fault is injected at a time, in the order of [`FaultKind`].
    pub(super) fn strike(&mut self, request: &RawRequest, switches: &Switches, now: i64) -> Strike {
        let strike = self.strike_now(request, switches, now);
        self.active.iter_mut().for_each(|fault| fault.after = fault.after.saturating_sub(1));
        self.halted += usize::from(matches!(strike, Strike::Halt | Strike::HaltAfter));
        strike
    }

    fn strike_now(&mut self, request: &RawRequest, switches: &Switches, now: i64) -> Strike {
        let path = request.path();
        let writes = request.method != "GET";
        let refuse = |reply| Strike::Answer(RawReply::render(reply, request, switches, now));
        if is_intelligence(request)
            && let Some(strike) = self.strike_intelligence(path, now)
        {
            return strike;
        }
        if self.take(FaultKind::TooMany, path) || (writes && self.over_write_limit(now)) {
            return refuse(Reply::too_many());
        }
        if self.take(FaultKind::ServerError, path) {
            return refuse(Reply::internal());
        }
        if self.take(FaultKind::Html, path) {
            return Strike::Answer(RawReply::new(502, "text/html", PAGE.into(), now));
        }
        if self.take(FaultKind::Redirect, path) {
            return redirect(now);
        }
        if self.take(FaultKind::Huge, path) {
            let body = vec![b' '; 64 << 20];
            return Strike::Answer(RawReply::new(200, "application/json", body, now));
        }
        if self.take(FaultKind::ResetBefore, path) {
            return Strike::ResetBefore;
        }
        if writes && self.take(FaultKind::ResetAfterCommit, path) {
            return Strike::ResetAfter;
        }
        if self.take(FaultKind::Truncate, path) {
            return Strike::Truncate;
        }
        if self.take(FaultKind::Halt, path) {
            return Strike::Halt;
        }
        if self.take(FaultKind::HaltAfterCommit, path) {
            return Strike::HaltAfter;
        }
        if self.take(FaultKind::Endless, path) { Strike::Endless } else { Strike::None }
    }

    fn strike_intelligence(&mut self, path: &str, now: i64) -> Option<Strike> {
        if self.take(FaultKind::IntelligenceDown, path) {
            return Some(Strike::Answer(RawReply::new(503, "text/html", PAGE.into(), now)));
        }
        if self.take(FaultKind::IntelligenceHtml, path) {
            return Some(Strike::Answer(RawReply::new(200, "text/html", PAGE.into(), now)));
        }
        if self.take(FaultKind::IntelligenceRedirect, path) {
            return Some(redirect(now));
        }
        self.take(FaultKind::IntelligenceReset, path).then_some(Strike::ResetBefore)
    }

    fn over_write_limit(&mut self, now: i64) -> bool {
        let Some(limit) = self.amount(FaultKind::WritesPerMinute) else { return false };
        while self.writes.front().is_some_and(|time| *time <= now - 60) {
            self.writes.pop_front();
        }
        if i64::try_from(self.writes.len()).unwrap_or(i64::MAX) >= limit {
            return true;
        }
        self.writes.push_back(now);
        false
    }

    /// By how many objects a list has moved before a later page is read, if a fault says so: the page is read from there.
    pub(super) fn moves(&mut self, call: &mut Call) -> i64 {
        let offset = call.number("offset").ok().flatten().unwrap_or_default();
        if call.method != "GET" || offset <= 0 {
            return 0;
        }
        let path = format!("/{}", call.path.join("/"));
        let by = match (self.take(FaultKind::Shift, &path), self.take(FaultKind::Repeat, &path)) {
            (true, _) => 1,
            (false, true) => -1,
            (false, false) => return 0,
        };
        call.params.insert("offset".to_owned(), json!(offset + by));
        by
    }

    /// Whether lists of applications will lag behind a write.
    pub(super) fn will_lag(&self) -> bool {
        self.amount(FaultKind::Lag).is_some_and(|lists| lists > 0)
    }

    /// Whether this list of applications lags.
    pub(super) fn lags(&mut self) -> bool {
        self.take(FaultKind::Lag, "")
    }

    /// Whether a change of an Admin API application also revokes its permissions.
    pub(super) fn revokes(&mut self) -> bool {
        self.take(FaultKind::Revoke, "")
    }

    /// Whether a write is answered without being carried out.
    pub(super) fn has_no_effect(&mut self, call: &Call) -> bool {
        call.method != "GET" && self.take(FaultKind::NoEffect, &format!("/{}", call.path.join("/")))
    }

    /// Whether a write of a policy drops the sections that Duo does not know.
    pub(super) fn drops_sections(&mut self) -> bool {
        self.take(FaultKind::DropSections, "")
    }

    /// Whether the summary of policies lacks some of them.
    pub(super) fn shortens_summary(&self) -> bool {
        self.amount(FaultKind::ShortSummary).is_some()
    }

    /// Falsifies the metadata of a page if a fault says so; `moved` is the result of [`Self::moves`].
    pub(super) fn falsify(&self, path: &str, offset: usize, moved: i64, metadata: &mut Map<String, Value>) {
        for name in ["next_offset", "total_objects"] {
            if let Some(number) = metadata.get(name).and_then(Value::as_i64) {
                metadata.insert(name.to_owned(), json!(number - moved));
            }
        }
        if self.holds(FaultKind::EndEarly, path) {
            metadata.remove("next_offset");
        }
        if self.holds(FaultKind::RepeatOffset, path)
            && metadata.get("next_offset").is_some_and(|next| !next.is_null())
        {
            metadata.insert("next_offset".to_owned(), json!(offset));
        }
        if self.holds(FaultKind::ShortList, path) {
            let total = metadata.get("total_objects").and_then(Value::as_u64).unwrap_or_default();
            metadata.insert("total_objects".to_owned(), json!(total + 1));
        }
    }
}

#[cfg(test)]
mod tests;
