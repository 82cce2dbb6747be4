//! Requests to a Vault server with a token.

use reqwest::Method;
use serde_json::Value;

use super::super::store::StoreError;
use super::http::{Answer, Http};
use super::login::Login;
use crate::credentials::Surroundings;

/// A server with one login.
pub(super) struct Wire {
    http: Http,
    login: Login,
}

impl Wire {
    pub(super) fn new(address: &str, options: &Value, around: &Surroundings) -> Self {
        Self { http: Http::new(address, options, around), login: Login::new(options, around) }
    }

    /// Sends one request with a token. An expired token is replaced once, if the login can.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, StoreError> {
        let token = self.login.token(&self.http).await?;
        let answer = self.http.request(method.clone(), path, body.as_ref(), Some(&token)).await?;
        if answer.status != 403 {
            return Ok(answer);
        }
        match self.login.after_refusal(&self.http, &token).await? {
            Some(token) => self.http.request(method, path, body.as_ref(), Some(&token)).await,
            None => Ok(answer),
        }
    }
}
