//! Rules for texts: names, addresses, hostnames, networks, URLs. Each rule also has a pattern for editors.

use std::net::IpAddr;
use std::path::{Component, Path};

use ipnet::IpNet;
use url::Url;

use super::shape::{Problem, TextRule};
use crate::diagnostic::{Code, Fix, Help};

/// Any text.
pub static ANY: TextRule = TextRule { pattern: "", check: |_| Ok(()), numeric: false };

/// Text that is not blank.
pub static FILLED: TextRule = TextRule { pattern: r"\S", check: filled, numeric: false };

/// A single line that is not blank: names are shown in lists.
pub static LINE: TextRule = TextRule {
    pattern: r"^[^\u0000-\u001f\u007f]*[^\u0000-\u001f\u007f\s][^\u0000-\u001f\u007f]*$",
    check: line,
    numeric: false,
};

/// A workspace's name.
pub static WORKSPACE: TextRule = TextRule { pattern: "^[a-z0-9-]{1,32}$", check: workspace, numeric: true };

/// The last part of an address.
pub static ADDRESS_KEY: TextRule =
    TextRule { pattern: "^[a-z0-9][a-z0-9_-]{0,63}$", check: address_key, numeric: true };

/// A bare API hostname.
pub static HOSTNAME: TextRule =
    TextRule { pattern: r"^api-[0-9a-z]+\.(duosecurity|duofederal)\.com$", check: hostname, numeric: false };

/// An integration key. Its form is known from samples only, so unusual ones only get a warning elsewhere.
pub static INTEGRATION_KEY: TextRule =
    TextRule { pattern: "^[0-9A-Za-z]{1,39}$", check: integration_key, numeric: false };

/// The ID of a group or a policy. Its form is known from samples only.
pub static ID: TextRule = TextRule { pattern: "^[0-9A-Za-z]{1,39}$", check: id, numeric: false };

/// The name of an environment variable.
pub static ENV_NAME: TextRule =
    TextRule { pattern: "^(?![0-9A-Za-z]{40}$)[A-Za-z_][A-Za-z0-9_]*$", check: env_name, numeric: false };

/// A pattern for IPv4 addresses.
macro_rules! v4 {
    () => {
        r"((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    };
}

/// A rough pattern for IPv6 addresses.
macro_rules! v6 {
    () => {
        "[0-9A-Fa-f]{0,4}:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*"
    };
}

/// An address, a range `a-b` or a CIDR block.
pub static NETWORK: TextRule = TextRule {
    pattern: concat!(
        "^(",
        v4!(),
        "(/(3[0-2]|[12]?[0-9])| *- *",
        v4!(),
        ")?|",
        v6!(),
        "(/(12[0-8]|1[01][0-9]|[1-9]?[0-9])| *- *",
        v6!(),
        ")?)$"
    ),
    check: network,
    numeric: false,
};

/// One IP address.
pub static IP: TextRule =
    TextRule { pattern: concat!("^(", v4!(), "|", v6!(), ")$"), check: ip, numeric: false };

/// An `https://` URL.
pub static HTTPS_URL: TextRule =
    TextRule { pattern: r"^https://[^\s/?#@]+([/?#]\S*)?$", check: https_url, numeric: false };

/// A URL that browsers are sent to.
pub static WEB_URL: TextRule =
    TextRule { pattern: r"^https?://[^\s/?#]+([/?#]\S*)?$", check: web_url, numeric: false };

/// A URL that browsers are sent to; empty text means none.
pub static WEB_URL_OR_NONE: TextRule = TextRule {
    pattern: r"^(https?://[^\s/?#]+([/?#]\S*)?)?$",
    check: |text| if text.is_empty() { Ok(()) } else { web_url(text) },
    numeric: false,
};

/// A URI that a login returns to; native clients have schemes of their own.
pub static REDIRECT_URI: TextRule = TextRule {
    pattern: r"^(?!https?:/*$)[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+$",
    check: redirect_uri,
    numeric: false,
};

/// A certificate in PEM; empty text means none. Other rules read it.
pub static PEM: TextRule = TextRule { pattern: PEM_PATTERN, check: pem, numeric: false };

const PEM_PATTERN: &str = "^$|-----BEGIN CERTIFICATE-----";

/// The maximum length of notes in Duo, in characters.
pub const NOTES_LIMIT: usize = 512;

/// Notes. Together with the marker they must fit as well, which depends on the application.
pub static NOTES: TextRule = TextRule { pattern: r"^[\s\S]{0,512}$", check: notes, numeric: false };

/// The maximum length of a group's description, in characters. Duo's limit is unknown (policies.md, section 15).
pub const DESCRIPTION_LIMIT: usize = 255;

/// A description. Together with the marker it must fit as well.
pub static DESCRIPTION: TextRule =
    TextRule { pattern: r"^[\s\S]{0,255}$", check: |text| short(text, DESCRIPTION_LIMIT), numeric: false };

/// A percentage.
pub static PERCENT: TextRule = TextRule { pattern: "^(100|[0-9]{1,2})%$", check: percent, numeric: false };

/// An age: `90d`.
pub static AGE: TextRule = TextRule { pattern: super::age::PATTERN, check: age, numeric: false };

/// The timeout of a command: a number of seconds or minutes.
pub static TIMEOUT: TextRule =
    TextRule { pattern: super::age::TIMEOUT_PATTERN, check: timeout, numeric: false };

/// A date: `2027-06-30`.
pub static DATE: TextRule =
    TextRule { pattern: "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", check: date, numeric: false };

/// The fingerprint of an attestation. YAML reads some of them as numbers.
pub static FINGERPRINT: TextRule =
    TextRule { pattern: super::attestation::PATTERN, check: fingerprint, numeric: true };

/// A path in a secret store.
pub static STORE_PATH: TextRule = TextRule {
    pattern: r"^(?![\s\S]*[\u0000-\u001F\u007F-\u009F])(?!/)(?!(.*/)?\.\.(/|$)).*\S",
    check: store_path,
    numeric: false,
};

fn date(text: &str) -> Result<(), Problem> {
    let is_day = text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
    is_day.then_some(()).ok_or_else(|| {
        Problem::invalid("is not a valid date", "write year, month and day, e.g. `2027-06-30`")
    })
}

fn age(text: &str) -> Result<(), Problem> {
    let help = "write a number of hours, days or weeks, e.g. `90d`";
    super::age::parse(text).map(drop).map_err(|_| Problem::invalid("is not a valid age", help))
}

fn timeout(text: &str) -> Result<(), Problem> {
    let help = "write a number of seconds or minutes, e.g. `30s` or `2m`";
    super::age::timeout(text).map(drop).map_err(|_| Problem::invalid("is not a valid timeout", help))
}

/// What is wrong with empty text.
pub const EMPTY: &str = "must not be empty";

fn filled(text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::invalid(EMPTY, "write a value, or remove the key"));
    }
    Ok(())
}

fn line(text: &str) -> Result<(), Problem> {
    filled(text)?;
    if text.chars().any(|c| c.is_ascii_control()) {
        return Err(Problem::invalid(
            "must be one line without control characters",
            "remove line breaks, tabs and escape characters",
        ));
    }
    Ok(())
}

fn workspace(text: &str) -> Result<(), Problem> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=32).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    let cleaned: String =
        text.to_lowercase().chars().map(|c| if allowed(c) { c } else { '-' }).take(32).collect();
    let help = if cleaned.is_empty() { "e.g. `acme-prod`".to_owned() } else { format!("e.g. `{cleaned}`") };
    Err(Problem::invalid("must have 1 to 32 of the characters a-z, 0-9 and -", help))
}

fn address_key(text: &str) -> Result<(), Problem> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && text.len() <= 64 && text.chars().all(allowed) {
        return Ok(());
    }
    let message = if text.len() > 64 { "is longer than 64 characters" } else { "is not a valid address" };
    Err(Problem::invalid(
        message,
        "use a-z, 0-9, - and _, starting with a letter or digit; `name` can be any text",
    ))
}

/// Checks a bare API hostname and names the first mistake (duo-api.md, section 9).
fn hostname(text: &str) -> Result<(), Problem> {
    if is_hostname(text) {
        return Ok(());
    }
    let refuse = |message: &str, help: &str| {
        let bare = bare_hostname(text);
        let help = if is_hostname(&bare) {
            Help::from(format!("write `{bare}`")).by(Fix::Write(bare))
        } else {
            help.into()
        };
        Err(Problem { code: Code::InvalidHostname, message: message.to_owned(), help })
    };
    let shape = "it looks like `api-1a2b3c4d.duosecurity.com`; the Admin Panel shows it on the page of the Admin API application";
    let lower = text.to_lowercase();
    if text.contains("://") {
        refuse("must be a bare hostname, without `https://`", shape)
    } else if text.contains('/') {
        refuse("must be a bare hostname, without a path", shape)
    } else if text.contains(':') {
        refuse("must be a bare hostname, without a port", shape)
    } else if text.ends_with('.') {
        refuse("must not end with a dot", shape)
    } else if text.chars().any(char::is_whitespace) {
        refuse("must not contain spaces", shape)
    } else if text != lower {
        refuse("must be in lower case", shape)
    } else if lower.starts_with("admin-") {
        refuse("is the Admin Panel's hostname, not the API's", shape)
    } else if !(lower.ends_with(".duosecurity.com") || lower.ends_with(".duofederal.com")) {
        refuse(
            "is not a Duo hostname",
            "it must end with `.duosecurity.com` or `.duofederal.com`; to use a simulator, keep it and add --sandbox or --connect-to",
        )
    } else {
        refuse("is not a Duo API hostname", shape)
    }
}

fn is_hostname(text: &str) -> bool {
    let label = text.strip_suffix(".duosecurity.com").or_else(|| text.strip_suffix(".duofederal.com"));
    label
        .and_then(|label| label.strip_prefix("api-"))
        .is_some_and(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
}

fn bare_hostname(text: &str) -> String {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = text.split(['/', ':', '?']).next().unwrap_or_default();
    host.trim_end_matches('.').to_lowercase()
}

/// The length of Duo's secret keys (duo-api.md, section 0).
const SECRET_LENGTH: usize = 40;

fn integration_key(text: &str) -> Result<(), Problem> {
    if text.len() >= SECRET_LENGTH && text.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Problem {
            code: Code::PlainSecret,
            message: "looks like a secret key".to_owned(),
            help: "an integration key has 20 characters and starts with `DI`; if it was committed or pushed, reset it: it stays in the history".into(),
        });
    }
    if text.is_empty() || text.len() >= SECRET_LENGTH || !text.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Problem::invalid(
            "is not an integration key",
            "it has 20 letters and digits and starts with `DI`; a secret key, which has 40, must not be in the YAML",
        ));
    }
    Ok(())
}

fn id(text: &str) -> Result<(), Problem> {
    integration_key(text).map_err(|problem| match problem.code {
        Code::PlainSecret => problem,
        _ => Problem::invalid("is not an ID of Duo", "it has 20 letters and digits, as Duo's API returns it"),
    })
}

/// Whether a key has the form of all known integration keys (duo-api.md, section 0).
pub fn is_usual_integration_key(text: &str) -> bool {
    text.len() == 20
        && text.starts_with("DI")
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn env_name(text: &str) -> Result<(), Problem> {
    if text.len() == SECRET_LENGTH && text.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Problem {
            code: Code::PlainSecret,
            message: "looks like a secret key, not like the name of an environment variable".to_owned(),
            help: "write the name of the variable that holds it; if it was committed or pushed, reset it: it stays in the history".into(),
        });
    }
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if begins && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(Problem::invalid(
        "is not a valid name of an environment variable",
        "use letters, digits and _ without a leading `$`, e.g. `{env: DUO_SKEY}`",
    ))
}

fn network(text: &str) -> Result<(), Problem> {
    let refused = || {
        Problem::invalid(
            "is not an address, a range or a CIDR block",
            "e.g. `192.0.2.8`, `192.0.2.0/24` or `192.0.2.1-192.0.2.20`; Duo does not accept hostnames here",
        )
    };
    if let Some((first, last)) = text.split_once('-') {
        let first: IpAddr = first.trim().parse().map_err(|_| refused())?;
        let last: IpAddr = last.trim().parse().map_err(|_| refused())?;
        if first.is_ipv4() != last.is_ipv4() || first > last {
            return Err(Problem::invalid(
                "is a range that ends before it starts",
                "write the lower address first",
            ));
        }
        return Ok(());
    }
    if text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok() { Ok(()) } else { Err(refused()) }
}

fn ip(text: &str) -> Result<(), Problem> {
    match text.parse::<IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::invalid(
            "is not an IP address",
            "e.g. `198.51.100.7`; `curl https://ifconfig.co` shows your own",
        )),
    }
}

fn https_url(text: &str) -> Result<(), Problem> {
    let rest = text.strip_prefix("https://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains('@') || text.chars().any(char::is_whitespace) {
        return Err(Problem::invalid(
            "must be a URL that starts with `https://`",
            "it must not use plain http or contain a user name or password, because secrets are sent to it",
        ));
    }
    Ok(())
}

/// Whether a text is one of some URIs by its form: a scheme, a colon, no white space.
pub fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(letters)
        && !rest.is_empty()
        && !rest.chars().any(char::is_whitespace)
}

fn web_url(text: &str) -> Result<(), Problem> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if !host.is_empty() && !text.chars().any(char::is_whitespace) && Url::parse(text).is_ok() {
        return Ok(());
    }
    Err(Problem::invalid("is not a web URL", "write the full URL, such as https://wiki.example.com/acs"))
}

fn redirect_uri(text: &str) -> Result<(), Problem> {
    if is_uri(text) && !text.contains('#') && Url::parse(text).is_ok() {
        return Ok(());
    }
    Err(Problem::invalid(
        "is not a redirect URI",
        "write the full URI without `#`, such as https://portal.example.com/cb",
    ))
}

fn pem(text: &str) -> Result<(), Problem> {
    if text.is_empty() || text.contains("-----BEGIN CERTIFICATE-----") {
        return Ok(());
    }
    Err(Problem::invalid(
        "is not a certificate in PEM, which starts with -----BEGIN CERTIFICATE-----",
        "copy the complete PEM, as a block of lines after `|`",
    ))
}

fn notes(text: &str) -> Result<(), Problem> {
    short(text, NOTES_LIMIT)
}

fn short(text: &str, limit: usize) -> Result<(), Problem> {
    if text.chars().count() <= limit {
        return Ok(());
    }
    Err(Problem {
        code: Code::InvalidNotes,
        message: format!("has more than {limit} characters"),
        help: "shorten it: duoctl's marker needs room as well".into(),
    })
}

fn percent(text: &str) -> Result<(), Problem> {
    let number = text.strip_suffix('%').filter(|n| n.len() <= 3 && n.chars().all(|c| c.is_ascii_digit()));
    match number.and_then(|number| number.parse::<u8>().ok()) {
        Some(0..=100) => Ok(()),
        _ => Err(Problem::invalid("must be a percentage from 0% to 100%", "e.g. `30%`")),
    }
}

fn fingerprint(text: &str) -> Result<(), Problem> {
    if super::attestation::Attestation::parse(text).is_some() {
        return Ok(());
    }
    Err(Problem::invalid(
        "is not a fingerprint: eight of the characters 0-9 and a-f, and what `duoctl attest` appends",
        "run `duoctl attest NAME` after filling in the console form",
    ))
}

fn store_path(text: &str) -> Result<(), Problem> {
    filled(text)?;
    if text.contains(char::is_control) {
        return Err(Problem::invalid("must not contain control characters", "write a path such as `vpn`"));
    }
    if text.starts_with('/') || text.split(['/', '\\']).any(|part| part == "..") {
        return Err(Problem::invalid(
            "must stay inside the store",
            "write a path relative to the store, without `..`, e.g. `vpn`",
        ));
    }
    Ok(())
}

/// The maximum length of a file name and of a path on common systems, in bytes.
const LONGEST_NAME: usize = 255;
const LONGEST_PATH: usize = 1024;

/// Why a path cannot be a file in a store that is a folder, as a predicate. Does not depend on the folder.
pub fn no_file(path: &str) -> Option<&'static str> {
    let mut parts = Path::new(path).components();
    match () {
        () if path.is_empty() => Some("is empty"),
        () if path.contains('\0') => Some("contains a NUL character"),
        () if path.ends_with('/') => Some("ends with `/` like a folder"),
        () if !parts.all(|part| matches!(part, Component::Normal(_))) => {
            Some("starts with `.` or leads outside")
        }
        () if path.len() > LONGEST_PATH => Some("is longer than 1024 bytes"),
        () if path.split('/').any(|name| name.len() > LONGEST_NAME) => {
            Some("has a name longer than 255 bytes")
        }
        () => None,
    }
}

#[cfg(test)]
mod tests;
