//! `docs/reference/types.md`: the known types of applications.

use duoctl::duo::catalogue::{Creation, Family, kinds};

use super::row;

pub(crate) fn page() -> String {
    let mut text = format!(
        "# Types of applications\n\n{}\n\n\
         The values of `type` that duoctl knows, {} of them. Any other text works too, with a warning: Duo adds types. Which \
         fields a type has is said in the [YAML reference](yaml.md).\n\n\
         *Created by API* says whether Duo's API makes a new application of the type, as far as its documentation and \
         clients tell. One that cannot be created can still be adopted and managed. *Out of support* has the date where a vendor \
         named one; `validate` warns of such a type.\n\n\
         Two dates belong to no type. Duo ended the traditional prompt in an iframe on 2024-03-30; an application of any \
         type that still shows it has no `prompt_v4_enabled` to set until its login was changed. One report, which nothing of \
         Duo's confirms, has the Accounts API deprecated on 2026-06-11; duoctl warns of nothing there.\n\n",
        super::NOTICE,
        kinds().len()
    );
    text += &row(["Type", "Product", "Kind", "Created by API", "Out of support"]);
    text += "|---|---|---|---|---|\n";
    for kind in kinds() {
        let creation = match kind.creation {
            Creation::Ok => "yes".to_owned(),
            Creation::Refused(reason) => format!("no: {reason}"),
        };
        let end = kind.end_of_life.unwrap_or_default();
        text += &row([&format!("`{}`", kind.name), kind.product, family(kind.family), &creation, end]);
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
