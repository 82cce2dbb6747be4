//! The public API of Identity Intelligence: tokens for client credentials, GraphQL in both known generations, paging
//! (identity-intelligence.md, section 6). Read-only.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Mutex, Semaphore};

mod access;
mod answers;
mod credentials;
mod exchange;

pub use access::ApiError;
pub use answers::{DuoData, EndUser, IntegrationStatus};
pub use credentials::{ApiCredentials, CredentialsError};
pub use exchange::{PATIENCE, Reach};

use crate::duo::https::Authorities;
use access::Token;
use exchange::Exchange;

/// The maximum number of concurrent requests.
pub const PARALLELISM: usize = 10;
/// A page size that both generations of the schema accept.
const PAGE_SIZE: usize = 100;
/// The maximum number of pages of people to search for data from Duo.
const MAX_PAGES: usize = 50;

/// A client of the public API. It fetches a token when it needs one, and replaces it before it expires.
pub struct Client {
    exchange: Exchange,
    credentials: ApiCredentials,
    token: Mutex<Option<Token>>,
    permits: Semaphore,
}

impl Client {
    /// Creates a client; nothing is sent yet. `patience` is the time limit for an answer, usually [`PATIENCE`].
    ///
    /// # Errors
    ///
    /// When a URL may not be called, or TLS cannot be set up.
    pub fn new(
        credentials: ApiCredentials,
        reach: Reach,
        authorities: &Authorities,
        patience: Duration,
    ) -> Result<Self, ApiError> {
        exchange::check_url(&credentials.token_url, reach, credentials.written_out)?;
        exchange::check_url(&credentials.api_url, reach, credentials.written_out)?;
        Ok(Self {
            exchange: Exchange::new(authorities, reach, patience)?,
            credentials,
            token: Mutex::new(None),
            permits: Semaphore::new(PARALLELISM),
        })
    }

    /// Fetches a token unless there is one that is still valid.
    ///
    /// # Errors
    ///
    /// [`ApiError`], which never contains the credentials.
    pub async fn authorize(&self) -> Result<(), ApiError> {
        self.bearer().await.map(drop)
    }

    /// Whether the API answers.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn ping(&self) -> Result<bool, ApiError> {
        let data = self.query("{ ping }", &json!({})).await?;
        data.get("ping").and_then(Value::as_bool).ok_or_else(|| access::unexpected("`ping` is not a boolean"))
    }

    /// The status of every integration; `None` if the schema does not have the query, or not for this client.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn integrations(&self) -> Result<Option<Vec<IntegrationStatus>>, ApiError> {
        let query = "{ getIntegrationsStatus { integrationId integrationName status date error } }";
        match self.query(query, &json!({})).await {
            Ok(data) => answers::integrations(&data).map(Some),
            Err(ApiError::Refused { errors }) if errors.iter().any(|error| error.is_unsupported()) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Some people who have data from Duo, and how many people were checked. People are read page by page until one is
    /// found.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn duo_data(&self) -> Result<DuoData, ApiError> {
        let query = "query($size: Int, $token: String) { listEndUsers(input: {}, pageSize: $size, pageToken: $token) \
                     { items { login providers } pageToken } }";
        let (mut seen, mut token) = (0, Value::Null);
        for _ in 0..MAX_PAGES {
            let data = self.query(query, &json!({"size": PAGE_SIZE, "token": token})).await?;
            let page = answers::page(&data, "listEndUsers")?;
            seen += page.data.people;
            if !page.data.logins.is_empty() {
                return Ok(DuoData { people: seen, ..page.data });
            }
            match page.next {
                // A page token that does not change would loop forever.
                Some(next) if token != next.as_str() => token = json!(next),
                Some(_) | None => break,
            }
        }
        Ok(DuoData { people: seen, logins: Vec::new() })
    }

    /// The providers' records of a person; `None` if no one has the login.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn end_user(&self, login: &str) -> Result<Option<EndUser>, ApiError> {
        let query = "query($login: String!) { getEndUser(login: $login) \
                     { providerEndUserDetails { provider userId login email lastUpdated } } }";
        match self.query(query, &json!({"login": login})).await {
            Ok(data) => answers::end_user(&data).map(Some),
            Err(ApiError::Refused { errors }) if errors.iter().all(|error| error.is_not_found()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends one query. A token that was revoked early is replaced once.
    async fn query(&self, query: &str, variables: &Value) -> Result<Value, ApiError> {
        let _permit = self.permits.acquire().await.map_err(|_| access::unexpected("the client is closed"))?;
        let body = json!({"query": query, "variables": variables});
        let token = self.bearer().await?;
        match self.exchange.query(&self.credentials.api_url, &token, &body).await {
            Err(ApiError::Unauthorized) => {
                self.token.lock().await.take();
                let token = self.bearer().await?;
                self.exchange.query(&self.credentials.api_url, &token, &body).await
            }
            other => other,
        }
    }

    async fn bearer(&self) -> Result<crate::secret::Secret, ApiError> {
        let mut token = self.token.lock().await;
        if let Some(valid) = token.as_ref().filter(|token| token.is_fresh()) {
            return Ok(valid.text.clone());
        }
        let fresh = self.exchange.token(&self.credentials).await?;
        let text = fresh.text.clone();
        *token = Some(fresh);
        Ok(text)
    }
}
