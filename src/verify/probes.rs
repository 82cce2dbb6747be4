//! The one table of live checks, used by `apply` for the keys that it delivers and by `verify`: which call is safe for the
//! keys of a type, and what its answers prove (probes.md, sections 3 and 4).

use crate::duo::catalogue::{Family, lookup};
use crate::duo::object::Object;
use crate::kinds::value::flag;

/// How well it is known what Duo answers to the right keys of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Duo's own tools rely on `/auth/v2/check` accepting them.
    Firm,
    /// Everything suggests that it accepts them.
    Likely,
    /// No source shows the answer.
    Open,
}

/// How an application of some type is checked. Every call is read-only and contacts no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Reads of the Admin API: each permission, too.
    AdminApi,
    /// The list of child accounts.
    AccountsApi,
    /// `GET /auth/v2/check`.
    AuthCheck(Certainty),
    /// The same, then `GET /rest/v1/check`.
    AuthOrRestCheck,
    /// The health check of the Universal Prompt, with `/auth/v2/check` as the second opinion.
    HealthCheck,
    /// The health check; unless Duo accepts it, `/auth/v2/check` decides.
    HealthOrAuthCheck(Certainty),
    /// No key: the SAML metadata and its certificate.
    Metadata,
    /// No key: the discovery document, its issuer and its signing keys.
    Discovery,
}

/// Types that are checked in the same way.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Their names in the API.
    pub types: &'static [&'static str],
    /// How.
    pub probe: Probe,
}

const fn row(probe: Probe, types: &'static [&'static str]) -> Row {
    Row { types, probe }
}

/// Every type whose check is not [`OTHERS`] or that of a single sign-on family.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(Probe::AdminApi, &["adminapi"]),
    row(Probe::AccountsApi, &["accountsapi"]),
    row(Probe::AuthCheck(Certainty::Firm), &["authapi", "cyberark", "ldapproxy", "radius", "rras", "unix"]),
    row(Probe::AuthCheck(Certainty::Likely), &[
        "array", "aws-directory-service", "barracuda", "checkpoint", "cisco", "ciscofirepower", "ciscoiseradius",
        "ciscoradius", "citrixcag", "citrixns", "clearpass", "f5bigip", "fortinet", "juniper", "merakiradius",
        "netmotion", "paloalto", "partner_authapi", "rest", "sonicwallsra", "sophosutm", "verify", "vmwareview",
    ]),
    row(Probe::AuthOrRestCheck, &["openvpn", "openvpnas"]),
    row(Probe::HealthCheck, &["bitwarden", "partner_websdk", "websdk"]),
    row(Probe::HealthOrAuthCheck(Certainty::Open), &[
        "cas", "confluence", "drupal", "jira", "oam", "shibboleth", "wordpress",
    ]),
];

/// Every other type, including those that duoctl does not know: the call is safe, and its answer is judged only together
/// with a control.
pub const OTHERS: Probe = Probe::AuthCheck(Certainty::Open);

impl Probe {
    /// The check of every application of a type.
    pub fn of_type(kind: &str) -> Self {
        match lookup(kind).map(|kind| kind.family) {
            Some(Family::Saml) => Self::Metadata,
            Some(Family::Oidc | Family::OAuth) => Self::Discovery,
            _ => TABLE.iter().find(|row| row.types.contains(&kind)).map_or(OTHERS, |row| row.probe),
        }
    }

    /// The check of an application. If Duo has seen it use the Universal Prompt, the health check comes first.
    pub fn of(live: &Object) -> Self {
        let prompts = live.property("frameless_auth_prompt_enabled").and_then(flag) == Some(true);
        match Self::of_type(live.variant()) {
            Self::AuthCheck(certainty) if prompts && live.variant() != "authapi" => {
                Self::HealthOrAuthCheck(certainty)
            }
            Self::AuthOrRestCheck if prompts => Self::HealthOrAuthCheck(Certainty::Open),
            probe => probe,
        }
    }

    /// Whether a refusal that is not about the key means that something is wrong: Duo is known to answer this call.
    pub fn is_known_to_answer(self) -> bool {
        match self {
            Self::AuthCheck(certainty) | Self::HealthOrAuthCheck(certainty) => certainty == Certainty::Firm,
            Self::AdminApi | Self::AccountsApi | Self::HealthCheck => true,
            Self::AuthOrRestCheck | Self::Metadata | Self::Discovery => false,
        }
    }

    /// The name of the check in reports.
    pub fn name(self) -> &'static str {
        match self {
            // One of two calls decides.
            Self::AdminApi | Self::HealthOrAuthCheck(_) => "secret key",
            Self::AccountsApi => "account list",
            Self::AuthCheck(_) | Self::AuthOrRestCheck => "auth check",
            Self::HealthCheck => "health check",
            Self::Metadata => "metadata",
            Self::Discovery => "discovery",
        }
    }

    /// Why there is no key to test, if there is none.
    pub fn without_key(self) -> Option<&'static str> {
        match self {
            Self::Metadata => Some("a SAML application has no key that could be tested"),
            Self::Discovery => {
                Some("Duo accepts a client secret only to issue a token, so a test would issue one")
            }
            _ => None,
        }
    }

    /// How many calls it makes if all goes well, without the one that fetches the key.
    pub fn calls(self) -> usize {
        match self {
            // One for each permission probe.
            Self::AdminApi => 6,
            Self::Discovery => 2,
            Self::AccountsApi
            | Self::AuthCheck(_)
            | Self::AuthOrRestCheck
            | Self::HealthCheck
            | Self::HealthOrAuthCheck(_)
            | Self::Metadata => 1,
        }
    }

    /// The calls, for the documentation.
    pub fn words(self) -> &'static str {
        match self {
            Self::AdminApi => "one read of the Admin API for each permission",
            Self::AccountsApi => "`POST /accounts/v1/account/list`, which only reads",
            Self::AuthCheck(Certainty::Firm | Certainty::Likely) => "`GET /auth/v2/check`",
            Self::AuthCheck(Certainty::Open) => "`GET /auth/v2/check`, and the control",
            Self::AuthOrRestCheck => "`GET /auth/v2/check`, then `GET /rest/v1/check`, and the control",
            Self::HealthCheck => "`POST /oauth/v1/health_check`; if Duo refuses it, `GET /auth/v2/check`",
            Self::HealthOrAuthCheck(_) => {
                "`POST /oauth/v1/health_check`; unless Duo accepts it, `GET /auth/v2/check` and the control decide"
            }
            Self::Metadata => "the metadata at the URL that Duo shows: its entity ID, its certificates",
            Self::Discovery => {
                "the discovery document at the URL that Duo shows: its issuer, its signing keys"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::catalogue::kinds;
    use crate::duo::probe::permission_probes;
    use jiff::Timestamp;
    use std::collections::BTreeSet;

    #[test]
    fn every_type_of_the_table_is_known_and_in_one_row() {
        let mut seen = BTreeSet::new();
        for name in TABLE.iter().flat_map(|row| row.types) {
            assert!(lookup(name).is_some(), "{name}");
            assert!(seen.insert(name), "{name} is in two rows");
        }
        assert!(TABLE.iter().all(|row| row.types.is_sorted() && row.probe != OTHERS));
        let without = kinds().iter().filter(|kind| Probe::of_type(kind.name).without_key().is_some());
        assert!(
            without.clone().all(|kind| kind.name.starts_with("sso-")),
            "{:?}",
            without.collect::<Vec<_>>()
        );
        assert_eq!(Probe::of_type("no-such-type"), OTHERS);
        assert_eq!(Probe::AdminApi.calls(), permission_probes(Timestamp::UNIX_EPOCH).len());
    }
}
