//! Connections to an account and to Identity Intelligence: keys and certificate authorities, or the simulator instead.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::model::{Credentials, IntelligenceApi, Workspace};
use crate::config::untrusted::Trust;
use crate::credentials::{CredentialError, Form, Surroundings, fetch};
use crate::duo::backoff::Backoff;
use crate::duo::https::{Authorities, HttpsConfig};
use crate::duo::limiter::Limits;
use crate::duo::object::Ikey;
use crate::intelligence::api::{ApiCredentials, Client, PATIENCE, Reach};
use crate::kinds::address::Address;
use crate::language::address::Place;
use crate::output::printer::Printer;
use crate::sandbox::serve::{self, Running, ServeOptions};
use crate::secret::Secret;
use crate::verify::connection::{Api, Apis};

use super::args::Connection;
use super::exit::Failure;

/// Where the YAML has the two keys of an operator.
#[derive(Clone, Copy)]
pub(super) struct KeyPlaces {
    pub(super) ikey: &'static str,
    pub(super) skey: &'static str,
}

/// The operator's.
pub(super) const OPERATOR: KeyPlaces =
    KeyPlaces { ikey: "tenant.credentials.integration_key", skey: "tenant.credentials.secret_key" };

/// The recovery key's.
pub(super) const RECOVERY: KeyPlaces = KeyPlaces {
    ikey: "tenant.credentials.recovery.integration_key",
    skey: "tenant.credentials.recovery.secret_key",
};

/// The keys of an operator, each with its error if it could not be fetched.
pub(super) struct Keys {
    pub(super) ikey: Result<Ikey, CredentialError>,
    pub(super) skey: Result<Secret, CredentialError>,
}

impl Keys {
    /// Fetches both, even if one fails.
    pub(super) fn fetch(workspace: &Workspace, credentials: &Credentials) -> Self {
        let around = Surroundings::of(workspace);
        let ikey = fetch(&credentials.integration_key.value, Form::IntegrationKey, &around);
        Self {
            ikey: ikey.map(|ikey| Ikey::new(ikey.expose())),
            skey: fetch(&credentials.secret_key.value, Form::SecretKey, &around),
        }
    }
}

/// Starts the simulator with the state of a folder, under the hostname of the YAML.
pub(super) async fn start_sandbox(state: &Path, host: String, printer: Printer) -> Result<Running, Failure> {
    let banner = printer.err.calm("sandbox");
    printer.problem(&format!("{banner}: this is a simulated Duo account in {}, not Duo\n", state.display()));
    let options =
        ServeOptions { state: Some(state.to_owned()), api_hostname: Some(host), ..ServeOptions::default() };
    serve::start(options).await.map_err(|error| Failure::Sandbox { state: state.to_owned(), error })
}

/// How to reach the simulator, with its own operator.
pub(super) fn sandbox_config(workspace: &Workspace, running: &Running) -> Result<HttpsConfig, Failure> {
    let missing = || std::io::Error::other("it has no operator key");
    let key = running.keys().into_iter().find(|key| key.name == "operator");
    let key = key.ok_or_else(|| Failure::Sandbox { state: PathBuf::new(), error: missing() })?;
    let host = workspace.tenant.api_hostname.value.clone();
    let mut config = HttpsConfig::new(host, Ikey::new(key.integration_key), key.secret_key);
    config.connect_to = Some(running.address());
    config.authorities = Authorities::file(running.ca_file());
    config.limits = Limits::UNLIMITED;
    Ok(config)
}

/// How to reach the account with the operator of the YAML.
pub(super) fn live_config(workspace: &Workspace, connection: &Connection) -> Result<HttpsConfig, Failure> {
    let credentials = workspace.tenant.credentials.as_ref().ok_or(Failure::NoCredentials)?;
    config(workspace, credentials, connection, OPERATOR)
}

/// How to reach the account with these credentials, which are at `places` in the YAML.
pub(super) fn config(
    workspace: &Workspace,
    credentials: &Credentials,
    connection: &Connection,
    places: KeyPlaces,
) -> Result<HttpsConfig, Failure> {
    let failed = |key, error, also: Option<(&'static str, CredentialError)>| Failure::Credentials {
        key,
        error,
        also: also.map(Box::new),
    };
    match Keys::fetch(workspace, credentials) {
        Keys { ikey: Ok(ikey), skey: Ok(skey) } => Ok(config_with(workspace, connection, ikey, skey)),
        Keys { ikey: Err(error), skey } => {
            Err(failed(places.ikey, error, skey.err().map(|error| (places.skey, error))))
        }
        Keys { ikey: Ok(_), skey: Err(error) } => Err(failed(places.skey, error, None)),
    }
}

/// How to reach the account with these keys.
pub(super) fn config_with(
    workspace: &Workspace,
    connection: &Connection,
    ikey: Ikey,
    skey: Secret,
) -> HttpsConfig {
    let mut config = HttpsConfig::new(workspace.tenant.api_hostname.value.clone(), ikey, skey);
    config.connect_to = connection.connect_to;
    if connection.connect_to.is_some() {
        if let Some(unit) = simulator_time("DUOCTL_SIMULATOR_BACKOFF_MS") {
            config.backoff = Backoff { unit, ..Backoff::default() };
            config.limits = Limits::UNLIMITED;
        }
        if let Some(timeout) = simulator_time("DUOCTL_SIMULATOR_TIMEOUT_MS") {
            config.total_timeout = timeout;
        }
    }
    config.authorities = connection.authorities(&workspace.tenant);
    config
}

/// Shortens waits for a simulator on this machine, and only there. The unit of the back-off can be set in milliseconds,
/// which also lifts the limits that protect Duo, and so can the time that an answer may take.
pub(super) fn simulator_time(variable: &str) -> Option<Duration> {
    std::env::var(variable).ok()?.parse().ok().map(Duration::from_millis)
}

/// Clients of the public APIs that the entries of Identity Intelligence name. With `--sandbox` they call the simulated API
/// with its own keys.
pub(super) fn intelligence(
    workspace: &Workspace,
    connection: &Connection,
    sandbox: Option<&Running>,
    trust: Trust,
) -> Apis {
    let entries = || workspace.identity_intelligence.iter();
    if !trust.is_full() {
        // The YAML would choose the host that gets the secret.
        let all = entries().map(|(key, _)| Address::intelligence(key)).collect();
        return Apis::new(vec![(all, Api::Unusable("it is not called with --untrusted".to_owned()))]);
    }
    let mut groups: Vec<(Vec<Address>, &str, &IntelligenceApi)> = Vec::new();
    for (key, entry) in entries() {
        let Some(api) = entry.api.as_ref().map(|api| &api.value) else { continue };
        let address = Address::intelligence(key);
        match groups.iter_mut().find(|(.., known)| known.same(api)) {
            Some((addresses, ..)) => addresses.push(address),
            None => groups.push((vec![address], key, api)),
        }
    }
    let apis = groups.into_iter().map(|(addresses, key, declared)| {
        let usable = client(workspace, connection, sandbox, key, declared);
        (addresses, usable.map_or_else(Api::Unusable, |client| Api::Usable(Box::new(client))))
    });
    Apis::new(apis.collect())
}

/// One of them; the error is why it cannot be used.
fn client(
    workspace: &Workspace,
    connection: &Connection,
    sandbox: Option<&Running>,
    entry: &str,
    declared: &IntelligenceApi,
) -> Result<Client, String> {
    let (credentials, reach, authorities) = match sandbox {
        Some(running) => {
            let client = running.account().intelligence_client().map_err(|error| error.to_string())?;
            let credentials = ApiCredentials {
                token_url: running.token_url(),
                api_url: running.graphql_url(),
                client_id: Secret::new(client.client_id),
                client_secret: client.client_secret,
                audience: client.audience,
                written_out: true,
            };
            (credentials, Reach::Loopback, Authorities::file(running.ca_file()))
        }
        None => {
            let simulated = connection.connect_to.is_some();
            let reach = if simulated { Reach::Loopback } else { Reach::Internet };
            let authorities = connection.authorities(&workspace.tenant);
            let credentials = ApiCredentials::fetch(declared, &Surroundings::of(workspace))
                .map_err(|error| format!("{}.{error}", Place::Entry(entry)))?;
            (credentials, reach, authorities)
        }
    };
    let patience = simulator_patience().filter(|_| reach == Reach::Loopback).unwrap_or(PATIENCE);
    Client::new(credentials, reach, &authorities, patience).map_err(|error| error.to_string())
}

/// Shortens waits for a simulator of Identity Intelligence that is slow on request.
fn simulator_patience() -> Option<Duration> {
    let milliseconds = std::env::var("DUOCTL_SIMULATOR_PATIENCE_MS").ok()?.parse().ok()?;
    Some(Duration::from_millis(milliseconds))
}
