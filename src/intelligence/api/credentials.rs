//! The credentials of the public API: separate values in the YAML, or a file with the values copied from the console.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use thiserror::Error;

use crate::config::model::IntelligenceApi;
use crate::credentials::{CredentialError, Form, Surroundings, fetch};
use crate::reading;
use crate::secret::Secret;

/// The maximum size of a credentials file in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// What a client needs to get a token and to send queries.
#[derive(Clone)]
pub struct ApiCredentials {
    /// The URL of the token endpoint, as copied from the console.
    pub token_url: String,
    /// The URL of the API.
    pub api_url: String,
    /// The client id.
    pub client_id: Secret,
    /// The client secret.
    pub client_secret: Secret,
    /// Sent only if it is configured.
    pub audience: Option<String>,
    /// Whether the YAML itself contains the URLs: only then may they point to a host outside the vendor's domains.
    pub written_out: bool,
}

/// Why there are no credentials.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CredentialsError {
    /// A value could not be obtained.
    #[error("api.{key}: {error}")]
    Value {
        /// Its key.
        key: &'static str,
        /// Why.
        error: CredentialError,
    },
    /// The file cannot be used.
    #[error("api.file: {} {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason, without any content of the file.
        reason: String,
    },
}

impl ApiCredentials {
    /// Fetches them.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`], which never holds a value.
    pub fn fetch(api: &IntelligenceApi, around: &Surroundings) -> Result<Self, CredentialsError> {
        match api {
            IntelligenceApi::File(path) => Self::from_file(path),
            IntelligenceApi::Fields(fields) => {
                let value = |key, source| {
                    fetch(source, Form::Line, around).map_err(|error| CredentialsError::Value { key, error })
                };
                Ok(Self {
                    token_url: fields.token_url.value.clone(),
                    api_url: fields.api_url.value.clone(),
                    client_id: value("client_id", &fields.client_id.value)?,
                    client_secret: value("client_secret", &fields.client_secret.value)?,
                    audience: fields.audience.as_ref().map(|audience| audience.value.clone()),
                    written_out: true,
                })
            }
        }
    }

    fn from_file(path: &Path) -> Result<Self, CredentialsError> {
        let unusable = |reason: String| CredentialsError::File { path: path.to_owned(), reason };
        let text =
            reading::text(path, MAX_FILE).map_err(|error| unusable(format!("cannot be read: {error}")))?;
        // JSON is valid YAML.
        let copied: Map<String, Value> = serde_yaml::from_str(&text)
            .map_err(|_| unusable("is not the JSON that the console copies with `Copy all`".to_owned()))?;
        // Only `tokenUrl` and `audience` are documented, so other spellings are accepted, too (section 6.2).
        let find = |names: &[&str]| {
            let plain = |key: &str| {
                key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
            };
            let found = copied.iter().find(|(key, _)| names.contains(&plain(key).as_str()));
            found.and_then(|(_, value)| value.as_str()).map(str::to_owned).filter(|text| !text.is_empty())
        };
        let needed = |what: &str, names: &[&str]| {
            find(names)
                .ok_or_else(|| unusable(format!("has no `{what}`; copy everything that the console shows")))
        };
        Ok(Self {
            token_url: needed("tokenUrl", &["tokenurl", "tokenendpoint"])?,
            api_url: needed("apiUrl", &["apiurl", "graphqlurl", "url", "baseurl", "endpoint"])?,
            client_id: Secret::new(needed("clientId", &["clientid"])?),
            client_secret: Secret::new(needed("clientSecret", &["clientsecret"])?),
            audience: find(&["audience"]),
            written_out: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ApiCredentials, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copied.json");
        std::fs::write(&path, text).unwrap();
        let api = IntelligenceApi::File(path.clone());
        let shown = |error: CredentialsError| error.to_string().replace(&path.display().to_string(), "FILE");
        ApiCredentials::fetch(&api, &Surroundings::folder(folder.path())).map_err(shown)
    }

    #[test]
    fn the_copied_file_is_read_in_any_spelling() {
        for text in [
            r#"{"clientId": "id", "clientSecret": "s", "tokenUrl": "https://t", "apiUrl": "https://a", "audience": "x"}"#,
            r#"{"client_id": "id", "client_secret": "s", "token_url": "https://t", "url": "https://a", "Audience": "x"}"#,
            // As the Windows editor saves it, and as a person may write it.
            "\u{feff}{\"clientId\":\"id\",\"clientSecret\":\"s\",\"tokenUrl\":\"https://t\",\"apiUrl\":\"https://a\",\"audience\":\"x\"}\r\n",
            "clientId: id\nclientSecret: s\ntokenUrl: https://t\napiUrl: https://a\naudience: x\n",
        ] {
            let found = read(text).ok().unwrap();
            assert_eq!((found.token_url.as_str(), found.api_url.as_str()), ("https://t", "https://a"));
            assert_eq!((found.client_secret.expose(), found.audience.as_deref()), ("s", Some("x")));
            assert!(!found.written_out);
        }
    }

    #[test]
    fn an_unusable_file_is_explained_without_its_content() {
        let error = |text: &str| read(text).err().unwrap();
        assert!(error("hunter2").starts_with("api.file: FILE is not the JSON"));
        let error = error(
            r#"{"clientId": "id", "tokenUrl": "https://t", "apiUrl": "https://a", "secret": "hunter2"}"#,
        );
        assert_eq!(error, "api.file: FILE has no `clientSecret`; copy everything that the console shows");
    }
}
