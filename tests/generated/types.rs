//! `docs/types.md`: the known types of applications.

use duoctl::duo::catalogue::{Creation, Family, kinds};

use super::row;

pub(crate) fn page() -> String {
    let mut text = format!(
        "{}\n\n# Types of applications\n\n\
         The values of `type` that duoctl knows, {} of them. Any other text works too, with a warning: Duo adds types. Which \
         fields a type has is said in the [YAML reference](yaml.md).\n\n\
         *Created by API* says whether Duo's API makes a new application of the type, as far as its documentation and \
         clients tell. One that cannot be created can still be adopted and managed.\n\n",
        super::NOTICE,
        kinds().len()
    );
    text += &row(["Type", "Product", "Kind", "Created by API"]);
    text += "|---|---|---|---|\n";
    for kind in kinds() {
        let creation = match (kind.creation, kind.end_of_life) {
            (Creation::Ok, None) => "yes".to_owned(),
            (Creation::Ok, Some(end)) => format!("yes; {end}"),
            (Creation::Refused(reason), _) => format!("no: {reason}"),
        };
        text += &row([&format!("`{}`", kind.name), kind.product, family(kind.family), &creation]);
    }
    text
}

fn family(family: Family) -> &'static str {
    match family {
        Family::AdminApi => "Admin API",
        Family::AccountsApi => "Accounts API",
        Family::AuthApi => "Auth API",
        Family::Saml => "single sign-on, SAML",
        Family::Oidc => "single sign-on, OpenID Connect",
        Family::OAuth => "single sign-on, OAuth",
        Family::AccessGateway => "Duo Access Gateway",
        Family::Native => "no browser",
        Family::UserFacing => "browser",
    }
}
