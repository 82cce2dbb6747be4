//! Types: unknown ones, those that the API cannot create, and those that are no longer supported.

use crate::config::model::{Declaration, Workspace};
use crate::diagnostic::{Code, Diagnostic, Fix, Help, Spanned};
use crate::duo::catalogue::{Creation, Variant, kinds, lookup};
use crate::kinds::Kind;
use crate::language::similar::nearest;
use crate::text::shown;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for application in workspace.of(Kind::Application).values() {
        let Some(kind) = &application.variant else { continue };
        match lookup(&kind.value) {
            Some(known) => known_type(application, kind, known, findings),
            None if kind.value.trim().is_empty() => {}
            None => findings.push(unknown_type(kind, application.pin.is_some())),
        }
    }
}

/// A typo of a known type is an error, because Duo would refuse to create it after other steps were done. With a pin, the
/// application exists, so its type must exist, too.
fn unknown_type(kind: &Spanned<String>, pinned: bool) -> Diagnostic {
    if let Some(meant) = slip(&kind.value).filter(|_| !pinned) {
        let message = format!("Duo has no type {}", shown(&kind.value));
        let finding = Diagnostic::error(Code::UnknownType, kind.span, message);
        let help = format!(
            "did you mean `{meant}`? If Duo added this type recently, create it in Duo and pin it with `integration_key`"
        );
        return finding.help(Help::from(help).by(Fix::Write(meant.to_owned())));
    }
    let help = nearest(&kind.value, kinds().iter().map(|kind| kind.name)).map_or_else(
        || "check the spelling; types that Duo added recently work, too".into(),
        |near| {
            let help = format!("did you mean `{near}`? Types that Duo added recently work, too");
            Help::from(help).by(Fix::Write(near.to_owned()))
        },
    );
    Diagnostic::warning(
        Code::UnknownType,
        kind.span,
        format!("duoctl does not know the type {}", shown(&kind.value)),
    )
    .help(help)
}

/// The known type that was certainly intended: the same letters and digits, or one typo. Types that differ only in digits
/// are different versions.
fn slip(written: &str) -> Option<&'static str> {
    let plain = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let written = plain(written);
    // A long text is not a typo of a short word, and comparing it would be slow.
    if written.is_empty() || written.len() > 64 {
        return None;
    }
    let names = || kinds().iter().map(|kind| (kind.name, plain(kind.name)));
    let same = names().find(|(_, name)| *name == written);
    let near = || {
        names().find(|(_, name)| {
            name.len() > 3
                && letters(name) != letters(&written)
                && strsim::damerau_levenshtein(name, &written) == 1
        })
    };
    same.or_else(near).map(|(name, _)| name)
}

fn known_type(
    application: &Declaration,
    kind: &Spanned<String>,
    known: &Variant,
    findings: &mut Vec<Diagnostic>,
) {
    let pinned = application.pin.is_some();
    let message = match (known.creation, known.end_of_life) {
        (Creation::Refused(reason), _) if !pinned => {
            format!("Duo's API cannot create an application of type `{}`: {reason}", known.name)
        }
        (_, Some(_)) => format!("the type `{}` is no longer supported", known.name),
        (Creation::Ok | Creation::Refused(_), None) => return,
    };
    let dated = known.end_of_life.map(|since| format!("{since}; ")).unwrap_or_default();
    let help = if pinned {
        format!("{dated}plan its replacement")
    } else {
        format!("{dated}pin an existing application with `integration_key` to manage it")
    };
    findings.push(Diagnostic::warning(Code::TypeNotCreatable, kind.span, message).help(help));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slip_of_a_known_type_is_one() {
        for kind in kinds() {
            for slipped in [
                kind.name.to_uppercase(),
                kind.name.replace('-', "_"),
                kind.name.replace('-', ""),
                format!(" {}", kind.name),
                format!("{}x", kind.name),
                kind.name.chars().rev().collect::<String>().chars().rev().skip(1).collect(),
            ] {
                let digit = kind.name.starts_with(|c: char| c.is_ascii_digit());
                if lookup(&slipped).is_none() && kind.name.len() > 4 && !digit {
                    assert!(slip(&slipped).is_some(), "{slipped}");
                }
            }
            assert_eq!(
                slip(&format!("{}2", kind.name)).filter(|_| kind.name.len() > 4),
                None,
                "{}",
                kind.name
            );
        }
        assert_eq!(
            (slip("admin_api"), slip("raduis"), slip("Web-SDK")),
            (Some("adminapi"), Some("radius"), Some("websdk"))
        );
        assert_eq!((slip("sso-brand-new"), slip("quantum"), slip("")), (None, None, None));
    }
}
