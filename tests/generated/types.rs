//! `docs/reference/types.md`: the known application types.

use duoctl::duo::catalogue::{Creation, Family, kinds};

use super::row;

pub(crate) fn page() -> String {
    let mut text = format!(
        "# Types of applications\n\n{}\n\n\
         The {} values of `type` that duoctl knows. Any other value also works, with a warning, because Duo adds types. The \
         [YAML reference](yaml.md) lists the fields of each type.\n\n\
         *Created by API*: whether Duo's API can create applications of this type, according to its documentation and \
         clients. Other applications can still be adopted and managed. *Out of support*: the date that the vendor named; \
         `validate` warns about such a type.\n\n\
         Two dates do not belong to a single type. Duo ended support for the traditional iframe prompt on 2024-03-30; an \
         application that still shows it has no `prompt_v4_enabled` until its login is changed. One report, not confirmed \
         by Duo, says that the Accounts API was deprecated on 2026-06-11; duoctl does not warn about it.\n\n",
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
