//! The pages of what live calls proved.

use maud::{Markup, html};

use super::page::{Page, Tone, code, list, prose, section, tag, tool};
use crate::output::document::{ApplicationDocument, ConnectionDocument, DoctorDocument, VerifyDocument};
use crate::output::human::plan::left_out;
use crate::text::safe;
use crate::verify::report::{Check, Verdict};

/// The page of `verify`.
pub(super) fn page(verify: &VerifyDocument) -> Page<'_> {
    let pending = verify.left_out_pending.as_ref().map_or(0, Vec::len);
    let left_out = left_out(verify.left_out.as_deref().unwrap_or_default(), pending);
    let left_out = left_out.iter().map(|sentence| html! { li { (prose(sentence)) } });
    let summary = verify.summary;
    Page {
        title: "duoctl verify".to_owned(),
        about: [verify.workspace.as_deref(), None],
        summary: vec![(verify.last_line(), tone(verify))],
        tiles: vec![
            (summary.failed, Verdict::Failed.words(), Tone::Bad),
            (summary.inconclusive, Verdict::Inconclusive.words(), Tone::Notice),
            (summary.pending, Verdict::Pending.words(), Tone::Notice),
            (summary.verified, Verdict::Verified.words(), Tone::Good),
            (summary.not_testable, Verdict::NotTestable.words(), Tone::Faint),
        ],
        sections: sections(verify).into_iter().chain([list("Also", left_out)]).collect(),
        foot: tool(),
    }
}

/// The page of `doctor`.
pub(super) fn doctor(doctor: &DoctorDocument) -> Page<'_> {
    let tone = if doctor.healthy { Tone::Good } else { Tone::Bad };
    Page {
        title: "duoctl doctor".to_owned(),
        about: [None, None],
        summary: vec![(doctor.last_line().to_owned(), tone)],
        tiles: Vec::new(),
        sections: vec![section("Checks", [html! { div class="wide" { (checks(&doctor.checks)) } }])],
        foot: tool(),
    }
}

/// How it came out.
pub(super) fn tone(verify: &VerifyDocument) -> Tone {
    if verify.passed { Tone::Good } else { Tone::Bad }
}

/// What is amiss, the connections, and every application.
pub(super) fn sections(verify: &VerifyDocument) -> Vec<Markup> {
    let applications = verify.applications.iter().map(|it| (&it.address, it.kind.as_str(), &it.checks));
    let connections =
        verify.identity_intelligence.iter().map(|it| (&it.address, "identity_intelligence", &it.checks));
    let open = applications.chain(connections).flat_map(|(address, kind, checks)| {
        let amiss =
            checks.iter().filter(|check| matches!(check.verdict, Verdict::Failed | Verdict::Inconclusive));
        amiss.map(move |check| open_item(address, kind, check))
    });
    let mut applications: Vec<&ApplicationDocument> = verify.applications.iter().collect();
    applications.sort_by_key(|it| std::cmp::Reverse(it.verdict.is_amiss()));
    vec![
        list("Not verified", open),
        section("Identity Intelligence", verify.identity_intelligence.iter().map(connection)),
        section("Applications", applications.into_iter().map(application)),
    ]
}

fn open_item(address: &str, kind: &str, check: &Check) -> Markup {
    html! {
        li class=(verdict_tone(check.verdict).class()) data-address=(safe(address)) data-kind=(safe(kind)) data-state=(state(check.verdict)) {
            (verdict(check.verdict)) " " (code(address)) " " (safe(&check.name)) ": " (prose(&check.detail))
            @for line in check.fix.iter().flat_map(|fix| fix.lines()) { p { (prose(line)) } }
        }
    }
}

fn connection(connection: &ConnectionDocument) -> Markup {
    html! {
        details open data-address=(safe(&connection.address)) data-kind="identity_intelligence" data-state=(state(connection.verdict)) {
            summary { (verdict(connection.verdict)) " " (code(&connection.address)) " " (safe(&connection.display_name)) }
            (checks(&connection.checks))
            @match &connection.reached {
                Some(name) => { p { "works up to: " b { (safe(name)) } } }
                None => { p { "nothing works yet" } }
            }
        }
    }
}

fn application(it: &ApplicationDocument) -> Markup {
    html! {
        details open[it.verdict.is_amiss()] data-address=(safe(&it.address)) data-kind=(safe(&it.kind)) data-state=(state(it.verdict)) {
            summary {
                (verdict(it.verdict)) " " (code(&it.address)) " " (safe(&it.name)) " " span class="soft" { "(" (safe(&it.kind)) ")" }
            }
            (checks(&it.checks))
            @if let Some(ikey) = &it.integration_key { p class="place" { "Integration key " (code(ikey)) } }
        }
    }
}

fn checks(checks: &[Check]) -> Markup {
    html! {
        table {
            thead { tr { th { "Check" } th { "Outcome" } th { "Seen" } } }
            tbody {
                @for check in checks {
                    tr {
                        th scope="row" { (safe(&check.name)) }
                        td { (verdict(check.verdict)) }
                        td {
                            (prose(&check.detail))
                            @for line in check.fix.iter().flat_map(|fix| fix.lines()) { p { (prose(line)) } }
                        }
                    }
                }
            }
        }
    }
}

/// One word for the filter.
fn state(verdict: Verdict) -> String {
    verdict.words().replace(' ', "_")
}

fn verdict(verdict: Verdict) -> Markup {
    tag(verdict.words(), verdict_tone(verdict))
}

fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Verified => Tone::Good,
        Verdict::Shown | Verdict::Attested => Tone::Calm,
        Verdict::NotTestable | Verdict::NotVerifiable | Verdict::Unsupported | Verdict::Skipped => {
            Tone::Faint
        }
        Verdict::Pending | Verdict::Inconclusive => Tone::Notice,
        Verdict::Failed => Tone::Bad,
    }
}
