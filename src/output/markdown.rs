//! Documents as Markdown, for a pull request comment, a step summary or a GitLab merge request.
//!
//! The summary comes first. Errors, refusals, risks and removals are visible; the changes field by field are folded. The
//! first line is hidden and names the command and the workspace, so that a pipeline can find its comment and edit it.

mod comment;
mod console;
mod graph;
mod report;
mod sections;
mod text;

use std::fmt::Write as _;

use serde_json::Value;

use crate::kinds::risk::Risk;
use crate::reconcile::diff::Origin;
use crate::reconcile::fingerprint::{Fingerprint, hash};
use crate::reconcile::handoff::Purpose;
use crate::reconcile::plan::Action;

use super::document::{
    Actions, ApplyDocument, ChangeDocument, Document, HandoffDocument, Kind, PlanDocument, StepDocument,
    StepStatus, unmanaged_fields,
};
use super::human::plan::{BY_SECOND, sign};
use super::human::{affected, console as sheet};
use super::paint::Paint;
use crate::text::one_line;
use comment::{Comment, Detail, Section};
use report::{failure_comment, validate_comment, verify_comment};
use sections::{ROWS, failed_checks, marker, problems};
use text::{code, html_code, prose, summary};

/// The document as Markdown; `None` if it is not meant for a comment or a ticket.
///
/// `run` is the URL of the CI run that writes it.
pub fn render(document: &Document, run: Option<&str>) -> Option<String> {
    let mut comment = match document {
        Document::Plan(plan) => plan_comment(plan, "plan"),
        Document::Drift(plan) => plan_comment(plan, "drift"),
        Document::Apply(apply) => apply_comment(apply),
        Document::Verify(verify) => verify_comment(verify),
        Document::Validate(validate) => validate_comment(validate),
        Document::Failure(failure) => failure_comment(failure),
        Document::Graph(graph) => graph::comment(graph, marker("graph", &graph.workspace)),
        Document::Handoff(handoffs) => {
            return Some(handoffs.handoffs.iter().map(console::sheet).collect::<Vec<_>>().join("\n"));
        }
        Document::Doctor(_)
        | Document::Keys(_)
        | Document::List(_)
        | Document::Import(_)
        | Document::Rotations(_)
        | Document::KeyChanges(_)
        | Document::Edit(_) => {
            return None;
        }
    };
    if let Some(run) = run {
        comment.foot = comment.foot.replacen("</sub>", &format!(", [CI run]({run})</sub>"), 1);
    }
    Some(comment.text())
}

fn plan_comment(plan: &PlanDocument, command: &str) -> Comment {
    let mut head =
        format!("### duoctl {command}: {} on {}\n\n", code(&plan.workspace), code(&plan.api_hostname));
    let _ = writeln!(head, "{}", summary(&plan.last_line()));
    let mut sections = vec![problems(&plan.diagnostics), refusals(plan, "An apply would be refused")];
    sections.extend([drift_risks(plan), risks(plan), ends(plan), affected(plan), attention(plan), who(plan)]);
    let details = plan.steps.iter().map(step_detail).chain(plan.handoffs.iter().map(handoff_detail));
    Comment {
        marker: marker(command, &plan.workspace),
        head,
        sections,
        details: details.collect(),
        foot: foot(&plan.fingerprint),
    }
}

/// Twelve digits that show whether an apply carried out the plan of this comment.
pub(super) fn digits(fingerprint: &Fingerprint) -> String {
    let text = serde_json::to_string(fingerprint).unwrap_or_default();
    hash([text.as_str()]).chars().take(12).collect()
}

fn foot(fingerprint: &Fingerprint) -> String {
    let short = digits(fingerprint);
    format!("<sub>Plan {} by duoctl {}</sub>", html_code(&short), html_code(&fingerprint.tool_version))
}

fn refusals(plan: &PlanDocument, title: &'static str) -> Section {
    let items = plan.refusals.iter().map(|refusal| {
        let lift = refusal.lift.as_ref().map_or_else(
            || "nothing lifts this guard".to_owned(),
            |lift| format!("to allow it: {}", code(lift)),
        );
        format!("{}: {}<br>{lift}", code(&refusal.guard), prose(&refusal.message))
    });
    let consent = plan.consent.as_ref().filter(|_| !plan.refusals.is_empty());
    let consent = consent.map(|command| format!("to consent to all of it: {}", code(command)));
    Section {
        title,
        alert: Some("CAUTION"),
        items: items.chain(consent).chain(plan.held_back().map(|sentence| prose(&sentence))).collect(),
    }
}

/// Every risk except neutral, the most serious first.
fn risks(plan: &PlanDocument) -> Section {
    let mut found: Vec<_> = plan
        .steps
        .iter()
        .flat_map(|step| step.risks.iter().map(move |risk| (risk.risk, step, risk)))
        .collect();
    found.sort_by_key(|(risk, ..)| std::cmp::Reverse(*risk));
    let items = found.into_iter().map(|(risk, step, reason)| {
        let undoes = step.undoing(reason);
        let (address, name) = (code(&step.address), code(&step.name));
        format!("**{risk}** {address} {name}: {}{undoes}", prose(&reason.reason))
    });
    let dangers = plan.steps.iter().flat_map(|step| &step.risks).any(|risk| risk.risk.is_danger());
    Section { title: "Risks", alert: dangers.then_some("WARNING"), items: items.collect() }
}

/// The risks of leaving changes made in Duo in place.
fn drift_risks(plan: &PlanDocument) -> Section {
    let found = plan.steps.iter().flat_map(|step| step.drift.iter().map(move |risk| (step, risk)));
    let items = found.map(|(step, risk)| {
        format!(
            "**{}** {} {}: as it is now, {}",
            risk.risk,
            code(&step.address),
            code(&step.name),
            prose(&risk.reason)
        )
    });
    let dangers = plan.steps.iter().flat_map(|step| &step.drift).any(|risk| risk.risk.is_danger());
    Section {
        title: "Risks of changes made in Duo",
        alert: dangers.then_some("WARNING"),
        items: items.collect(),
    }
}

/// Who is affected by the plan.
fn affected(plan: &PlanDocument) -> Section {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| prose(line.trim_start().trim_start_matches("@ "))).collect()
    };
    let mut items: Vec<String> = Vec::new();
    for step in &plan.steps {
        let Some(people) = &step.affected else { continue };
        let mut text = String::new();
        affected::render(&mut text, people, Paint { on: false });
        items.push(format!("{}: {}", code(&step.address), lines(&text).join("<br>")));
    }
    if let Some(survey) = &plan.impact {
        let mut text = String::new();
        affected::survey(&mut text, survey, Paint { on: false });
        items.extend(lines(text.trim_end()));
    }
    Section { title: "Who is affected", alert: None, items }
}

/// Applications that are deleted, replaced or quarantined.
fn ends(plan: &PlanDocument) -> Section {
    let ending = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Delete | Action::Replace | Action::Quarantine));
    let items = ending.map(|step| {
        let ikey = step.integration_key.as_ref().map(|ikey| format!(" {}", code(ikey))).unwrap_or_default();
        let consequences: String =
            step.consequences.iter().map(|line| format!("<br>{}", prose(line))).collect();
        format!(
            "**{}** {} {} ({}){ikey}{consequences}",
            step.action.name(),
            code(&step.address),
            code(&step.name),
            code(step.what())
        )
    });
    Section { title: "Removed or replaced", alert: None, items: items.collect() }
}

/// What a reviewer should know in addition to the changes: console forms, orphans, what was left out.
fn attention(plan: &PlanDocument) -> Section {
    let mut items: Vec<String> = plan
        .handoffs
        .iter()
        .map(|handoff| {
            let fields = handoff.fields.iter().filter(|field| field.outstanding).count();
            match handoff.purpose {
                Purpose::Enter => {
                    format!(
                        "a person has to enter {fields} fields for {} in a console",
                        code(&handoff.address)
                    )
                }
                Purpose::Remove => {
                    format!("a person has to remove {} from a console", code(&handoff.address))
                }
            }
        })
        .collect();
    for orphan in &plan.orphans {
        let step =
            plan.steps.iter().any(|step| step.integration_key.as_deref() == Some(orphan.ikey.as_str()));
        if !step {
            let state = match &orphan.quarantined_since {
                Some(since) => format!("has been quarantined since {}", code(since)),
                None => "is owned, but no longer in the YAML".to_owned(),
            };
            items.push(format!(
                "{} {} {} {state}",
                code(orphan.address.as_str()),
                code(&orphan.name),
                code(orphan.ikey.as_str())
            ));
        }
    }
    let unmanaged = unmanaged_fields(plan.summary.unmanaged_fields);
    items.extend(unmanaged.filter(|_| plan.kind == Kind::Drift));
    match plan.left_out {
        0 => {}
        count => items.push(format!("{count} of the addresses were left out by `--only` or `--exclude`")),
    }
    Section { title: "Also", alert: None, items }
}

fn who(plan: &PlanDocument) -> Section {
    let mut items = Vec::new();
    for (address, activities) in plan.who.iter().flat_map(|who| &who.by_address) {
        for Actions { when, who, from, what } in Actions::of(activities) {
            let (when, who, from, what) = (code(&when), code(who), code(from), code(&what));
            items.push(format!("{}: {when} by {who} from {from}: {what}", code(address)));
        }
    }
    Section { title: "Who did it", alert: None, items }
}

/// The most serious risk of a step; a removal always counts as serious.
pub(super) fn weight(step: &StepDocument) -> u8 {
    let of = |risk: Risk| Risk::ALL.iter().position(|known| *known == risk).unwrap_or_default();
    let gravest = step.risks.iter().map(|risk| of(risk.risk)).max().unwrap_or_default();
    let gravest = match step.action {
        Action::Delete => gravest.max(of(Risk::Destroys)),
        Action::Replace => gravest.max(of(Risk::Replaces)),
        Action::Create
        | Action::Update
        | Action::Adopt
        | Action::Quarantine
        | Action::Deliver
        | Action::Rotate
        | Action::Retain => gravest,
    };
    u8::try_from(gravest).unwrap_or(u8::MAX)
}

fn step_detail(step: &StepDocument) -> Detail {
    let summary = format!(
        "{} {} {} ({})",
        // The signs `<` and `>` would be read as HTML.
        sign(step.action, Paint { on: false }).replace('>', "&gt;"),
        html_code(&step.address),
        html_code(&step.name),
        html_code(step.what())
    );
    let mut body = String::new();
    if !step.changes.is_empty() {
        let creating = step.action == Action::Create;
        let (title, line) = if creating {
            ("| Field | Value |", "|---|---|")
        } else {
            ("| Field | Before | After | |", "|---|---|---|---|")
        };
        let _ = writeln!(body, "{title}\n{line}");
        for change in step.changes.iter().take(ROWS) {
            let _ = writeln!(body, "{}", row(change, creating));
        }
        if step.changes.len() > ROWS {
            let _ = writeln!(body, "\nand {} more fields", step.changes.len() - ROWS);
        }
        body.push('\n');
    }
    if let Some(delivery) = &step.delivery {
        let _ =
            writeln!(body, "Keys are delivered to {}: {}\n", code(&delivery.place), prose(&delivery.reason));
    }
    if step.made_by.is_some() {
        let _ = writeln!(body, "It is {}\n", prose(BY_SECOND));
    }
    if let Some(ikey) = &step.integration_key {
        let _ = writeln!(body, "Integration key {}\n", code(ikey));
    }
    Detail { weight: weight(step), summary, body }
}

fn row(change: &ChangeDocument, creating: bool) -> String {
    let field = code(&change.field);
    if creating {
        return format!("| {field} | {} |", value(&change.after));
    }
    let origin = origin(change.origin);
    format!("| {field} | {} | {} | {origin} |", value(&change.before), value(&change.after))
}

/// Where a change comes from, for a table cell.
pub(super) fn origin(origin: Option<Origin>) -> &'static str {
    match origin {
        Some(Origin::Drift) => "changed in Duo",
        Some(Origin::Both) => "changed here and in Duo",
        Some(Origin::Unknown) => "unknown",
        Some(Origin::Config) | None => "",
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) if !text.is_empty() => code(text),
        other => code(&one_line(other)),
    }
}

fn handoff_detail(handoff: &HandoffDocument) -> Detail {
    let mut body = "| Tab | Field | Value |\n|---|---|---|\n".to_owned();
    for field in handoff.fields.iter().filter(|field| field.outstanding) {
        let _ = writeln!(
            body,
            "| {} | {} | {} |",
            prose(&field.tab),
            prose(&field.label),
            prose(&sheet::value(field, handoff))
        );
    }
    body.push('\n');
    for (number, step) in handoff.then.iter().enumerate() {
        let _ = writeln!(body, "{}. {}", number + 1, prose(step));
    }
    let summary = format!("* handoff {}: {}", html_code(&handoff.address), html_code(&handoff.place));
    // Work for a person is more important than a change without a risk.
    Detail { weight: 1, summary, body }
}

fn apply_comment(apply: &ApplyDocument) -> Comment {
    let plan = &apply.plan;
    let mut head = format!("### duoctl apply: {} on {}\n\n", code(&plan.workspace), code(&plan.api_hostname));
    let (last_line, planned) = (apply.last_line(), plan.last_line());
    // If there was nothing to do, both are the same.
    let planned = if planned == last_line { String::new() } else { format!(" {planned}") };
    let _ = writeln!(head, "{}{planned}", summary(&last_line));
    if let Some(verify) = &apply.verify {
        let _ = writeln!(head, "\n{}", summary(&verify.last_line()));
    }
    let failed = apply.steps.iter().filter(|outcome| outcome.status != StepStatus::Applied).map(|outcome| {
        let reason = outcome.reason.as_deref().unwrap_or("unknown reason");
        format!("**{}** {}: {}", outcome.status.words(), code(&outcome.address), prose(reason))
    });
    let failed = Section { title: "Not done", alert: None, items: failed.collect() };
    let left = apply.left.iter().flat_map(|left| &left.steps);
    let left = left.map(|step| format!("{} {} still differs", code(&step.address), code(&step.name)));
    let left = Section { title: "Left after the apply", alert: None, items: left.collect() };
    let checks = Section {
        title: "Not verified",
        alert: None,
        items: apply.verify.iter().flat_map(failed_checks).collect(),
    };
    // The remaining values to enter are known now, including the keys of what was created.
    let handoffs = &apply.left.as_ref().unwrap_or(plan).handoffs;
    let refused = if apply.repaired.is_some() {
        "Refused; nothing else was changed"
    } else {
        "Refused; nothing was changed"
    };
    let mut sections = vec![problems(&plan.diagnostics), refusals(plan, refused)];
    if let Some(done) = &apply.repaired {
        let ikey = code(done.integration_key.as_deref().unwrap_or_default());
        let done = format!("{} {ikey}: the recovery key restored what it had lost", code(&done.address));
        sections.insert(0, Section { title: "Put back", alert: None, items: vec![done] });
    }
    sections.extend([failed, left, checks, drift_risks(plan), risks(plan), ends(plan), affected(plan)]);
    let details = plan.steps.iter().map(step_detail).chain(handoffs.iter().map(handoff_detail));
    Comment {
        marker: marker("apply", &plan.workspace),
        head,
        sections,
        details: details.collect(),
        foot: foot(&plan.fingerprint),
    }
}
