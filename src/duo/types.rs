//! What Duo reports about the account, and the formats of keys (duo-api.md, sections 0 and 7.5).

/// What Duo reports about the account (duo-api.md, section 7.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The customer's name, from the settings.
    pub name: Option<String>,
    /// The edition's name as Duo returns it, e.g. `Duo Premier`; older accounts do not report it.
    pub edition: Option<String>,
}

/// Whether a text has the format of an integration key.
pub fn is_integration_key(text: &str) -> bool {
    let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    text.len() == 20 && text.starts_with("DI") && text.chars().all(capital)
}

/// Whether a text has the format of a secret key.
pub fn is_secret_key(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Whether a text can be a client secret: the format is not documented.
pub(super) fn is_client_secret(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic() && c != '*')
}
