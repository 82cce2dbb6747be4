//! Duo's calls that the sandbox does not simulate: they answer 501 instead of something that looks like Duo's answer.

/// Calls that are not simulated.
pub struct Unsimulated {
    /// Methods, separated by spaces; `*` for any.
    pub methods: &'static str,
    /// The path; `{}` matches one segment, `**` any number of them.
    pub path: &'static str,
    /// What the calls are for.
    pub what: &'static str,
}

const fn row(methods: &'static str, path: &'static str, what: &'static str) -> Unsimulated {
    Unsimulated { methods, path, what }
}

/// All calls that are not simulated, by path (duo_client 5.7.0, the official request collection 4.1.0).
#[rustfmt::skip]
pub const UNSIMULATED: &[Unsimulated] = &[
    row("*", "/accounts/v1/billing/**", "editions and telephony credits of child accounts"),
    row("POST PUT DELETE", "/admin/v1/admins/**", "changes of administrators, except of their login methods"),
    row("GET", "/admin/v1/admins/{}/{}", "details of an administrator"),
    row("*", "/admin/v1/billing/**", "editions and telephony credits of child accounts"),
    row("*", "/admin/v1/branding/**", "branding, except custom messages"),
    row("*", "/admin/v1/bulk", "several operations in one call"),
    row("*", "/admin/v1/bypass_codes/**", "bypass codes"),
    row("*", "/admin/v1/desktop_authenticators/**", "desktop authenticators"),
    row("*", "/admin/v1/desktoptokens/**", "desktop authenticators"),
    row("*", "/admin/v1/directorysync/**", "directory sync"),
    row("*", "/admin/v1/logo", "the account's logo"),
    row("POST PUT DELETE", "/admin/v1/phones/**", "changes of phones"),
    row("*", "/admin/v1/registered_devices/**", "registered devices"),
    row("POST PUT DELETE", "/admin/v1/tokens/**", "changes of hardware tokens"),
    row("*", "/admin/v1/u2ftokens/**", "U2F tokens"),
    row("POST", "/admin/v1/users/bulk_create", "several users in one call"),
    row("POST", "/admin/v1/users/bulk_restore", "several users in one call"),
    row("POST", "/admin/v1/users/bulk_send_to_trash", "several users in one call"),
    row("*", "/admin/v1/users/directorysync/**", "directory sync"),
    row("POST", "/admin/v1/users/enroll", "enrolment"),
    row("*", "/admin/v1/users/{}/bypass_codes/**", "bypass codes"),
    row("*", "/admin/v1/users/{}/desktopauthenticators/**", "desktop authenticators"),
    row("POST PUT DELETE", "/admin/v1/users/{}/phones/**", "changes of phones"),
    row("*", "/admin/v1/users/{}/send_verification_push", "verification pushes"),
    row("POST PUT DELETE", "/admin/v1/users/{}/tokens/**", "changes of hardware tokens"),
    row("*", "/admin/v1/users/{}/u2ftokens/**", "U2F tokens"),
    row("*", "/admin/v1/users/{}/verification_push_response", "verification pushes"),
    row("*", "/admin/v1/users/{}/webauthncredentials/**", "WebAuthn credentials"),
    row("*", "/admin/v1/webauthncredentials/**", "WebAuthn credentials"),
    row("*", "/admin/v2/identity_verification/**", "identity verification"),
    row("*", "/admin/v2/passport/**", "Duo Passport"),
    row("POST", "/auth/v2/enroll", "enrolment"),
    row("*", "/authorize/v1/**", "the Authorization API"),
    row("*", "/device/v1/**", "the Device API"),
    row("*", "/oauth/v1/authorize", "the prompt that users see"),
    row("*", "/oauth/v1/token", "the prompt that users see"),
    row("*", "/rest/v1/auth", "logins by the v1 authentication protocol"),
    row("*", "/rest/v1/logo", "logins by the v1 authentication protocol"),
    row("*", "/rest/v1/preauth", "logins by the v1 authentication protocol"),
    row("*", "/rest/v1/status", "logins by the v1 authentication protocol"),
    row("*", "/rest/v1/tx/**", "logins by the v1 authentication protocol"),
    row("*", "/verify/v1/**", "the Verify API"),
];

/// Calls that are simulated although a row has their path.
const SIMULATED: &[&[&str]] =
    &[&["admin", "v1", "admins", "allowed_auth_methods"], &["admin", "v1", "branding", "custom_messaging"]];

/// What a call is for, if it is not simulated.
pub(super) fn find(method: &str, path: &[&str]) -> Option<&'static str> {
    if SIMULATED.contains(&path) {
        return None;
    }
    let is_meant = |row: &&Unsimulated| {
        row.methods.split(' ').any(|known| known == "*" || known == method) && fits(row.path, path)
    };
    UNSIMULATED.iter().find(is_meant).map(|row| row.what)
}

fn fits(pattern: &str, path: &[&str]) -> bool {
    let mut segments = path.iter();
    for part in pattern.split('/').skip(1) {
        match (part, segments.next()) {
            ("**", _) => return true,
            ("{}", Some(segment)) if !segment.is_empty() => {}
            (part, Some(segment)) if part == *segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_in(method: &str, path: &str) -> Option<&'static str> {
        find(method, &path.split('/').skip(1).collect::<Vec<_>>())
    }

    #[test]
    fn a_pattern_takes_what_it_says_and_no_more() {
        for (method, path, expected) in [
            ("GET", "/admin/v1/bypass_codes", true),
            ("DELETE", "/admin/v1/bypass_codes/DB1", true),
            ("POST", "/admin/v1/phones", true),
            ("POST", "/admin/v1/phones/DP1/send_sms_activation", true),
            ("GET", "/admin/v1/phones", false),
            ("GET", "/admin/v1/phones/DP1", false),
            ("GET", "/admin/v1/admins/DE1", false),
            ("GET", "/admin/v1/admins/DE1/password_mgmt", true),
            ("GET", "/admin/v1/admins/allowed_auth_methods", false),
            ("POST", "/admin/v1/admins/allowed_auth_methods", false),
            ("POST", "/admin/v1/admins/DE1", true),
            ("GET", "/admin/v1/branding", true),
            ("POST", "/admin/v1/branding/custom_messaging", false),
            ("POST", "/admin/v1/users", false),
            ("POST", "/admin/v1/users/DU1", false),
            ("POST", "/admin/v1/users/DU1/groups", false),
            ("GET", "/admin/v1/users/DU1/bypass_codes", true),
            ("POST", "/auth/v2/enroll_status", false),
            ("GET", "/rest/v1/check", false),
        ] {
            assert_eq!(find_in(method, path).is_some(), expected, "{method} {path}");
        }
    }

    #[test]
    fn the_rows_are_sorted_and_each_takes_its_own_path() {
        assert!(UNSIMULATED.is_sorted_by_key(|row| row.path));
        for row in UNSIMULATED {
            let path = row.path.replace("{}", "ID").replace("/**", "/ID");
            let method = row.methods.split(' ').next().unwrap().replace('*', "GET");
            assert!(find_in(&method, &path).is_some(), "{} {}", row.methods, row.path);
        }
    }
}
