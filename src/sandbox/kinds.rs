//! Application types: which ones the API can create, and their properties (duo-api.md, section 4).

/// Whether the API creates applications of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Creation {
    Yes,
    /// No source is certain.
    Doubtful,
    No,
}

#[rustfmt::skip]
const CREATABLE: &[&str] = &[
    "1password", "adfs", "adminapi", "aeries", "akamai-eaa", "array", "authapi", "aws-directory-service", "barracuda",
    "bitwarden", "bomgar", "caradigm", "cas", "checkpoint", "cisco", "ciscofirepower", "ciscoiseradius", "ciscoradius",
    "citrixns", "clearpass", "confluence", "cyberark", "cyberarkweb", "device-management-portal", "dng", "dng-ssh",
    "drawbridgenetworks", "drupal", "epic", "f5bigip", "fortinet", "greyheller", "jira", "juniper", "keeper", "labtech",
    "lastpass", "ldapproxy", "macos", "merakiradius", "myworkdrive", "netmotion", "netscaler-web", "oam", "okta",
    "onelogin", "openvpn", "openvpnas", "owa", "paloalto", "pingfederate", "radius", "rdgateway", "rdp", "rdweb",
    "resilient", "rras", "sailpoint", "sailpointweb", "shibboleth", "sonicwallsra", "sophosutm", "splunk", "sso-generic",
    "sso-oauth-client-credentials", "sso-oauth-server", "sso-oauth-server-mcp", "sso-oidc-generic", "thycotic", "unix",
    "vmwareview", "websdk", "wordpress", "workday",
];

#[rustfmt::skip]
const DOUBTFUL: &[&str] = &[
    "accountsapi", "bitium", "citrixcag", "dag", "f5firepass", "juniperuac", "microsoft-eam", "partner_authapi",
    "partner_websdk", "portal", "rest", "samlidp", "sso-cisco-secure-access", "tmg", "uag", "verify",
];

/// Whether the API creates applications of a type; never for unknown types, `azure-ca` and `ag*`.
pub(super) fn creation(kind: &str) -> Creation {
    if CREATABLE.contains(&kind) {
        Creation::Yes
    } else if DOUBTFUL.contains(&kind) {
        Creation::Doubtful
    } else {
        Creation::No
    }
}

/// Credentials for an administrative API, not an application that users log in to.
pub(super) fn is_api(kind: &str) -> bool {
    matches!(kind, "adminapi" | "accountsapi")
}

/// Types with an `sso` object.
pub(super) fn is_sso(kind: &str) -> bool {
    kind.starts_with("sso-")
}

/// The key under `sso` that holds the configuration of a type.
pub(super) fn sso_section(kind: &str) -> Option<&'static str> {
    match kind {
        "sso-generic" | "sso-cisco-secure-access" => Some("saml_config"),
        "sso-oidc-generic" => Some("oidc_config"),
        "sso-oauth-client-credentials" => Some("oauth_config"),
        _ => None,
    }
}

/// Types with a usable secret key (duo-api.md, section 3.3).
pub(super) fn has_secret_key(kind: &str) -> bool {
    !matches!(
        kind,
        "sso-oidc-generic" | "sso-oauth-client-credentials" | "sso-oauth-server" | "sso-oauth-server-mcp"
    )
}

/// Types whose key Duo documents for its Authentication Proxy, which checks it with `/auth/v2/check` (probes.md, section
/// 3).
#[rustfmt::skip]
const PROXY: &[&str] = &[
    "array", "aws-directory-service", "barracuda", "checkpoint", "cisco", "ciscofirepower", "ciscoiseradius",
    "ciscoradius", "citrixcag", "citrixns", "clearpass", "cyberark", "f5bigip", "fortinet", "juniper", "ldapproxy",
    "merakiradius", "netmotion", "paloalto", "radius", "rras", "sonicwallsra", "sophosutm", "vmwareview",
];
/// Types whose key is for the Auth API itself, or for a client that calls it.
const AUTH: &[&str] = &["authapi", "partner_authapi", "rest", "unix", "verify"];
/// Types whose key is for the Universal Prompt and the Auth API.
const WEB: &[&str] = &["bitwarden", "partner_websdk", "websdk"];
/// Types that use the v1 authentication protocol in addition to those of the Authentication Proxy.
const REST: &[&str] = &["openvpn", "openvpnas", "unix"];

/// How an API answers a valid key of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admits {
    Yes,
    No,
    /// No source tells.
    Unknown,
}

/// Whether the Auth API accepts the keys of a type (probes.md, section 3).
pub(super) fn auth_api(kind: &str) -> Admits {
    let known = [PROXY, AUTH, WEB].concat();
    match kind {
        "adminapi" => Admits::No,
        kind if known.contains(&kind) => Admits::Yes,
        _ => Admits::Unknown,
    }
}

/// Whether `/rest/v1/check` accepts the keys of a type (probes.md, section 5).
pub(super) fn rest_v1(kind: &str) -> Admits {
    if PROXY.contains(&kind) || REST.contains(&kind) { Admits::Yes } else { Admits::Unknown }
}

/// Whether the OAuth health check accepts the keys of a type as clients, before Duo has seen a frameless authentication
/// (probes.md, section 3).
pub(super) fn health_check(kind: &str) -> Admits {
    if WEB.contains(&kind) { Admits::Yes } else { Admits::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_type_is_sorted_into_one_class() {
        let table = include_str!("../duo/integration-types.csv");
        let kinds: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        for kind in &kinds {
            let legacy = kind.starts_with("ag") || *kind == "azure-ca";
            assert_eq!(creation(kind) == Creation::No, legacy, "{kind}");
        }
        for kind in [CREATABLE, DOUBTFUL, PROXY, AUTH, WEB, REST].concat() {
            assert!(kinds.contains(&kind), "{kind}");
        }
        assert_eq!(creation("no-such-type"), Creation::No);
    }
}
