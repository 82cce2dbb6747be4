//! `duoctl list`: lists the objects of the account and the YAML. Changes nothing.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

use crate::atomic::{self, Readers};
use crate::duo::api::ReadApi as _;
use crate::duo::client::Reader;
use crate::duo::object::{Ikey, Kind, Policy};
use crate::duo::usage::{LastUses, last_uses};
use crate::language::similar::did_you_mean;
use crate::lsp::snapshot::{self, Object, Snapshot};
use crate::names::same_key;
use crate::observe::Reading;
use crate::observe::rotations::look_at_creations;
use crate::output::document::{Document, FORMAT_VERSION, ListDocument};
use crate::output::printer::Printer;
use crate::reconcile::age::LOG_REACH;
use crate::reconcile::listing::{Listed, Listing};
use crate::reconcile::observed::Observed;
use crate::reconcile::plan;
use crate::reconcile::rotation::Uses;
use crate::text::{safe, shown};

use super::args::{self, Pruning, SortBy};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::progress::Spinner;
use super::session::{Session, check_patterns, options};

/// How many pages of the logs are read for the last uses: Duo limits these calls far more than others.
const LOG_PAGES: usize = 10;

/// Runs the command.
pub async fn run(
    args: args::List,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let options = options(&args.selected, &Pruning::default())?;
    let session = Session::open_as(workspace, &args.online, printer).await?;
    let mut reading = session.read(printer).await?;
    let spinner = Spinner::start("reading the logs", printer);
    complete(&session, &mut reading, options.now).await;
    let uses = uses(&session, &reading, options.now).await;
    spinner.finish();
    if let Observed::Unreadable(reason) = &uses {
        let warning = printer.err.notice("warning");
        printer.problem(&format!("{warning}: last uses are unknown: {}\n", safe(reason)));
    }
    if let Some(path) = &args.snapshot {
        write_snapshot(path, &session, &reading, options.now).await?;
    }
    let plan = plan::plan(&session.desired, &reading.observation, &options);
    check_patterns(options.selection.patterns(), &session.desired, &plan)?;
    let listing = Listing {
        desired: &session.desired,
        observation: &reading.observation,
        plan: &plan,
        selection: &options.selection,
        uses: &uses,
        all: args.all,
        now: options.now,
    };
    let mut objects = listing.objects();
    are_types(&args.kinds, &reading, &objects)?;
    objects.retain(|listed| args.kinds.is_empty() || args.kinds.contains(&listed.variant));
    sort(&mut objects, args.sort);
    let since = match &uses {
        Observed::Present(uses) => Some(uses.read_from.to_string()),
        Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => None,
    };
    let name = &session.workspace.name.value;
    let document = ListDocument::new(name, session.host(), since, objects);
    outlet.deliver(&Document::List(Box::new(document)));
    Ok(Exit::Done)
}

/// Reads what a plan does not need: when applications were created, and the names of policies.
async fn complete(session: &Session, reading: &mut Reading, now: Timestamp) {
    look_at_creations(&session.transport, &mut reading.observation, LOG_REACH, now).await;
    if matches!(reading.observation.objects.of(Kind::Policy), Observed::NotRead) {
        reading.observation.objects.set(
            Kind::Policy,
            match Reader::new(session.transport.clone()).list(Kind::Policy).await {
                Ok(policies) => Observed::Present(policies),
                Err(error) => Observed::Unreadable(error.to_string()),
            },
        );
    }
}

/// Writes the names in Duo to a file, for editors.
async fn write_snapshot(
    path: &Path,
    session: &Session,
    reading: &Reading,
    now: Timestamp,
) -> Result<(), Failure> {
    let groups = Reader::new(session.transport.clone()).list(Kind::Group).await.map_err(Failure::Duo)?;
    let named = |name: &str, id: &str, variant: Option<&str>| Object {
        name: name.to_owned(),
        id: id.to_owned(),
        variant: variant.map(str::to_owned),
    };
    let sorted = |mut objects: Vec<Object>| {
        objects.sort();
        objects
    };
    let observation = &reading.observation;
    let policies = match observation.objects.of(Kind::Policy) {
        Observed::Present(policies) => policies.as_slice(),
        Observed::Unreadable(reason) => {
            return Err(Failure::Usage(format!("no snapshot without the policies: {}", safe(reason))));
        }
        Observed::Absent | Observed::NotRead => &[],
    };
    let attachable = policies.iter().filter_map(Policy::of).filter(|policy| !policy.is_global());
    let lives = observation.objects.present(Kind::Application);
    let snapshot = Snapshot {
        kind: snapshot::KIND.to_owned(),
        format_version: FORMAT_VERSION.to_owned(),
        api_hostname: session.host().to_owned(),
        read_at: now.to_string(),
        groups: sorted(groups.iter().map(|group| named(group.name(), group.id.as_str(), None)).collect()),
        policies: sorted(
            attachable.map(|policy| named(policy.name(), policy.key().as_str(), None)).collect(),
        ),
        applications: sorted(
            lives.iter().map(|live| named(live.name(), live.id.as_str(), Some(live.variant()))).collect(),
        ),
    };
    let text = serde_json::to_string_pretty(&snapshot).unwrap_or_default() + "\n";
    atomic::replace(path, &text, Readers::Umask).map_err(|error| Failure::File {
        path: path.to_owned(),
        what: "cannot be written",
        error,
    })
}

/// When each application was last used, as far as the logs show it.
async fn uses(session: &Session, reading: &Reading, now: Timestamp) -> Observed<Uses> {
    let Observed::Present(lives) = reading.observation.objects.of(Kind::Application) else {
        return Observed::NotRead;
    };
    let keys: BTreeSet<Ikey> = lives.iter().map(|live| live.id.clone()).collect();
    let changes = lives.iter().any(|live| live.variant() == "adminapi");
    let from = now.checked_sub(LOG_REACH).unwrap_or(now);
    match last_uses(&session.transport, &keys, from, now, changes, LOG_PAGES).await {
        Ok(LastUses { last, succeeded, read_from }) => Observed::Present(Uses { last, succeeded, read_from }),
        Err(error) => Observed::Unreadable(error.to_string()),
    }
}

/// Checks that each type is that of an object, listed or not.
fn are_types(kinds: &[String], reading: &Reading, objects: &[Listed]) -> Result<(), Failure> {
    let lives = match reading.observation.objects.of(Kind::Application) {
        Observed::Present(lives) => lives.as_slice(),
        Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => &[],
    };
    let known: BTreeSet<&str> =
        lives.iter().map(|live| live.variant()).chain(objects.iter().map(|it| it.variant.as_str())).collect();
    match kinds.iter().find(|kind| !known.contains(kind.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let help = did_you_mean(unknown, known.iter().copied());
            let help = help.map(|help| format!("; {help}")).unwrap_or_default();
            Err(Failure::Usage(format!("no application has the type {}{help}", shown(unknown))))
        }
    }
}

/// Sorts by a column; unknown values come last, the oldest key and the longest unused application first.
fn sort(objects: &mut [Listed], by: Option<SortBy>) {
    let Some(by) = by else { return };
    objects.sort_by(|one, other| match by {
        SortBy::Address => {
            (one.address.is_none(), &one.address).cmp(&(other.address.is_none(), &other.address))
        }
        SortBy::Kind => one.kind.cmp(&other.kind),
        SortBy::Type => one.variant.cmp(&other.variant),
        SortBy::Name => same_key(&one.name).cmp(&same_key(&other.name)),
        SortBy::Access => one.access.cmp(&other.access),
        SortBy::Policy => (one.policy.is_none(), &one.policy).cmp(&(other.policy.is_none(), &other.policy)),
        SortBy::KeyAge => Reverse(one.key_age_days).cmp(&Reverse(other.key_age_days)),
        SortBy::LastUse => {
            (one.last_use.is_none(), one.last_use).cmp(&(other.last_use.is_none(), other.last_use))
        }
        SortBy::State => one.state.cmp(&other.state),
    });
}
