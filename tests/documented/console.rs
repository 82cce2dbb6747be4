//! What a person does in the console of Identity Intelligence, against the one of the sandbox.

use std::path::Path;

use duoctl::sandbox::account::Account;
use duoctl::sandbox::call::Reply;
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use reqwest::{Certificate, Client};
use serde_json::Map;

/// Serves the sandbox of the workspace, fills in the form, tests and collects, and stops the server.
pub(super) fn fill_in(workspace: &str, folder: &Path) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let state = Some(folder.join(workspace).join(".duoctl/sandbox"));
        let running = start(ServeOptions { state, ..ServeOptions::default() }).await.unwrap();
        let fields = fields(&mut running.account());
        let location = post(&running, "/console/integrations/duo", &fields).await;
        let integration = format!("/console/integrations/{}", location.rsplit('-').next().unwrap());
        for button in ["test", "collect"] {
            post(&running, &format!("{integration}/{button}"), &[]).await;
        }
        running.shutdown().await;
    });
}

/// The form, with the keys of the applications that the tutorial made.
fn fields(account: &mut Account) -> Vec<(&'static str, String)> {
    let mut key = |name: &str| {
        let found = account.applications().into_iter().find(|application| application["name"] == name);
        let ikey = found.unwrap_or_else(|| panic!("no application {name}"))["integration_key"].clone();
        let ikey = ikey.as_str().unwrap().to_owned();
        let path = format!("/admin/v1/integrations/{ikey}/skey");
        let Reply::Ok(shown) = account.as_administrator("GET", &path, Map::new()) else { panic!("no key") };
        (ikey, shown["secret_key"].as_str().unwrap().to_owned())
    };
    let (ikey, skey) = key("Identity Intelligence: Duo EMEA");
    let (auth_ikey, auth_skey) = key("Acme IT Support");
    let form = [
        ("display_name", "Duo EMEA".to_owned()),
        ("api_hostname", "api-1a2b3c4d.duosecurity.com".to_owned()),
        ("integration_key", ikey),
        ("secret_key", skey),
        ("push_verification", "on".to_owned()),
        ("auth_integration_key", auth_ikey),
        ("auth_secret_key", auth_skey),
        ("endpoints", "on".to_owned()),
    ];
    form.into()
}

/// Sends a form, and returns where it leads.
async fn post(running: &Running, path: &str, fields: &[(&str, String)]) -> String {
    let ca = Certificate::from_pem(running.ca_pem().as_bytes()).unwrap();
    let client = Client::builder().no_proxy().tls_certs_only([ca]);
    let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = client.post(format!("{}{path}", running.url())).header("Origin", running.url());
    let response = request.form(fields).send().await.unwrap();
    assert_eq!(response.status(), 303, "{path}: {}", response.text().await.unwrap());
    response.headers()["location"].to_str().unwrap().to_owned()
}
