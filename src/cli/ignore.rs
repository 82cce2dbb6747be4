//! `duoctl ignore`: ignores differences in one field, with a reason in the YAML.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::config::edit::{set, value};
use crate::config::model::Exception;
use crate::config::variables::escaped;
use crate::duo::catalogue::lookup;
use crate::kinds::application::fields::field;
use crate::output::document::{EditDocument, EditedDocument, ReasonDocument};
use crate::output::printer::Printer;

use super::args;
use super::edit::{declared, edited};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::session::load_whole;

/// Runs the command.
pub fn run(args: &args::Ignore, path: &Path, outlet: &Outlet, printer: Printer) -> Result<Exit, Failure> {
    let loaded = load_whole(path, &args.yaml.terms())?;
    let Some(workspace) = loaded.valid() else {
        return Err(Failure::Config(Box::new((loaded.diagnostics, loaded.sources))));
    };
    let declared = declared(workspace, &args.address)?;
    let (place, kind) = (declared.place, declared.kind);
    let known = kind.and_then(lookup).filter(|_| args.field != "name");
    if field(&args.field).is_some_and(|field| known.is_some() && !field.applies_to(known)) {
        let kind = kind.unwrap_or_default();
        return Err(Failure::Usage(format!("an application of type `{kind}` has no `{}`", args.field)));
    }
    if args.until.is_some_and(|until| until < TimeZone::UTC.to_datetime(Timestamp::now()).date()) {
        return Err(Failure::Usage("the date of --until is in the past".to_owned()));
    }
    let before = declared.ignore.iter().find(|ignore| ignore.value.field == args.field);
    let before = before.map(|ignore| entry(&ignore.value.field, &ignore.value.exception));
    let others = declared.ignore.iter().filter(|ignore| ignore.value.field != args.field);
    let others = others.map(|ignore| entry(&ignore.value.field, &ignore.value.exception));
    let own = Exception { reason: args.reason.clone(), until: args.until };
    let written = entry(&args.field, &own);
    if before.as_ref() == Some(&written) {
        let reason = format!("differences in `{}` are ignored already", args.field);
        let unchanged = vec![ReasonDocument { address: place.to_string(), reason }];
        outlet.edited(EditDocument { unchanged, ..EditDocument::new("ignore", Vec::new()) }, "");
        return Ok(Exit::Done);
    }
    let ignored = escaped(&others.chain([written.clone()]).collect());
    let path = [place.keys(), vec!["ignore"]].concat();
    let edited = edited(workspace, &loaded.sources, declared.span.file, |text| {
        set(text, &path, &joined(value(text, &path)?, &ignored, &args.field))
    })?;
    let file = edited.shown(printer).save()?;
    let edited = EditedDocument {
        address: place.to_string(),
        field: "ignore".to_owned(),
        before: before.unwrap_or_default(),
        after: written,
        file: file.display().to_string(),
    };
    let next =
        "differences in the field are ignored; `duoctl drift` warns when the field no longer differs\n";
    outlet.edited(EditDocument::new("ignore", vec![edited]), next);
    Ok(Exit::Done)
}

/// The items to write: those in the file now, which another run may have changed, and the new one.
fn joined(written: Value, ignored: &Value, field: &str) -> Value {
    match (written, ignored.as_array().and_then(|items| items.last())) {
        (Value::Array(items), Some(new)) => {
            items.into_iter().filter(|item| item["field"] != field).chain([new.clone()]).collect()
        }
        (_, _) => ignored.clone(),
    }
}

fn entry(field: &str, exception: &Exception) -> Value {
    let Exception { reason, until } = exception;
    let entry = [("field".to_owned(), field.into()), ("reason".to_owned(), reason.as_str().into())];
    let until = until.map(|until| ("until".to_owned(), until.to_string().into()));
    Value::Object(entry.into_iter().chain(until).collect())
}
