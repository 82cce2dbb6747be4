//! `duoctl doctor`: checks whether duoctl can work, and suggests fixes. Every part is set up on its own, so that a failure is
//! one line of the report and does not end it.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::model::{Credentials, ValueSource, Workspace};
use crate::config::untrusted::Trust;
use crate::credentials::{CredentialError, announce};
use crate::duo::https::{HttpsConfig, HttpsError, HttpsTransport};
use crate::duo::object::Ikey;
use crate::intelligence::expand::desired;
use crate::output::document::{DoctorDocument, Document};
use crate::output::printer::Printer;
use crate::reconcile::desired::Desired;
use crate::sandbox::serve::Running;
use crate::secret::Secret;
use crate::secrets::Stores;
use crate::verify::doctor::connection::{CLOCK, WAY};
use crate::verify::doctor::diagnosis::{Diagnosis, Trouble};
use crate::verify::doctor::{self, recovery};

use super::args;
use super::connection::{
    KeyPlaces, Keys, OPERATOR, RECOVERY, config_with, intelligence, sandbox_config, start_sandbox,
};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::progress::{self, Spinner};
use super::session::{load_valid, sandbox_state};

/// The name of the check of the connection settings.
const SETTINGS: &str = "connection settings";

/// Runs the command.
pub async fn run(
    args: args::Doctor,
    path: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let connection = args.online.connection.completed().map_err(Failure::Usage)?;
    let given = connection.ca_file.is_some() || connection.sandbox.is_some();
    let trust = args.online.yaml.trusted.trust().with_authorities(given);
    let (workspace, _) = load_valid(path, &args.online.yaml.vars.terms(trust), printer)?;
    announce(move |line| progress::remark(printer, line));
    let sandbox = match &connection.sandbox {
        Some(state) => {
            let host = workspace.tenant.api_hostname.value.clone();
            Some(start_sandbox(&sandbox_state(path, state), host, printer).await?)
        }
        None => None,
    };
    let spinner = Spinner::start("checking", printer);
    let looked =
        Looked { workspace: &workspace, connection: &connection, sandbox: sandbox.as_ref(), trust, printer };
    let found = looked.at_everything(&desired(&workspace)).await?;
    spinner.finish();
    let exit = exit(&found.troubles);
    let document = DoctorDocument::new(found.healthy(), found.checks);
    outlet.deliver(&Document::Doctor(Box::new(document)));
    Ok(exit)
}

/// The exit code that all failures share; otherwise that of an error.
fn exit(troubles: &[Trouble]) -> Exit {
    let mut exits = troubles.iter().map(|trouble| match trouble {
        Trouble::Duo(error) => Exit::of(error),
        Trouble::Unavailable => Exit::Unavailable,
        Trouble::Other => Exit::Error,
    });
    match exits.next() {
        None => Exit::Done,
        Some(first) if exits.all(|exit| exit == first) => first,
        Some(_) => Exit::Error,
    }
}

/// What is checked.
struct Looked<'a> {
    workspace: &'a Workspace,
    connection: &'a args::Connection,
    sandbox: Option<&'a Running>,
    trust: Trust,
    printer: Printer,
}

/// The operator's keys, or why there are none.
type Pair = Result<(Ikey, Secret), String>;

impl Looked<'_> {
    async fn at_everything(&self, desired: &Desired) -> Result<Diagnosis, Failure> {
        let mut found = Diagnosis::default();
        let unusable = self.account(&mut found, desired).await?;
        if self.trust.is_full() {
            let stores = Stores::open(self.workspace);
            doctor::stores::check(&mut found, &self.workspace.secret_stores, &stores, desired).await;
        } else {
            let names = self.workspace.secret_stores.keys();
            names.for_each(|name| found.skipped(format!("secret store {name}"), "not used with --untrusted"));
        }
        let apis = intelligence(self.workspace, self.connection, self.sandbox, self.trust);
        let unusable = unusable.as_deref().map(|why| (why, SETTINGS));
        doctor::intelligence::check(&mut found, &apis, unusable).await;
        Ok(found)
    }

    /// Checks the account with both keys. Returns why no connection can be set up at all, if none can.
    async fn account(&self, found: &mut Diagnosis, desired: &Desired) -> Result<Option<String>, Failure> {
        let first = self.first(found)?;
        let pair = self.recovery_keys(found, first.as_ref().ok().map(|config| &config.ikey));
        let key = first.as_ref().map(|config| config.ikey.clone()).map_err(Clone::clone);
        // Hostname, TLS and clock need no key.
        let unsigned = || config_with(self.workspace, self.connection, Ikey::new(""), Secret::new(""));
        let transport = match self.open(first.unwrap_or_else(|_| unsigned())) {
            Ok(transport) => transport,
            Err(error) => {
                found.failed(SETTINGS, error.to_string(), fix(&error));
                let reason = format!("`{SETTINGS}` failed");
                found.skipped(WAY, &reason);
                found.skipped(CLOCK, &reason);
                doctor::operator::skip_all(found, desired, &reason);
                skip_recovery(found, pair, &reason);
                return Ok(Some(error.to_string()));
            }
        };
        let now = Timestamp::now();
        let reached = doctor::connection::check(found, &transport, now).await;
        let key = if reached { key } else { Err(format!("`{WAY}` failed")) };
        match &key {
            Ok(operator) => doctor::operator::check(found, &transport, operator, desired, now).await,
            Err(reason) => doctor::operator::skip_all(found, desired, reason),
        }
        match pair {
            Some(Ok((ikey, skey))) if reached => {
                let config = config_with(self.workspace, self.connection, ikey.clone(), skey);
                match self.open(config) {
                    Ok(transport) => recovery::check(found, &transport, &ikey).await,
                    Err(error) => found.failed(recovery::KEY, error.to_string(), fix(&error)),
                }
            }
            pair => skip_recovery(found, pair, &format!("`{WAY}` failed")),
        }
        Ok(None)
    }

    fn open(&self, config: HttpsConfig) -> Result<HttpsTransport, HttpsError> {
        let transport = HttpsTransport::open(config)?;
        let printer = self.printer;
        transport.tell_waits(Arc::new(move |line| progress::remark(printer, line)));
        Ok(transport)
    }

    /// How to reach the account with the operator, or why its keys are not available.
    fn first(&self, found: &mut Diagnosis) -> Result<Result<HttpsConfig, String>, Failure> {
        if let Some(running) = self.sandbox {
            return sandbox_config(self.workspace, running).map(Ok);
        }
        let Some(credentials) = &self.workspace.tenant.credentials else {
            found.failed(
                "operator keys",
                "the YAML has no `tenant.credentials`, so duoctl has no key to call Duo with",
                "add `tenant.credentials` with `integration_key: {env: DUO_IKEY}` and `secret_key: {env: DUO_SKEY}`",
            );
            return Ok(Err("`operator keys` failed".to_owned()));
        };
        let keys = self.keys(found, credentials, OPERATOR, "operator");
        Ok(keys.map(|(ikey, skey)| config_with(self.workspace, self.connection, ikey, skey)))
    }

    /// The keys of the recovery key; `None` if the YAML names none.
    fn recovery_keys(&self, found: &mut Diagnosis, first: Option<&Ikey>) -> Option<Pair> {
        let credentials = self.workspace.tenant.credentials.as_ref()?.recovery.as_deref()?;
        if self.sandbox.is_some() {
            return Some(Err("the sandbox has no recovery key".to_owned()));
        }
        let keys = self.keys(found, credentials, RECOVERY, "recovery");
        if let (Ok((ikey, _)), Some(first)) = (&keys, first)
            && ikey == first
        {
            let name = "recovery integration key";
            found.failed(
                name,
                format!("{ikey} is the operator's own key, and a key cannot repair itself"),
                "set `tenant.credentials.recovery` to the keys of another Admin API application",
            );
            return Some(Err(format!("`{name}` failed")));
        }
        Some(keys)
    }

    /// A pair of keys. Each that cannot be fetched is a failed check.
    fn keys(&self, found: &mut Diagnosis, credentials: &Credentials, places: KeyPlaces, whose: &str) -> Pair {
        let (name, ikey_name, skey_name) =
            (format!("{whose} keys"), format!("{whose} integration key"), format!("{whose} secret key"));
        let (ikey_from, skey_from) = (&credentials.integration_key.value, &credentials.secret_key.value);
        let keys = Keys::fetch(self.workspace, credentials);
        match (keys.ikey, keys.skey) {
            (Ok(ikey), Ok(skey)) => Ok((ikey, skey)),
            (Err(CredentialError::Swapped { .. }), Err(CredentialError::Swapped { .. })) => {
                found.failed(
                    name.as_str(),
                    format!(
                        "the two are swapped: {} has the secret key, and {} the integration key",
                        origin(ikey_from),
                        origin(skey_from)
                    ),
                    "swap the two values",
                );
                Err(format!("`{name}` failed"))
            }
            (ikey, skey) => {
                let errors = [(&ikey_name, places.ikey, ikey.err()), (&skey_name, places.skey, skey.err())];
                let mut failed = Vec::new();
                for (name, place, error) in errors {
                    if let Some(error) = error {
                        found.failed(name.as_str(), format!("{place}: {error}"), way_out(&error, place));
                        failed.push(format!("`{name}`"));
                    }
                }
                Err(format!("{} failed", failed.join(" and ")))
            }
        }
    }
}

/// The recovery key was not checked: for `reason` if its keys are available, otherwise for theirs.
fn skip_recovery(found: &mut Diagnosis, keys: Option<Pair>, reason: &str) {
    match keys {
        None => {}
        Some(Ok(_)) => recovery::skip(found, reason),
        Some(Err(why)) => recovery::skip(found, &why),
    }
}

/// Where a value comes from, for people.
fn origin(source: &ValueSource) -> String {
    match source {
        ValueSource::Env(name) => format!("the environment variable {name}"),
        ValueSource::File(path) => format!("the file {}", path.display()),
        ValueSource::Command { words, .. } => {
            format!("the command `{}`", words.first().map_or("", String::as_str))
        }
        ValueSource::Plain(_) => "the YAML".to_owned(),
    }
}

/// What to do about a key that cannot be fetched.
fn way_out(error: &CredentialError, place: &str) -> String {
    match error {
        CredentialError::NoVariable(name) => format!("set {name}, or point `{place}` to where the key is"),
        CredentialError::NoFile { .. } => {
            format!("write the key to that file, or point `{place}` to where the key is")
        }
        CredentialError::Command { .. } => {
            "run the command by hand in the folder of the YAML: it must print the key and nothing else"
                .to_owned()
        }
        CredentialError::Swapped { .. } | CredentialError::Unusable { .. } => {
            "copy the key again from the application's page in the Duo Admin Panel, with nothing around it"
                .to_owned()
        }
    }
}

/// What to do about a connection that cannot be set up.
fn fix(error: &HttpsError) -> &'static str {
    match error {
        HttpsError::Host(_) => "correct `tenant.api_hostname` in the YAML",
        HttpsError::NotLoopback(_) | HttpsError::OtherAddress { .. } => {
            "correct --connect-to or DUOCTL_CONNECT_TO, or leave it out"
        }
        HttpsError::Authorities(_) => {
            "correct the certificate authorities: --ca-file, DUOCTL_CA_FILE, or `tenant.ca_file` and \
             `tenant.tls_roots` in the YAML"
        }
        HttpsError::Proxy { .. } => "correct the variable, or unset it",
        HttpsError::Client(_) => "report this as a bug in duoctl",
    }
}
