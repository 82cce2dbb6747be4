//! A plan for people.

use std::fmt::Write as _;

use crate::kinds::address::Address;
use crate::kinds::policy;
use crate::kinds::risk::Risk;
use crate::output::document::{
    Actions, ChangeDocument, HandoffDocument, Kind, PlanDocument, RefusalDocument, StepDocument, WhoDocument,
    lift_words, unmanaged_fields,
};
use crate::output::paint::Paint;
use crate::reconcile::handoff::Purpose;
use crate::reconcile::plan::{Action, Orphan};
use crate::text::{counted, quoted, safe};

use super::many::{MANY, few};
use super::{affected, change, console, list};

/// The text of a step that the recovery key makes.
pub(crate) const BY_SECOND: &str =
    "made with the recovery key, and rolled back if duoctl's own key stops working";

/// The title of the guards that refuse a plan.
pub(crate) const WOULD_BE_REFUSED: &str = "An apply would be refused:";
/// The same if a person can be asked.
pub(crate) const NEEDS_CONSENT: &str = "This needs your consent:";
/// The same for an apply.
pub(crate) fn refused(so_far: &str) -> String {
    format!("Refused; {so_far}:")
}

/// The plan, with a title for the guards that refuse it.
pub(crate) fn render(plan: &PlanDocument, refused: &str, paint: Paint) -> String {
    let mut text = String::new();
    // Keys leave a console before their applications are removed; they are entered after their applications are created.
    let (first, last): (Vec<_>, Vec<_>) =
        plan.handoffs.iter().partition(|handoff| comes_first(handoff, plan));
    let hand_over = |text: &mut String, handoffs: &[&HandoffDocument]| {
        for handoff in handoffs {
            let _ = writeln!(text, "{}", console::outstanding(handoff, paint));
        }
    };
    hand_over(&mut text, &first);
    for planned in &plan.steps {
        text.push_str(&step(planned, paint));
    }
    hand_over(&mut text, &last);
    if let Some(survey) = &plan.impact {
        affected::survey(&mut text, survey, paint);
    }
    block(&mut text, &orphans(plan, paint));
    block(&mut text, &list::rotations(&plan.rotations, paint));
    block(&mut text, &retired(plan, paint));
    block(&mut text, &refusals(plan, refused, paint));
    text.push_str(&notes(plan));
    let _ = writeln!(text, "{}", plan.last_line());
    text
}

/// What was not checked, or is not managed.
pub(crate) fn notes(plan: &PlanDocument) -> String {
    let mut text = String::new();
    if !plan.blocked.is_empty() {
        let addresses: Vec<String> = plan.blocked.iter().map(|address| safe(address)).collect();
        block(&mut text, &format!("Skipped because of errors: {}.\n", addresses.join(", ")));
    }
    if let Some(sentence) = left_out(&plan.left_out_addresses, plan.left_out_pending.len()) {
        block(&mut text, &format!("{sentence}\n"));
    }
    // A plan shows this only on request, because a plan is about what changes.
    if let (Kind::Drift, Some(sentence)) = (plan.kind, unmanaged_fields(plan.summary.unmanaged_fields)) {
        block(&mut text, &format!("{sentence}\n"));
    }
    text
}

/// Some lines, followed by an empty one.
fn block(text: &mut String, lines: &str) {
    if !lines.is_empty() {
        let _ = writeln!(text, "{lines}");
    }
}

/// Whether a handoff has to be carried out before a step of the plan.
fn comes_first(handoff: &HandoffDocument, plan: &PlanDocument) -> bool {
    let waits = |step: &StepDocument| {
        let address = Address::new(&step.address);
        step.risks.iter().any(|risk| risk.risk == Risk::BreaksHandoff)
            && address.composite().is_some_and(|(entry, _)| entry.as_str() == handoff.address)
    };
    handoff.purpose == Purpose::Remove || plan.steps.iter().any(waits)
}

/// The sign and the word of an action.
pub(crate) fn sign(action: Action, paint: Paint) -> String {
    match action {
        Action::Create => paint.good("+ create"),
        Action::Update => paint.notice("~ update"),
        Action::Adopt => paint.calm("> adopt"),
        Action::Replace => paint.bad("-/+ replace"),
        Action::Quarantine => paint.notice("~ quarantine"),
        Action::Delete => paint.bad("- delete"),
        Action::Deliver => paint.calm("* deliver"),
        Action::Rotate => paint.notice("~ rotate"),
        Action::Retain => paint.calm("< retain"),
    }
}

/// Taking away access or privileges is not shown as a danger.
fn risk_title(risk: Risk, title: &str, paint: Paint) -> String {
    if risk.is_danger() { paint.bad(title) } else { paint.notice(title) }
}

/// One step.
pub(crate) fn step(step: &StepDocument, paint: Paint) -> String {
    let (sign, address) = (sign(step.action, paint), paint.strong(&safe(&step.address)));
    let mut text = format!("{sign} {address}  {} ({})", quoted(&step.name), safe(step.what()));
    if let Some(ikey) = &step.integration_key {
        let _ = write!(text, " {}", paint.faint(&safe(ikey)));
    }
    text.push('\n');
    let shown = step.changes.iter().filter(|change| !change.is_default());
    let widths = shown.map(|change| change.field.chars().count());
    let width = widths.max().unwrap_or_default().min(32);
    let (defaults, changes): (Vec<&ChangeDocument>, Vec<&ChangeDocument>) =
        step.changes.iter().partition(|change| change.is_default());
    for changed in changes {
        change::render(&mut text, changed, step.action == Action::Create, width, paint);
    }
    if !defaults.is_empty() {
        let names: Vec<String> = defaults.iter().map(|change| safe(&change.field)).collect();
        let count = counted(names.len(), "field", "fields");
        let _ = writeln!(text, "    also sets {count} to Duo's default: {}", names.join(", "));
    }
    text.push_str(&remarks(step, paint));
    text.push('\n');
    text
}

/// The lines of a step below its changes: its delivery, its risks, and whom it affects.
pub(crate) fn remarks(step: &StepDocument, paint: Paint) -> String {
    let mut text = String::new();
    if let Some(delivery) = &step.delivery {
        let verb = if step.action == Action::Deliver { "" } else { "delivers its keys " };
        let _ = writeln!(text, "    {verb}to {}: {}", safe(&delivery.place), safe(&delivery.reason));
    }
    for drift in &step.drift {
        let title = risk_title(drift.risk, &format!("! drift, {}:", drift.risk), paint);
        let _ = writeln!(text, "    {title} as it is now, {}", safe(&drift.reason));
    }
    for risk in &step.risks {
        let title = risk_title(risk.risk, &format!("! {}:", risk.risk), paint);
        let _ = writeln!(text, "    {title} {}{}", safe(&risk.reason), step.undoing(risk));
    }
    for change in step.changes.iter().filter(|change| is_open(change)) {
        let _ = writeln!(text, "    {} {}", paint.notice("? not known:"), safe(&change.reason));
    }
    for line in &step.consequences {
        let _ = writeln!(text, "    {} {}", paint.notice("! consequence:"), safe(line));
    }
    for claim in &step.rests_on {
        let _ = writeln!(text, "    {} {}", paint.notice("? not verified:"), safe(&claim.to_string()));
    }
    if step.made_by.is_some() {
        let _ = writeln!(text, "    {BY_SECOND}");
    }
    if let Some(affected) = &step.affected {
        affected::render(&mut text, affected, paint);
    }
    text
}

/// Whether the risk of a change is unknown.
fn is_open(change: &ChangeDocument) -> bool {
    change.reason == policy::UNKNOWN
}

/// The ones that no step of the plan covers.
fn untouched<'d>(all: &'d [Orphan], plan: &PlanDocument) -> Vec<&'d Orphan> {
    let going = |ikey: &str| plan.steps.iter().any(|step| step.integration_key.as_deref() == Some(ikey));
    all.iter().filter(|it| !going(it.ikey.as_str())).collect()
}

pub(crate) fn orphans(plan: &PlanDocument, paint: Paint) -> String {
    let mut text = String::new();
    for orphan in untouched(&plan.orphans, plan) {
        let state = match &orphan.quarantined_since {
            Some(since) => format!("has been quarantined since {}", safe(since)),
            None if orphan.address.kind() == Some(crate::kinds::Kind::Group) => {
                format!(
                    "is owned, but no longer in the YAML; `removed: {{{}: delete}}` deletes it",
                    orphan.address
                )
            }
            None => {
                let first =
                    if orphan.in_console { "once its keys are removed from the console, " } else { "" };
                format!("is owned, but no longer in the YAML; {first}`duoctl apply --prune` quarantines it")
            }
        };
        let (title, address) = (paint.notice("? orphan"), paint.strong(&safe(orphan.address.as_str())));
        let (name, ikey) = (quoted(&orphan.name), safe(orphan.ikey.as_str()));
        let _ = writeln!(text, "{title} {address}  {name} {ikey} {state}");
    }
    text
}

/// Applications that rotations put out of use and that are not removed yet.
pub(crate) fn retired(plan: &PlanDocument, paint: Paint) -> String {
    let mut text = String::new();
    for retired in untouched(&plan.retired, plan) {
        let _ = writeln!(
            text,
            "{} {}  {} was replaced by a rotation on {}; `duoctl apply --prune` deletes it once its quarantine is over",
            paint.faint("? retired"),
            paint.strong(&safe(retired.address.as_str())),
            safe(retired.ikey.as_str()),
            safe(retired.quarantined_since.as_deref().unwrap_or_default()),
        );
    }
    text
}

/// Groups refusals with the same guard and reason if there are many; the steps above name each of them.
fn alike(refusals: &[RefusalDocument]) -> Vec<Vec<&RefusalDocument>> {
    let mut groups: Vec<Vec<&RefusalDocument>> = Vec::new();
    for refusal in refusals {
        let same = |group: &&mut Vec<&RefusalDocument>| {
            group
                .first()
                .is_some_and(|other| other.guard == refusal.guard && other.reason() == refusal.reason())
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(refusal),
            None => groups.push(vec![refusal]),
        }
    }
    let (many, few): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| group.len() >= MANY);
    many.into_iter().chain(few.into_iter().flatten().map(|refusal| vec![refusal])).collect()
}

fn refusals(plan: &PlanDocument, title: &str, paint: Paint) -> String {
    let mut text = String::new();
    for alike in alike(&plan.refusals) {
        let Some(refusal) = alike.first() else { continue };
        if text.is_empty() {
            let _ = writeln!(text, "{}", paint.bad(title));
        }
        let (guard, message, lift) = if alike.len() < MANY {
            (&refusal.guard, safe(&refusal.message), refusal.lift_words())
        } else {
            let named = few(alike.iter().filter_map(|refusal| refusal.address.as_deref()));
            let message = format!("{} addresses: {}: {named}", alike.len(), safe(refusal.reason()));
            // Each has its own consent; a consent without an address covers all of them.
            let lift = refusal.lift.as_deref().map(|lift| lift.split(':').next().unwrap_or(lift));
            (&refusal.guard, message, lift_words(lift))
        };
        let _ = writeln!(text, "  ! {}: {message}", safe(guard));
        let _ = writeln!(text, "      {}", safe(&lift));
    }
    if let Some(command) = plan.consent.as_ref().filter(|_| !plan.refusals.is_empty()) {
        let _ = writeln!(text, "  to consent to all of it:\n    {}", safe(command));
    }
    if let Some(sentence) = plan.held_back() {
        let _ = writeln!(text, "  {}", safe(&sentence));
    }
    text
}

/// How many addresses were left out, the first few of them, and how many would change.
pub(crate) fn left_out(addresses: &[String], pending: usize) -> Option<String> {
    let (count, be, them) = match addresses.len() {
        0 => return None,
        1 => ("1 address".to_owned(), "was", "it"),
        count => (format!("{count} addresses"), "were", "them"),
    };
    let named = few(addresses.iter().map(String::as_str));
    let pending = match pending {
        0 => String::new(),
        _ if them == "it" => " It would change.".to_owned(),
        pending => format!(" {pending} of them would change."),
    };
    Some(format!("{count} {be} left out by --only or --exclude: {named}.{pending}"))
}

/// Who made the changes, if that was looked up.
pub(crate) fn who(plan: &PlanDocument, paint: Paint) -> String {
    let Some(who) = &plan.who else { return String::new() };
    let mut text = String::new();
    for (address, activities) in &who.by_address {
        let fields = plan.drifted_fields(address).join(", ");
        let fields = if fields.is_empty() { fields } else { format!("  {fields}") };
        let _ = writeln!(text, "{} {}{}", paint.calm("@ who"), paint.strong(&safe(address)), safe(&fields));
        for Actions { when, who, from, what } in Actions::of(activities) {
            let (when, who, from, what) = (safe(&when), safe(who), safe(from), safe(&what));
            let _ = writeln!(text, "    {when}  {who}  from {from}  {what}");
        }
        if activities.is_empty() {
            let _ = writeln!(
                text,
                "    the activity log of the last {} days has no change by anyone else since duoctl last wrote to it",
                who.days
            );
        }
    }
    if !who.complete {
        let _ = writeln!(
            text,
            "    only the newest {} pages of the activity log were read; who made earlier changes is unknown",
            WhoDocument::PAGES
        );
    }
    text.push('\n');
    text
}
