//! `duoctl graph`: draws who can reach what. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::config::model::Workspace;
use crate::duo::object::Ikey;
use crate::kinds::address::Address;
use crate::output::document::{Document, GraphDocument, GraphSource, PlanDocument, mark_changes};
use crate::output::graph::mermaid;
use crate::output::printer::Printer;
use crate::reconcile::graph::build::{declared, observed};
use crate::reconcile::graph::{Graph, NodeKind};
use crate::reconcile::plan::Step;
use crate::reconcile::selection::{self, Pattern, meant};
use crate::text::{safe, shown};

use super::args::{self, OutputFormat, Pruning, Selected};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::session::{Session, desired, load_valid, options};
use super::show;

/// Runs the command.
pub async fn run(
    args: &args::Graph,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let plan = args.changes.as_deref().map(plan).transpose()?;
    let (declaring, mut graph, source) = if args.live {
        let session = Session::open_as(workspace, &args.online, printer).await?;
        let graph = live(&session, printer).await?;
        (session.workspace, graph, GraphSource::Account)
    } else {
        let (declaring, _) = load_valid(workspace, &args.online.yaml.terms(), printer)?;
        let graph = declared(&desired(&declaring));
        (declaring, graph, GraphSource::Yaml)
    };
    if let (Some(plan), Some(file)) = (&plan, &args.changes) {
        belongs(plan, &declaring, file)?;
        mark_changes(&mut graph, plan, source);
    }
    let graph = if args.focus.is_empty() { graph } else { graph.around(&focus(&args.focus, &graph)?) };
    // What is connected to a few nodes is wanted in full.
    let graph = if args.expand || !args.focus.is_empty() { graph } else { graph.grouped() };
    let host = &declaring.tenant.api_hostname.value;
    let document = GraphDocument::new(&declaring.name.value, host, source, &graph);
    let diagram = matches!(args.output.format, OutputFormat::Mermaid | OutputFormat::Markdown)
        || args.output.reports.iter().any(|report| report.format == OutputFormat::Mermaid);
    if diagram && !mermaid::is_drawn(&document) {
        let warning = printer.err.notice("warning");
        printer.problem(&format!(
            "{warning}: GitHub and GitLab do not draw a Mermaid diagram of this size; use `--focus ADDRESS` or `--format svg`\n"
        ));
    }
    outlet.deliver(&Document::Graph(Box::new(document)));
    Ok(Exit::Done)
}

/// What the account holds, with the addresses of this workspace.
async fn live(session: &Session, printer: Printer) -> Result<Graph, Failure> {
    let reading = session.read_all(printer).await?;
    for failure in &reading.failures {
        let warning = printer.err.notice("warning");
        printer.problem(&format!("{warning}: some names are unknown: {}\n", safe(&failure.to_string())));
    }
    let plan = session.planned(&reading.observation, &options(&Selected::default(), &Pruning::default())?);
    let matched = plan.matched().iter().map(|(address, ikey)| (ikey.clone(), address.clone()));
    let orphans = plan.orphans().iter().chain(plan.retired());
    let orphans = orphans.map(|orphan| (orphan.ikey.clone(), orphan.address.clone()));
    let addresses: BTreeMap<Ikey, Address> = orphans.chain(matched).collect();
    let pairs = plan.rotations().iter().flat_map(|rotation| [&rotation.old, &rotation.successor]);
    let managed = pairs.chain(plan.steps().iter().filter_map(Step::ikey)).cloned().collect();
    Ok(observed(&session.desired, &reading.observation, &addresses, &managed))
}

/// The plan of a file.
fn plan(file: &Path) -> Result<PlanDocument, Failure> {
    match show::document(file)? {
        Document::Plan(plan) | Document::Drift(plan) => Ok(*plan),
        other => Err(Failure::NoPlan {
            path: file.to_owned(),
            reason: format!("its `kind` is `{}`, not `plan` or `drift`", other.kind()),
        }),
    }
}

/// Refuses a plan of another workspace or account: its addresses mean something else.
fn belongs(plan: &PlanDocument, workspace: &Workspace, file: &Path) -> Result<(), Failure> {
    let (name, host) = (&workspace.name.value, &workspace.tenant.api_hostname.value);
    if plan.workspace == *name && plan.api_hostname.eq_ignore_ascii_case(host) {
        return Ok(());
    }
    let reason = format!("it is for {} on {}", shown(&plan.workspace), shown(&plan.api_hostname));
    Err(Failure::NoPlan { path: file.to_owned(), reason })
}

/// The nodes that are meant: by their ID, or applications by a pattern as in `--only`.
fn focus(wanted: &[String], graph: &Graph) -> Result<BTreeSet<String>, Failure> {
    let is_application = |id: &&str| graph.node(id).is_some_and(|node| node.kind == NodeKind::Application);
    let addresses: Vec<Address> = graph.ids().filter(is_application).map(Address::new).collect();
    let known: Vec<&Address> = addresses.iter().collect();
    let mut found = BTreeSet::new();
    for text in wanted {
        if graph.node(text).is_some() {
            found.insert(text.clone());
        } else if text.contains(':') {
            let ids: Vec<&str> = graph.ids().collect();
            return Err(Failure::Usage(format!(
                "{} is not in the graph; {}",
                shown(text),
                meant(text, &ids)
            )));
        } else {
            let pattern = Pattern::parse(text).map_err(Failure::Usage)?;
            selection::check([&pattern], &known).map_err(Failure::Usage)?;
            let matching = addresses.iter().filter(|address| pattern.matches(address.as_str()));
            found.extend(matching.map(ToString::to_string));
        }
    }
    Ok(found)
}
