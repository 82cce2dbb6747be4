//! The readers of external input, one function each: a panic is a bug. `mod.rs` runs them on mutations of the corpus, `fuzz/`
//! with coverage guidance.

use duoctl::cli::session::desired;
use duoctl::config::load::load_text;
use duoctl::duo::call::ApiCall;
use duoctl::duo::object::{Ikey, Kind, Object};
use duoctl::duo::reply::{Body, Reply, outcome};
use duoctl::kinds::marker::Notes;
use duoctl::output::document::{self, Document, PlanDocument};
use duoctl::output::format::{Format, render};
use duoctl::output::human::{self, Style};
use duoctl::output::repository::Context;
use duoctl::output::{json, snippet};
use duoctl::reconcile::fingerprint::Fingerprint;
use duoctl::reconcile::observation::Observation;
use duoctl::reconcile::observed::{Objects, Observed};
use duoctl::reconcile::plan::{Options, Prune, plan};
use duoctl::reconcile::selection::Selection;
use duoctl::text::is_harmful;
use duoctl::text::{quoted, safe};
use serde_json::Value;

fn options() -> Options {
    Options {
        prune: Prune::Quarantine,
        selection: Selection::default(),
        hold_back: false,
        allow: Vec::new(),
        now: jiff::Timestamp::UNIX_EPOCH,
        rotation: Default::default(),
    }
}

fn observation(integrations: Vec<Object>) -> Observation {
    Observation {
        objects: Objects::from([
            (Kind::Application, Observed::Present(integrations)),
            (Kind::Group, Observed::Present(Vec::new())),
            (Kind::Policy, Observed::Present(Vec::new())),
        ]),
        ..Observation::new(
            "api-1a2b3c4d.duosecurity.com",
            Ikey::new("DIOPERATOR"),
            jiff::Timestamp::UNIX_EPOCH,
        )
    }
}

/// YAML of a workspace: read, shown with its findings, and planned.
pub(crate) fn yaml(input: &[u8]) {
    let text = String::from_utf8_lossy(input).into_owned();
    let loaded = load_text("duo.yaml".into(), text);
    let shown = snippet::render(&loaded.diagnostics, &loaded.sources, false, 100);
    assert!(shown.chars().all(|c| c == '\n' || !is_harmful(c)), "{shown}");
    if let Some(workspace) = loaded.valid() {
        let wanted = desired(workspace);
        let planned = plan(&wanted, &observation(Vec::new()), &options());
        assert!(planned.steps().len() <= wanted.objects.len() * 3);
    }
}

/// A saved plan, or any document that `show` reads: compared with the current state, and shown in every format.
pub(crate) fn plans(input: &[u8]) {
    let Ok(mut document) = serde_json::from_slice::<Value>(input) else { return };
    shown(&document);
    let fingerprint = document.get_mut("fingerprint").map(Value::take).unwrap_or_default();
    if let Ok(fingerprint) = serde_json::from_value::<Fingerprint>(fingerprint) {
        let now = plan(
            &desired_of("version: 1\nworkspace: a\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n"),
            &observation(Vec::new()),
            &options(),
        );
        let _ = fingerprint.moved(now.fingerprint());
    }
}

fn shown(value: &Value) {
    let Ok(document) = document::read(value) else { return };
    for format in Format::ALL {
        let Some(text) = render(format, &document, &Context::default(), Style::PLAIN) else { continue };
        // Line breaks of CSS and HTML separate the lines of Markdown and XML; no other invisible character may occur.
        assert!(text.chars().all(|c| c == '\n' || !is_harmful(c)), "{}: {text}", format.name());
        if format == Format::Github {
            let ours =
                |line: &str| ["::error", "::warning", "::notice"].iter().any(|word| line.starts_with(word));
            assert!(text.lines().all(|line| !line.trim_start().starts_with("::") || ours(line)), "{text}");
        }
    }
}

fn desired_of(text: &str) -> duoctl::reconcile::desired::Desired {
    let loaded = load_text("duo.yaml".into(), text.to_owned());
    desired(loaded.valid().unwrap())
}

/// One of Duo's answers: read, planned from, and shown.
pub(crate) fn replies(input: &[u8]) {
    let wanted = desired_of(
        "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\napplications:\n  \
         vpn: {type: radius, name: VPN, user_access: no_users, greeting: x, notes: y, self_service_allowed: false}\n  \
         siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info], networks_for_api_access: [192.0.2.0/24]}\n",
    );
    for status in [200, 400, 429, 500] {
        let reply = Reply {
            status,
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            location: None,
            retry_after: None,
            body: Body::Whole(input.to_vec()),
        };
        let call = ApiCall::get("/admin/v3/integrations", &[]);
        match outcome(&call, &reply) {
            Ok(success) => {
                let rows = success.response.as_array().cloned().unwrap_or_default();
                for row in &rows {
                    for kind in [Kind::Group, Kind::Policy] {
                        let _ = Object::decode(kind, row.clone());
                    }
                }
                let live: Vec<Object> =
                    rows.into_iter().filter_map(|row| Object::decode(Kind::Application, row)).collect();
                let planned = plan(&wanted, &observation(live), &options());
                let document = PlanDocument::new(&planned, &[], &wanted, &Default::default());
                let shown = human::render(&Document::Plan(Box::new(document)), Style::PLAIN);
                assert!(shown.chars().all(|c| c == '\n' || !is_harmful(c)), "{shown}");
            }
            Err(error) => {
                let shown = error.to_string();
                assert!(!shown.chars().any(is_harmful) && shown.chars().count() < 2000, "{shown}");
            }
        }
    }
}

/// Notes of an application: the marker reads back the same, and no text before it can become another marker.
pub(crate) fn markers(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let notes = Notes::parse(&text);
    if let Some(marker) = notes.marker {
        // What is read is written the same again, and no text before it can become another marker.
        let written = marker.notes(&notes.text);
        let again = Notes::parse(&written);
        assert_eq!((again.text, again.marker.as_ref()), (notes.text, Some(&marker)), "{written:?}");
        // Two markers cancel each other.
        let doubled = marker.notes(&text);
        let doubled = Notes::parse(&doubled);
        assert!(doubled.marker.is_none() && doubled.damaged.is_some(), "{text:?}");
    }
}

/// Other people's text as every output shows it: harmless, on its line, and complete in JSON.
pub(crate) fn texts(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (shown, quoted) = (safe(&text), quoted(&text));
    assert!(!shown.chars().any(is_harmful) && !quoted.chars().any(is_harmful), "{shown}");
    let inner: Vec<char> = quoted.chars().collect();
    let inside = &inner[1..inner.len() - 1];
    assert!(inside.iter().enumerate().all(|(at, c)| *c != '"' || inside[at - 1] == '\\'), "{quoted}");
    let document = json::text(&serde_json::json!({ &*text: [text] }));
    assert!(document.chars().all(|c| c == '\n' || !is_harmful(c)), "{document}");
    assert_eq!(document.lines().count(), 5, "{document}");
    let back: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(back[&*text][0], *text);
}
