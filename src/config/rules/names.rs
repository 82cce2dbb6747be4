//! Names that may deceive a reviewer.

use crate::config::model::{Declaration, Workspace};
use crate::diagnostic::{Code, Diagnostic, Span, Spanned};
use crate::kinds::Kind;
use crate::kinds::reference::Reference;
use crate::kinds::value::Setting;
use crate::language::address::Place;
use crate::names::{LookAlike, look_alike};
use crate::text::{is_harmful, quoted};

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for (kind, key, entry) in workspace.entries() {
        report(Place::Object(kind, key), names(kind, entry), findings);
    }
    for (key, entry) in &workspace.identity_intelligence {
        let names =
            [Some(&entry.display_name), entry.push_application_name.as_ref(), entry.admin_api_name.as_ref()];
        let names = names.into_iter().flatten().filter(is_plain).map(of);
        report(Place::Entry(key), names, findings);
    }
}

type Name<'w> = (&'w str, Span);

fn of(name: &Spanned<String>) -> Name<'_> {
    (&name.value, name.span)
}

/// The object's own name, and the names that it refers to.
fn names<'a>(kind: Kind, declared: &'a Declaration) -> impl Iterator<Item = Name<'a>> {
    let referring = kind.fields().iter().filter(|field| field.refers_to.is_some());
    let settings = referring.filter_map(|field| declared.settings.get(field.name()));
    let referred = settings.flat_map(|setting| match &setting.value {
        Setting::Reference(Reference::Name(name)) => vec![(name.as_str(), setting.span)],
        Setting::References(references) => {
            let name = |reference: &'a Spanned<Reference>| match &reference.value {
                Reference::Name(name) => Some((name.as_str(), reference.span)),
                Reference::Address(_) | Reference::Id(_) => None,
            };
            references.iter().filter_map(name).collect()
        }
        _ => Vec::new(),
    });
    declared.name.iter().filter(is_plain).map(of).chain(referred)
}

/// Whether an object's name has no control characters, which are an error already.
fn is_plain(name: &&Spanned<String>) -> bool {
    !name.value.contains(char::is_control)
}

fn report<'w>(place: Place<'_>, names: impl Iterator<Item = Name<'w>>, findings: &mut Vec<Diagnostic>) {
    findings.extend(names.filter_map(deceptive).map(|finding| finding.about(&place)));
}

fn deceptive((name, span): Name<'_>) -> Option<Diagnostic> {
    let code = |c: char| format!("U+{:04X}", u32::from(c));
    let (message, help) = if let Some(hidden) = name.chars().find(|c| is_harmful(*c)) {
        let message = format!("the name {} contains the invisible character {}", quoted(name), code(hidden));
        (
            message,
            "remove the character, or write `{id: ID}` instead of the name if the name in Duo contains it",
        )
    } else {
        let LookAlike { letter, like } = look_alike(name)?;
        let message = format!(
            "the name {} contains {} ({letter}), which looks like the Latin letter `{like}`",
            quoted(name),
            code(letter)
        );
        (
            message,
            "write the Latin letter, or `{id: ID}` instead of the name if the name in Duo contains the other letter",
        )
    };
    Some(Diagnostic::warning(Code::DeceptiveName, span, message).help(help))
}
