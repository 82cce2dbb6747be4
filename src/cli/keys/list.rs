//! `duoctl keys list`: where every key is kept, whether it is current, how old it is, and whether it works. Changes
//! nothing.

use std::path::Path;

use futures_util::StreamExt as _;

use crate::apply::deliver::Proof;
use crate::observe::rotations::look_at_creations;
use crate::output::document::{Document, KeysDocument};
use crate::output::printer::Printer;
use crate::reconcile::age::LOG_REACH;
use crate::reconcile::delivery::Held;
use crate::reconcile::inventory::{Entry, Keeping, inventory};
use crate::reconcile::rotation::Rotation;

use super::super::args::{self, Pruning};
use super::super::exit::{Exit, Failure};
use super::super::outlet::Outlet;
use super::super::progress::Spinner;
use super::super::session::{Session, check_patterns, options};

/// Runs the command.
pub(super) async fn run(
    args: args::ListKeys,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let options = options(&args.covered.selected(), &Pruning::default())?;
    let mut session = Session::open_as(workspace, &args.online, printer).await?;
    session.controls = args.proving.controls();
    let mut reading = session.read(printer).await?;
    if !args.online.yaml.trusted.trust().is_full() {
        let kept = session.desired.objects.iter().filter(|wanted| wanted.secret.is_some());
        reading.observation.held = kept.map(|wanted| (wanted.address.clone(), Held::CannotTell)).collect();
    }
    let spinner = Spinner::start("trying the stored keys", printer);
    look_at_creations(&session.transport, &mut reading.observation, LOG_REACH, options.now).await;
    let plan = session.planned(&reading.observation, &options);
    check_patterns(options.selection.patterns(), &session.desired, &plan)?;
    let entries = inventory(&session.desired, &reading.observation, &plan, &options.selection, options.now);
    let parallelism = usize::from(args.online.connection.parallelism);
    let proven = entries.into_iter().map(|entry| prove(&session, entry));
    let entries: Vec<Entry> = futures_util::stream::iter(proven).buffered(parallelism.max(1)).collect().await;
    spinner.finish();
    let amiss = entries.iter().any(Entry::is_amiss);
    let covered = |rotation: &&Rotation| options.selection.covers(&rotation.address);
    let rotations = plan.rotations().iter().filter(covered).cloned().collect();
    outlet.deliver(&Document::Keys(Box::new(KeysDocument::new(options.now, entries, rotations))));
    Ok(if amiss { Exit::Error } else { Exit::Done })
}

/// Calls Duo with what the store holds, as a consumer would.
async fn prove(session: &Session, mut entry: Entry) -> Entry {
    let wanted = session.desired.objects.iter().find(|wanted| wanted.address == entry.address);
    let (Some(wanted), Keeping::Current | Keeping::Due) = (wanted, entry.state) else { return entry };
    let (Some(secret), Some(kind)) = (&wanted.secret, &wanted.variant) else { return entry };
    let (proven, proof) = match session.stores.read(&secret.target).await {
        Ok(Some(contents)) => match contents.payload {
            Some(payload) => {
                let courier = session.courier(&session.transport);
                match courier.try_keys(kind, &payload).await {
                    Proof::Accepted => (Some(true), "proven by a call just now".to_owned()),
                    Proof::Refused(error) => (Some(false), format!("Duo does not accept it: {error}")),
                    Proof::NotTestable(reason) => (None, format!("not testable: {reason}")),
                    Proof::Doubtful(_, reason) | Proof::None(reason) => {
                        (None, format!("not proven: {reason}"))
                    }
                }
            }
            None => return entry,
        },
        Ok(None) => return entry,
        Err(error) => (None, format!("not proven: {error}")),
    };
    entry.proven = proven;
    entry.proof = Some(proof);
    entry
}
