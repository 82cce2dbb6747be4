//! A secret as a type: it cannot be printed, logged or serialised, and it is wiped when dropped.

use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret, SecretString};

/// A secret key, client secret or token.
///
/// It has no `Display`, `Debug` or `Serialize`, so a structure that holds one cannot be printed by accident:
///
/// ```compile_fail
/// let secret = duoctl::secret::Secret::new("hunter2");
/// println!("{secret:?}");
/// ```
///
/// ```compile_fail
/// let secret = duoctl::secret::Secret::new("hunter2");
/// println!("{secret}");
/// ```
///
/// ```compile_fail
/// let secret = duoctl::secret::Secret::new("hunter2");
/// serde_json::to_string(&secret).unwrap();
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes ownership of the text. Its allocation is moved, or wiped if it has to be replaced by one of the exact size.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.capacity() == text.len() {
            return Self(SecretString::from(text));
        }
        let exact = text.as_str().to_owned();
        text.zeroize();
        Self(SecretString::from(exact))
    }

    /// The clear text. Review every call site: the value must end in a MAC, a TLS socket or a secret store.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The last four characters. Duo itself shows them for a masked key (duo-api.md, section 0), so they are not secret.
    pub fn last_four(&self) -> String {
        last_four(self.expose())
    }
}

/// The last four characters of a text, or the whole text if it is shorter.
pub fn last_four(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(4);
    text.chars().skip(skip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_four_counts_characters_not_bytes() {
        assert_eq!(Secret::new("abcdefgh").last_four(), "efgh");
        assert_eq!(last_four("éàü"), "éàü");
        assert_eq!(last_four(""), "");
    }
}
