//! The tables of `docs/how-to/troubleshooting.md`: the causes that duoctl lists for each error.

use duoctl::duo::error::{DuoError, Refusal, Unreachable};
use duoctl::duo::explain::causes;

use super::row;

const ADMIN: &str = "GET /admin/v1/groups";

/// The meaning of Duo's code, the call, and the code.
const REFUSED: &[(&str, &str, u32)] = &[
    ("bad value", "POST /admin/v3/integrations", 40002),
    ("no `Authorization` header", ADMIN, 40101),
    ("unknown integration key", ADMIN, 40102),
    ("wrong signature", ADMIN, 40103),
    ("bad date", ADMIN, 40105),
    ("forbidden: reading applications, groups or policies", ADMIN, 40301),
    (
        "forbidden: creating or changing an application, or reading its secret key",
        "POST /admin/v3/integrations",
        40301,
    ),
    ("forbidden: reading the account's summary", "GET /admin/v1/info/summary", 40301),
    ("not found", "GET /admin/v3/integrations/DI", 40401),
];

pub(crate) fn refused() -> String {
    let rows = REFUSED.iter().map(|(words, call, code)| {
        let error = DuoError::Refused(Refusal {
            call: (*call).to_owned(),
            status: u16::try_from(code / 100).unwrap(),
            code: Some(*code),
            message: String::new(),
            detail: None,
        });
        (format!("{code}, {words}"), error)
    });
    table(rows)
}

pub(crate) fn unreachable() -> String {
    let (call, reason) = (String::new, String::new);
    let kinds = [
        ("the hostname has no address", Unreachable::Name),
        ("no server answers", Unreachable::Connect),
        ("the certificate is not trusted", Unreachable::Tls),
        ("the proxy refuses the connection", Unreachable::Proxy),
    ];
    let unreachable = kinds
        .map(|(words, kind)| (words, DuoError::Unreachable { host: String::new(), kind, reason: reason() }));
    let others = [
        ("429 after every retry", DuoError::RateLimited { call: call(), attempts: 7 }),
        ("500, 502, 503", DuoError::Unexpected { call: call(), status: 502, reason: reason() }),
        ("the response is lost", DuoError::Lost { call: call(), reason: reason() }),
        (
            "HTML, a redirect, or anything else than JSON",
            DuoError::Unexpected { call: call(), status: 200, reason: reason() },
        ),
        ("a list is incomplete", DuoError::Incomplete { path: String::new(), reason: reason() }),
    ];
    table(unreachable.into_iter().chain(others).map(|(words, error)| (words.to_owned(), error)))
}

fn table(errors: impl Iterator<Item = (String, DuoError)>) -> String {
    let mut text = row(["Problem", "Possible cause", "What to do"]) + "|---|---|---|\n";
    for (seen, error) in errors {
        for (index, cause) in causes(&error).into_iter().enumerate() {
            let seen = if index == 0 { seen.as_str() } else { "" };
            text += &row([seen, &cause.what, &cause.fix]);
        }
    }
    text
}
