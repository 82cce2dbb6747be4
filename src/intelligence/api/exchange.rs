//! HTTPS to the token endpoint and the API, with limits on hosts, time and size.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Response, StatusCode, Url};
use serde_json::{Map, Value, json};

use super::access::{ApiError, GraphQlError, Token, unexpected};
use super::credentials::ApiCredentials;
use crate::duo::https::{Authorities, explain, tls_config};
use crate::duo::request::USER_AGENT;
use crate::secret::Secret;
use crate::text::printable;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit for an answer.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The maximum size of an answer in bytes.
const MAX_BODY: usize = 16_000_000;
/// The vendor's domains.
const DOMAINS: [&str; 2] = [".oort.io", ".cisco.com"];

/// Where the API may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On the internet.
    Internet,
    /// Also on this machine: a simulator.
    Loopback,
}

/// Whether a URL may be called. `written_out` says that the YAML itself contains it.
pub(super) fn check_url(text: &str, reach: Reach, written_out: bool) -> Result<(), ApiError> {
    let forbidden = |reason: &str| ApiError::Forbidden(format!("{} is not called: {reason}", shown(text)));
    let url = Url::parse(text).map_err(|_| forbidden("it is not a URL"))?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(forbidden("write it as https://, without a user name or password"));
    }
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    let vendor = DOMAINS.iter().any(|domain| host.ends_with(domain));
    match (loopback, reach) {
        (true, Reach::Loopback) => Ok(()),
        (true, Reach::Internet) => {
            Err(forbidden("it is this machine; use --sandbox, or --connect-to with a simulator"))
        }
        (false, _) if vendor || written_out => Ok(()),
        (false, _) => Err(forbidden(
            "its host is neither below oort.io nor below cisco.com; if it is right, set token_url and api_url in the YAML instead of the file",
        )),
    }
}

/// The URL without its query.
fn shown(url: &str) -> String {
    printable(url.split(['?', '#']).next().unwrap_or_default())
}

/// The HTTP client.
pub(super) struct Exchange {
    client: reqwest::Client,
    patience: Duration,
}

impl Exchange {
    pub(super) fn new(authorities: &Authorities, reach: Reach, patience: Duration) -> Result<Self, ApiError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(authorities)?)
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(patience)
            .https_only(true);
        if reach == Reach::Loopback {
            builder = builder.no_proxy();
        }
        let client = builder.build();
        let client =
            client.map_err(|_| ApiError::Unexpected("the HTTPS client cannot be set up".to_owned()))?;
        Ok(Self { client, patience })
    }

    /// Requests a token with a JSON body and, if that is refused, with a form.
    pub(super) async fn token(&self, credentials: &ApiCredentials) -> Result<Token, ApiError> {
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("client_id", credentials.client_id.expose()),
            ("client_secret", credentials.client_secret.expose()),
        ];
        fields.extend(credentials.audience.as_deref().map(|audience| ("audience", audience)));
        let body: Map<String, Value> =
            fields.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let url = credentials.token_url.as_str();
        match self.token_answer(url, self.client.post(url).json(&body)).await {
            Err(ApiError::Client { .. }) => self.token_answer(url, self.client.post(url).form(&fields)).await,
            other => other,
        }
    }

    async fn token_answer(&self, url: &str, request: reqwest::RequestBuilder) -> Result<Token, ApiError> {
        let (status, answer) = self.send(url, request).await?;
        if status.is_client_error() {
            let says = |key: &str| answer.as_ref().and_then(|answer| answer.get(key)).and_then(Value::as_str);
            let reason =
                says("error_description").or(says("error")).map(|text| format!(": {}", printable(text)));
            return Err(ApiError::Client { status: status.as_u16(), reason: reason.unwrap_or_default() });
        }
        let answer = answer.ok_or_else(|| not_json("the token endpoint", status))?;
        Token::read(&answer).ok_or_else(|| unexpected("the token endpoint returned no `access_token`"))
    }

    /// Sends one query. Errors are returned in `errors`, with HTTP 200 or another status.
    pub(super) async fn query(&self, url: &str, token: &Secret, body: &Value) -> Result<Value, ApiError> {
        let request = self.client.post(url).bearer_auth(token.expose()).json(body);
        let (status, answer) = self.send(url, request).await?;
        if status == StatusCode::UNAUTHORIZED {
            return Err(ApiError::Unauthorized);
        }
        let mut answer = answer.ok_or_else(|| not_json("the API", status))?;
        let errors: Vec<GraphQlError> = answer
            .get("errors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|error| {
                let text = |key: &str| printable(error.get(key).and_then(Value::as_str).unwrap_or_default());
                GraphQlError { kind: text("errorType"), message: text("message") }
            })
            .collect();
        if !errors.is_empty() {
            return Err(ApiError::Refused { errors });
        }
        match answer.get_mut("data").map(Value::take) {
            Some(data @ Value::Object(_)) if status.is_success() => Ok(data),
            _ => Err(unexpected(&format!("status {}, neither data nor errors", status.as_u16()))),
        }
    }

    /// The status and the JSON, if it is JSON.
    async fn send(
        &self,
        url: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<(StatusCode, Option<Value>), ApiError> {
        let place =
            Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let unreachable = |error: &reqwest::Error| ApiError::Unreachable {
            place: place.clone(),
            reason: explain(error, CONNECT_TIMEOUT, self.patience),
        };
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(ApiError::Redirect { place, status: status.as_u16() });
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(ApiError::Slow { place });
        }
        if status.is_server_error() {
            let reason = format!("it answers {}", status.as_u16());
            return Err(ApiError::Unreachable { place, reason });
        }
        let bytes = body(response).await.map_err(|error| match error {
            Some(error) => unreachable(&error),
            None => ApiError::Unexpected(format!("{place} answers with more than {MAX_BODY} bytes")),
        })?;
        Ok((status, serde_json::from_slice(&bytes).ok()))
    }
}

/// The body, up to the limit; the error is `None` if it is too large.
async fn body(mut response: Response) -> Result<Vec<u8>, Option<reqwest::Error>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Some)? {
        if bytes.len().saturating_add(chunk.len()) > MAX_BODY {
            return Err(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn not_json(what: &str, status: StatusCode) -> ApiError {
    let help = "it may be a proxy's page or a wrong URL";
    ApiError::Unexpected(format!(
        "{what} answers {} with something that is not JSON; {help}",
        status.as_u16()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str, reach: Reach, written_out: bool) -> String {
        check_url(url, reach, written_out).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_vendors_hosts_are_called_and_others_only_where_the_yaml_spells_them_out() {
        for url in ["https://login.eu.oort.io/oauth/token", "https://api.identity.cisco.com/graphql?x=1"] {
            assert_eq!(refusal(url, Reach::Internet, false), "");
        }
        let elsewhere = "https://intelligence.example.com/token?secret=hunter2";
        assert!(
            refusal(elsewhere, Reach::Internet, false)
                .starts_with("https://intelligence.example.com/token is not called")
        );
        assert_eq!(refusal(elsewhere, Reach::Internet, true), "");
        assert!(refusal("https://eviloort.io/", Reach::Internet, false).contains("neither below oort.io"));
        for url in
            ["http://api.oort.io/", "https://user:hunter2@api.oort.io/", "ftp://api.oort.io/", "oort.io"]
        {
            assert!(refusal(url, Reach::Internet, true).contains("is not called"), "{url}");
        }
    }

    #[test]
    fn this_machine_is_called_only_for_a_simulator() {
        for url in ["https://127.0.0.1:1/", "https://localhost/", "https://[::1]:9/"] {
            assert!(refusal(url, Reach::Internet, true).contains("it is this machine"), "{url}");
            assert_eq!(refusal(url, Reach::Loopback, false), "", "{url}");
        }
    }
}
