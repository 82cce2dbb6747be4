//! How to get a token: given, by AppRole, or by a JWT of the CI system; and how to replace it when it ends.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::super::options;
use super::super::store::StoreError;
use super::http::{Http, escaped};
use crate::config::model::ValueSource;
use crate::credentials::{Form, Surroundings, fetch};
use crate::secret::Secret;

/// A way to get a token.
pub(super) struct Login {
    method: LoginMethod,
    around: Surroundings,
    session: Mutex<Option<Session>>,
}

enum LoginMethod {
    Token(Option<ValueSource>),
    AppRole { role_id: Option<ValueSource>, secret_id: Option<ValueSource>, mount: String },
    Jwt { role: String, token: Option<ValueSource>, mount: String },
}

/// A token and when to renew it.
#[derive(Clone)]
struct Session {
    token: Secret,
    renew_at: Option<Instant>,
}

impl Login {
    pub(super) fn new(options: &Value, around: &Surroundings) -> Self {
        let root = &around.folder;
        let mount = |login: &Value, default: &str| {
            Some(options::text(login, "mount"))
                .filter(|m| !m.is_empty())
                .unwrap_or_else(|| default.to_owned())
        };
        let method = if let Some(login) = options.get("app_role") {
            LoginMethod::AppRole {
                role_id: options::source(login, "role_id", root),
                secret_id: options::source(login, "secret_id", root),
                mount: mount(login, "approle"),
            }
        } else if let Some(login) = options.get("jwt") {
            LoginMethod::Jwt {
                role: options::text(login, "role"),
                token: options::source(login, "token", root),
                mount: mount(login, "jwt"),
            }
        } else {
            LoginMethod::Token(options::source(options, "token", root))
        };
        Self { method, around: around.clone(), session: Mutex::new(None) }
    }

    /// The current token. Concurrent deliveries wait for one login.
    pub(super) async fn token(&self, http: &Http) -> Result<Secret, StoreError> {
        let mut session = self.session.lock().await;
        let usable = |session: &Session| session.renew_at.is_none_or(|at| Instant::now() < at);
        if let Some(session) = session.as_ref().filter(|session| usable(session)) {
            return Ok(session.token.clone());
        }
        let fresh = match session.take() {
            Some(old) => self.renewed(http, old).await?,
            None => self.begin(http).await?,
        };
        let token = fresh.token.clone();
        *session = Some(fresh);
        Ok(token)
    }

    /// After a 403: a new token; `None` if it would be the same one; an error if that one has expired.
    pub(super) async fn after_refusal(
        &self,
        http: &Http,
        refused: &Secret,
    ) -> Result<Option<Secret>, StoreError> {
        let lookup = http.request(Method::GET, "auth/token/lookup-self", None, Some(refused)).await?;
        if lookup.status != 403 {
            // The token is valid, so its policy refuses.
            return Ok(None);
        }
        if let LoginMethod::Token(_) = self.method {
            return Err(StoreError::new(format!("{} does not accept the token", http.address()))
                .help("it has expired or was revoked: put a new token where `token` refers to"));
        }
        let mut session = self.session.lock().await;
        let same = |session: &Session| session.token.expose() == refused.expose();
        if session.as_ref().is_some_and(|session| !same(session)) {
            return Ok(session.as_ref().map(|session| session.token.clone()));
        }
        let fresh = self.begin(http).await?;
        let token = fresh.token.clone();
        *session = Some(fresh);
        Ok(Some(token))
    }

    async fn begin(&self, http: &Http) -> Result<Session, StoreError> {
        let (path, body) = match &self.method {
            LoginMethod::Token(source) => {
                return Ok(self.given(http, self.fetch(source.as_ref(), "token").await?).await);
            }
            LoginMethod::AppRole { role_id, secret_id, mount } => {
                let role_id = self.fetch(role_id.as_ref(), "app_role.role_id").await?;
                let secret_id = self.fetch(secret_id.as_ref(), "app_role.secret_id").await?;
                (login_path(mount), json!({"role_id": role_id.expose(), "secret_id": secret_id.expose()}))
            }
            LoginMethod::Jwt { role, token, mount } => {
                let token = self.fetch(token.as_ref(), "jwt.token").await?;
                (login_path(mount), json!({"role": role, "jwt": token.expose()}))
            }
        };
        let answer = http.request(Method::POST, &path, Some(&body), None).await?;
        let token = answer.body.pointer("/auth/client_token").and_then(Value::as_str);
        match (answer.status, token) {
            (200, Some(token)) => {
                let seconds = answer.body.pointer("/auth/lease_duration").and_then(Value::as_u64);
                Ok(Session { token: Secret::new(token), renew_at: renew_at(seconds.unwrap_or_default()) })
            }
            (400 | 403 | 404, _) => {
                let refused = answer.refusal(http.address());
                Err(StoreError::new(format!("the login at {path} failed: {}", refused.message))
                    .help("check the role and its secret, and the login method's `mount`"))
            }
            _ => Err(answer.refusal(http.address())),
        }
    }

    /// A given token. Its lifetime is looked up so that it can be renewed in time.
    async fn given(&self, http: &Http, token: Secret) -> Session {
        let lookup = http.request(Method::GET, "auth/token/lookup-self", None, Some(&token)).await.ok();
        let data = lookup.as_ref().and_then(|answer| answer.body.get("data"));
        let renewable = data.and_then(|data| data.get("renewable")).and_then(Value::as_bool) == Some(true);
        let seconds = data.and_then(|data| data.get("ttl")).and_then(Value::as_u64);
        Session { token, renew_at: seconds.filter(|_| renewable).and_then(renew_at) }
    }

    /// A token close to its end: a login is repeated, a given token is renewed. Otherwise it is used until it expires.
    async fn renewed(&self, http: &Http, old: Session) -> Result<Session, StoreError> {
        let LoginMethod::Token(_) = self.method else { return self.begin(http).await };
        let body = json!({});
        let path = "auth/token/renew-self";
        let answer = http.request(Method::POST, path, Some(&body), Some(&old.token)).await?;
        let seconds = answer.body.pointer("/auth/lease_duration").and_then(Value::as_u64);
        Ok(Session { token: old.token, renew_at: seconds.and_then(renew_at) })
    }

    async fn fetch(&self, source: Option<&ValueSource>, key: &str) -> Result<Secret, StoreError> {
        let source = source.ok_or_else(|| {
            StoreError::new(format!("the store has no `{key}`"))
                .help("set where it comes from, e.g. {env: VAULT_TOKEN}")
        })?;
        let (source, around) = (source.clone(), self.around.clone());
        let fetched = tokio::task::spawn_blocking(move || fetch(&source, Form::Line, &around)).await;
        let fetched = fetched.map_err(|error| StoreError::new(format!("{key}: {error}")))?;
        fetched.map_err(|error| StoreError::new(format!("{key}: {error}")))
    }
}

fn login_path(mount: &str) -> String {
    format!("auth/{}/login", escaped(mount))
}

/// At two thirds of the lease; never for a lease without an end.
fn renew_at(seconds: u64) -> Option<Instant> {
    (seconds > 0).then(|| Instant::now() + Duration::from_secs(seconds.saturating_mul(2) / 3))
}
