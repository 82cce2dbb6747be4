//! What is known about Duo's application types and Admin API permissions (duo-api.md, sections 3.4 and 4).
//!
//! The set of types is open: an unknown type works, with a warning.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A type of application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The type as Duo's API names it, e.g. `sso-generic`.
    pub name: &'static str,
    /// The product as the Admin Panel names it.
    pub product: &'static str,
    /// The family of types that it belongs to.
    pub family: Family,
    /// Whether the API can create one.
    pub creation: Creation,
    /// Since when it is out of support, in words, if it is.
    pub end_of_life: Option<&'static str>,
}

/// Types that have the same fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Keys for the Admin API.
    AdminApi,
    /// Keys for the Accounts API of a managed service provider.
    AccountsApi,
    /// Keys for the Auth API and similar APIs: the caller prompts users, without Duo's prompt.
    AuthApi,
    /// SAML applications of Duo Single Sign-On.
    Saml,
    /// OpenID Connect applications of Duo Single Sign-On.
    Oidc,
    /// OAuth applications of Duo Single Sign-On.
    OAuth,
    /// Applications of the Duo Access Gateway, which has reached end of life.
    AccessGateway,
    /// Users log in at an operating system or a network device, never in a browser.
    Native,
    /// Every other application that users log in to.
    UserFacing,
}

impl Family {
    /// Whether users log in to it; not so for the Admin API and the Accounts API.
    pub fn has_users(self) -> bool {
        !matches!(self, Self::AdminApi | Self::AccountsApi)
    }
}

/// Whether Duo's API can create an application of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It can, as far as is known.
    Ok,
    /// It cannot, or probably cannot; the reason is a clause such as `it needs ...`.
    Refused(&'static str),
}

/// The types, sorted by name.
static KINDS: LazyLock<Vec<Variant>> = LazyLock::new(|| {
    let rows = include_str!("integration-types.csv").lines().skip(1);
    let mut kinds: Vec<Variant> = rows.filter_map(|row| row.split_once(',')).map(kind).collect();
    kinds.sort_unstable_by_key(|kind| kind.name);
    kinds
});

/// Every known type, sorted by name.
pub fn kinds() -> &'static [Variant] {
    &KINDS
}

/// A type by its name.
pub fn lookup(name: &str) -> Option<&'static Variant> {
    static BY_NAME: LazyLock<HashMap<&str, &Variant>> =
        LazyLock::new(|| KINDS.iter().map(|kind| (kind.name, kind)).collect());
    BY_NAME.get(name).copied()
}

fn kind((name, product): (&'static str, &'static str)) -> Variant {
    let family = family(name, product);
    Variant {
        name,
        product,
        family,
        creation: creation(name, family),
        end_of_life: end_of_life(name, family),
    }
}

fn family(name: &str, product: &str) -> Family {
    match name {
        "adminapi" => Family::AdminApi,
        "accountsapi" => Family::AccountsApi,
        "authapi" | "partner_authapi" | "rest" | "verify" => Family::AuthApi,
        "sso-oidc-generic" => Family::Oidc,
        "dag" => Family::AccessGateway,
        "ldapproxy" | "macos" | "radius" | "rdp" | "unix" => Family::Native,
        _ if name.starts_with("sso-oauth-") => Family::OAuth,
        _ if name.starts_with("sso-") => Family::Saml,
        _ if product.starts_with("SAML - ") => Family::AccessGateway,
        _ => Family::UserFacing,
    }
}

fn creation(name: &str, family: Family) -> Creation {
    match name {
        "azure-ca" => Creation::Refused("it needs an interactive consent at Microsoft"),
        "accountsapi" => {
            Creation::Refused("only an Owner of the parent account can create it, in the Admin Panel")
        }
        "microsoft-eam" => {
            Creation::Refused("it is set up in the Admin Panel together with Microsoft Entra ID")
        }
        "portal" => Creation::Refused("Duo creates it itself, for enrolment"),
        "samlidp" | "workday" => Creation::Refused("it is a legacy type"),
        "rest" | "verify" => Creation::Refused("it is a legacy type, replaced by `authapi`"),
        "partner_authapi" | "partner_websdk" => {
            Creation::Refused("it is reserved for Duo's partner programme")
        }
        "sso-cisco-secure-access" => Creation::Refused("it is added from the catalogue in the Admin Panel"),
        "bitium" | "citrixcag" | "f5firepass" | "juniperuac" | "tmg" | "uag" => {
            Creation::Refused("its vendor has discontinued the product")
        }
        _ if family == Family::AccessGateway => Creation::Refused("the Duo Access Gateway is out of support"),
        _ => Creation::Ok,
    }
}

fn end_of_life(name: &str, family: Family) -> Option<&'static str> {
    match name {
        "tmg" => Some("Microsoft ended its support on 2020-04-14"),
        "uag" => Some("Microsoft ended its support on 2020-04-14"),
        _ if family == Family::AccessGateway => {
            Some("Duo ended the support of the Duo Access Gateway on 2023-10-26, except for Duo Federal")
        }
        _ => None,
    }
}

/// A permission of an Admin API application: its name without `adminapi_`, and the Admin Panel's wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The name, e.g. `read_log` for the flag `adminapi_read_log`.
    pub name: &'static str,
    /// Its name in the Admin Panel, and its purpose.
    pub description: &'static str,
}

impl Permission {
    /// Its name in the Admin Panel.
    pub fn label(&self) -> &'static str {
        self.description.split_once(':').map_or(self.description, |(label, _)| label)
    }
}

/// A permission by its name.
pub fn permission(name: &str) -> Option<&'static Permission> {
    PERMISSIONS.iter().find(|permission| permission.name == name)
}

/// Every known permission (duo-api.md, section 3.4).
pub const PERMISSIONS: &[Permission] = &[
    Permission {
        name: "admins",
        description: "Grant administrators - Write: create, change and delete administrators",
    },
    Permission { name: "admins_read", description: "Grant administrators - Read: see administrators" },
    Permission { name: "info", description: "Grant read information: the account's summary and usage" },
    Permission {
        name: "integrations",
        description: "Grant applications: see, create, change and delete applications",
    },
    Permission { name: "integrations_read", description: "Grant applications - Read: see applications" },
    Permission {
        name: "read_log",
        description: "Grant read log: authentication, administrator and telephony logs",
    },
    Permission {
        name: "read_resource",
        description: "Grant resource - Read: users, groups, devices, endpoints",
    },
    Permission {
        name: "write_resource",
        description: "Grant resource - Write: change users, groups and devices",
    },
    Permission { name: "settings", description: "Grant settings: see and change the account's settings" },
    Permission { name: "settings_read", description: "Grant settings - Read: see the account's settings" },
    Permission {
        name: "allow_to_set_permissions",
        description: "Grant set Admin API permissions: give permissions to Admin API applications",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_type_and_can_be_found() {
        assert_eq!(kinds().len(), 171);
        for kind in kinds() {
            assert_eq!(lookup(kind.name), Some(kind));
            assert!(!kind.product.is_empty());
        }
        assert_eq!(lookup("no-such-type"), None);
    }

    #[test]
    fn families_and_creation_follow_the_reference() {
        let of = |name: &str| lookup(name).map(|kind| (kind.family, kind.creation == Creation::Ok));
        assert_eq!(of("adminapi"), Some((Family::AdminApi, true)));
        assert_eq!(of("authapi"), Some((Family::AuthApi, true)));
        assert_eq!(of("sso-generic"), Some((Family::Saml, true)));
        assert_eq!(of("sso-oidc-generic"), Some((Family::Oidc, true)));
        assert_eq!(of("sso-oauth-server-mcp"), Some((Family::OAuth, true)));
        assert_eq!(of("agzoom"), Some((Family::AccessGateway, false)));
        assert_eq!(of("azure-ca"), Some((Family::UserFacing, false)));
        let gateway = kinds().iter().filter(|kind| kind.family == Family::AccessGateway);
        assert_eq!(gateway.count(), 81, "the launcher and its 80 applications");
    }
}
