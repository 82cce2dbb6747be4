//! What a person does in the console of Identity Intelligence, against the one of the sandbox.

use std::path::Path;
use std::process::Command;

use duoctl::sandbox::account::Account;
use duoctl::sandbox::call::Reply;
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use reqwest::{Certificate, Client, RequestBuilder, Response};
use serde_json::{Map, Value};

/// The fields of the form, as the handoff calls them.
const FORM: [(&str, &str); 8] = [
    ("Display name", "display_name"),
    ("API hostname", "api_hostname"),
    ("Integration key", "integration_key"),
    ("Secret key", "secret_key"),
    ("Support Push Verification", "push_verification"),
    ("Auth API integration key", "auth_integration_key"),
    ("Auth API secret key", "auth_secret_key"),
    ("Endpoints", "endpoints"),
];

/// Carries out the handoff of the workspace: serves its sandbox, fills in the form, tests, collects, stops the server.
pub(super) fn carry_out(workspace: &str, folder: &Path) {
    let handoff = Command::new(env!("CARGO_BIN_EXE_duoctl"))
        .args(["handoff", "-w", workspace, "--sandbox", "--format", "json"])
        .current_dir(folder)
        .output()
        .unwrap();
    let handoff: Value = serde_json::from_slice(&handoff.stdout).unwrap();
    let [handoff] = handoff["handoffs"].as_array().unwrap().as_slice() else { panic!("{handoff}") };
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let state = Some(folder.join(workspace).join(".duoctl/sandbox"));
        let running = start(ServeOptions { state, ..ServeOptions::default() }).await.unwrap();
        let form = form(handoff, &mut running.account());
        let known = integration(&running).await;
        post(&running, known.as_deref().unwrap_or("/console/integrations/duo"), &form).await;
        let saved = integration(&running).await.unwrap();
        for button in ["test", "collect"] {
            post(&running, &format!("{saved}/{button}"), &[]).await;
        }
        // A person takes longer: in the same second as the creation of the key it would prove nothing.
        let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
        running.account().date_collection(&form[0].1, later).unwrap();
        running.shutdown().await;
    });
}

/// What is typed into the form. The handoff withholds secret keys, so they are copied from the Duo Admin Panel.
fn form(handoff: &Value, account: &mut Account) -> Vec<(&'static str, String)> {
    let mut form: Vec<(&str, String)> = Vec::new();
    for field in handoff["fields"].as_array().unwrap() {
        let (_, name) = FORM.into_iter().find(|(label, _)| field["label"] == *label).unwrap();
        let value = match field["secret"] == true {
            // The integration key is in the field before it.
            true => secret(account, &form.last().unwrap().1),
            false => field["value"].as_str().unwrap().to_owned(),
        };
        form.push((name, value));
    }
    form
}

fn secret(account: &mut Account, key: &str) -> String {
    let path = format!("/admin/v1/integrations/{key}/skey");
    let Reply::Ok(shown) = account.as_administrator("GET", &path, Map::new()) else { panic!("no {key}") };
    shown["secret_key"].as_str().unwrap().to_owned()
}

/// Where the one integration of the console is edited.
async fn integration(running: &Running) -> Option<String> {
    let list = send(running, |client| client.get(format!("{}/console/integrations", running.url()))).await;
    let list = list.text().await.unwrap();
    let (before, _) = list.split_once("/test\"")?;
    before.rsplit('"').next().map(str::to_owned)
}

async fn post(running: &Running, path: &str, form: &[(&str, String)]) {
    let url = format!("{}{path}", running.url());
    let response = send(running, |client| client.post(url).header("Origin", running.url()).form(form)).await;
    assert_eq!(response.status(), 303, "{path}: {}", response.text().await.unwrap());
}

async fn send(running: &Running, request: impl FnOnce(&Client) -> RequestBuilder) -> Response {
    let ca = Certificate::from_pem(running.ca_pem().as_bytes()).unwrap();
    let client = Client::builder().no_proxy().tls_certs_only([ca]);
    let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    request(&client).send().await.unwrap()
}
