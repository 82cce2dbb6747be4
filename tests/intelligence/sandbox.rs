//! The simulated Identity Intelligence: its tokens, its GraphQL, and a console that sends real calls to the simulated Duo.

use duoctl::sandbox::account::Key;
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use reqwest::{Certificate, Client, Response};
use serde_json::{Map, Value, json};

struct World {
    running: Running,
    client: Client,
}

impl World {
    async fn with(switches: &[&str]) -> Self {
        let mut options = ServeOptions::default();
        switches.iter().for_each(|switch| options.switches.set(switch).unwrap());
        Self::on(options).await
    }

    async fn on(options: ServeOptions) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let running = start(options).await.unwrap();
        let ca = Certificate::from_pem(running.ca_pem().as_bytes()).unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([ca]);
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { running, client }
    }

    fn key(&self, name: &str) -> Key {
        self.running.keys().into_iter().find(|key| key.name == name).unwrap()
    }

    /// An application with exactly these permissions.
    fn admin_key(&self, permissions: &[&str]) -> Key {
        let mut properties = Map::from_iter([
            ("type".to_owned(), json!("adminapi")),
            ("name".to_owned(), json!("Identity Intelligence")),
        ]);
        properties.extend(permissions.iter().map(|name| (format!("adminapi_{name}"), json!("1"))));
        let created = self.running.account().create_application(properties).unwrap();
        let text = |key: &str| created[key].as_str().unwrap().to_owned();
        Key {
            name: String::new(),
            kind: "adminapi".to_owned(),
            integration_key: text("integration_key"),
            secret_key: self.secret(&text("integration_key")),
        }
    }

    fn secret(&self, ikey: &str) -> duoctl::secret::Secret {
        let mut account = self.running.account();
        let reply = account.as_administrator("GET", &format!("/admin/v1/integrations/{ikey}"), Map::new());
        let duoctl::sandbox::call::Reply::Ok(shown) = reply else { panic!("no application") };
        duoctl::secret::Secret::new(shown["secret_key"].as_str().unwrap())
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let response = self.client.get(format!("{}{path}", self.running.url())).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let base = self.running.url();
        let request = self.client.post(format!("{base}{path}")).header("Origin", base);
        request.form(fields).send().await.unwrap()
    }

    /// Saves an integration and returns its URL in the console.
    async fn integrate(&self, name: &str, key: &Key, more: &[(&str, &str)]) -> String {
        let mut fields = vec![
            ("display_name", name),
            ("api_hostname", "api-1a2b3c4d.duosecurity.com"),
            ("integration_key", key.integration_key.as_str()),
            ("secret_key", key.secret_key.expose()),
        ];
        fields.extend(more);
        let response = self.post("/console/integrations/duo", &fields).await;
        assert_eq!(response.status(), 303, "{}", response.text().await.unwrap());
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        format!("/console/integrations/{}", location.rsplit('-').next().unwrap())
    }

    /// Presses a button and returns the list of integrations.
    async fn press(&self, integration: &str, action: &str) -> String {
        let response = self.post(&format!("{integration}/{action}"), &[]).await;
        assert_eq!(response.status(), 303);
        self.get("/console/integrations").await.1
    }

    async fn token_with(&self, body: &Value) -> (u16, Value) {
        let response = self.client.post(self.running.token_url()).json(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn token(&self) -> String {
        let client = self.running.account().intelligence_client().unwrap();
        let body = json!({"grant_type": "client_credentials", "client_id": client.client_id,
            "client_secret": client.client_secret.expose()});
        let (status, answer) = self.token_with(&body).await;
        assert_eq!((status, &answer["expires_in"]), (200, &json!(36_000)));
        answer["access_token"].as_str().unwrap().to_owned()
    }

    async fn query(&self, query: &str, variables: Value) -> Value {
        let token = self.token().await;
        let request = self.client.post(self.running.graphql_url()).bearer_auth(token);
        let response = request.json(&json!({"query": query, "variables": variables})).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }
}

#[tokio::test]
async fn tokens_are_given_for_json_and_forms_with_and_without_audience() {
    let world = World::with(&[]).await;
    let page = world.post("/console/api-clients/add", &[("name", "CI"), ("audience", "on")]).await;
    let page = page.text().await.unwrap().replace("&quot;", "\"");
    let copied = page.split("<pre id=\"credentials\">").nth(1).unwrap().split("</pre>").next().unwrap();
    let copied: Value = serde_json::from_str(copied).unwrap();
    assert_eq!(copied["tokenUrl"], world.running.token_url());
    assert_eq!(copied["apiUrl"], world.running.graphql_url());
    let mut body = json!({"grant_type": "client_credentials", "client_id": copied["clientId"],
        "client_secret": copied["clientSecret"]});
    assert_eq!(world.token_with(&body).await.0, 403, "an old client needs its audience");
    body["audience"] = copied["audience"].clone();
    assert_eq!(world.token_with(&body).await.0, 200);
    let form: Vec<(String, String)> =
        body.as_object().unwrap().iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect();
    let response = world.client.post(world.running.token_url()).form(&form).send().await.unwrap();
    assert_eq!(response.status(), 200);
    body["client_secret"] = json!("wrong");
    assert_eq!(world.token_with(&body).await.0, 401);
    let again = world.get("/console/api-clients").await.1;
    assert!(!again.contains(copied["clientSecret"].as_str().unwrap()), "the secret is shown once");
}

#[tokio::test]
async fn what_was_collected_is_what_the_public_api_shows() {
    let world = World::with(&[]).await;
    assert_eq!(world.query("{ ping }", json!({})).await, json!({"data": {"ping": true}}));
    let users = "query($token: String) { listEndUsers(input: {}, pageSize: 20, pageToken: $token) \
                 { items { login providers devices { deviceType } } pageToken } }";
    let empty = world.query(users, json!({})).await;
    assert_eq!(empty["data"]["listEndUsers"]["items"], json!([]));

    let key = world.admin_key(&["read_log", "read_resource"]);
    let integration = world.integrate("Duo <EMEA>", &key, &[("endpoints", "on")]).await;
    let tested = world.press(&integration, "test").await;
    assert!(tested.contains("SUCCESS") && tested.contains("Duo &lt;EMEA&gt;"), "{tested}");
    assert!(tested.contains("remediation actions: not available"));
    assert!(world.press(&integration, "collect").await.contains("44 users"));

    let mut seen = Vec::new();
    let mut token = Value::Null;
    loop {
        let page = world.query(users, json!({"token": token})).await["data"]["listEndUsers"].take();
        seen.extend(page["items"].as_array().unwrap().clone());
        token = page["pageToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 44);
    assert!(seen.iter().all(|user| user["providers"] == json!(["DUO"])));
    assert!(seen.iter().any(|user| user["devices"].to_string().contains("ACCESS")));
    let status = "{ getIntegrationsStatus { integrationName status error } }";
    let status = world.query(status, json!({})).await["data"]["getIntegrationsStatus"].take();
    assert_eq!(status, json!([{"integrationName": "Duo <EMEA>", "status": "SUCCESS", "error": null}]));
    let user =
        "query($login: String!) { getEndUser(login: $login) { providerEndUserDetails { provider userId } } }";
    let ada = world.query(user, json!({"login": "ada.albrecht@example.com"})).await;
    assert_eq!(ada["data"]["getEndUser"]["providerEndUserDetails"][0]["provider"], "DUO");
    let nobody = world.query(user, json!({"login": "nobody@example.com"})).await;
    assert_eq!(nobody["errors"][0]["errorType"], "NotFound");
    let logs = world.get("/console/logs").await.1;
    assert!(
        logs.contains("Collection (Admin Triggered)") && logs.contains("Mutation__createIntegrationInstance")
    );

    world.press(&integration, "delete").await;
    assert_eq!(world.query(users, json!({})).await["data"]["listEndUsers"]["items"], json!([]));
}

#[tokio::test]
async fn the_other_generation_lacks_the_query_and_new_values_appear() {
    let world =
        World::with(&["intelligence-status=off", "intelligence-new-values", "intelligence-form-token"]);
    let world = world.await;
    let body = json!({"grant_type": "client_credentials"});
    assert_eq!(world.token_with(&body).await.0, 415);
    let client = world.running.account().intelligence_client().unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client.client_id.as_str()),
        ("client_secret", client.client_secret.expose()),
    ];
    let answer = world.client.post(world.running.token_url()).form(&form).send().await.unwrap();
    let token = answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
    let request = world.client.post(world.running.graphql_url()).bearer_auth(token);
    let query = json!({"query": "{ getIntegrationsStatus { status } }"});
    let answer: Value = request.json(&query).send().await.unwrap().json().await.unwrap();
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("FieldUndefined"), "{answer}");
}

#[tokio::test]
async fn wrong_keys_give_duos_own_refusals() {
    let world = World::with(&[]).await;
    let good = world.admin_key(&["read_log", "read_resource"]);
    let auth = world.key("auth");
    let swapped = Key {
        integration_key: good.secret_key.expose().to_owned(),
        secret_key: duoctl::secret::Secret::new(good.integration_key.as_str()),
        ..good.clone()
    };
    let mistyped = Key { secret_key: duoctl::secret::Secret::new("x".repeat(40)), ..good.clone() };
    let foreign = Key { integration_key: "DIOFANOTHERACCOUNT00".to_owned(), ..good.clone() };
    let log_only = world.admin_key(&["read_log"]);
    for (name, key, refusal) in [
        ("swapped", &swapped, "40102 Invalid integration key"),
        ("mistyped", &mistyped, "40103 Invalid signature"),
        ("of another account", &foreign, "40102 Invalid integration key"),
        ("of the Auth API", &auth, "40102 Invalid integration key"),
        (
            "without a permission",
            &log_only,
            "users and devices (Grant read resource): 40301 Access forbidden",
        ),
    ] {
        let integration = world.integrate(name, key, &[]).await;
        let page = world.press(&integration, "test").await;
        assert!(page.contains(refusal) && page.contains("FAILURE"), "{name}: {page}");
        world.press(&integration, "delete").await;
    }
    let push = [
        ("push_verification", "on"),
        ("auth_integration_key", good.integration_key.as_str()),
        ("auth_secret_key", good.secret_key.expose()),
    ];
    let integration = world.integrate("admin keys for push", &good, &push).await;
    let page = world.press(&integration, "test").await;
    assert!(
        page.contains("push verification (Auth API): 40301 Access forbidden (Wrong integration type"),
        "{page}"
    );
}

#[tokio::test]
async fn a_rotated_key_and_a_restriction_to_networks_end_the_collection() {
    let world = World::with(&[]).await;
    let key = world.admin_key(&["read_log", "read_resource"]);
    let integration = world.integrate("Duo", &key, &[]).await;
    assert!(world.press(&integration, "collect").await.contains("SUCCESS"));
    let networks = Map::from_iter([("networks_for_api_access".to_owned(), json!("192.0.2.0/24"))]);
    world.running.account().modify_application(&key.integration_key, networks).unwrap();
    assert!(world.press(&integration, "collect").await.contains("users: 40301 Access forbidden"));
    let open = Map::from_iter([
        ("networks_for_api_access".to_owned(), json!("")),
        ("reset_secret_key".to_owned(), json!("1")),
    ]);
    world.running.account().modify_application(&key.integration_key, open).unwrap();
    assert!(world.press(&integration, "collect").await.contains("40103 Invalid signature"));
    // The form is filled in again; entered secrets are not shown, and an empty secret keeps the old one.
    let secret = world.secret(&key.integration_key);
    let fields = [
        ("display_name", "Duo"),
        ("api_hostname", "api-1a2b3c4d.duosecurity.com"),
        ("integration_key", key.integration_key.as_str()),
        ("secret_key", secret.expose()),
    ];
    assert_eq!(world.post(&integration, &fields).await.status(), 303);
    assert!(!world.get(&integration).await.1.contains(secret.expose()));
    assert_eq!(world.post(&integration, &[fields[0], fields[1], fields[2]]).await.status(), 303);
    assert!(world.press(&integration, "collect").await.contains("44 users"));
}

#[tokio::test]
async fn the_form_has_the_rules_of_the_page() {
    let world = World::with(&[]).await;
    let form = world.get("/console/integrations/duo").await.1;
    for label in [
        "Display name",
        "API hostname",
        "Integration key",
        "Secret key",
        "Support Push Verification",
        "Auth API integration key",
        "Auth API secret key",
        "Endpoints",
        "General Settings",
        "Advanced Settings",
    ] {
        assert!(form.contains(label), "{label}");
    }
    for page in [
        "/console/integrations",
        "/console/integrations/add",
        "/console/integrations/duo",
        "/console/api-clients",
        "/console/api-clients/add",
        "/console/logs",
        "/console/nowhere",
    ] {
        let text = world.get(page).await.1;
        assert!(text.contains("This is a rehearsal") && !text.contains("<script"), "{page}");
    }
    let mut fields = vec![
        ("display_name", "Duo"),
        ("api_hostname", "https://api-1a2b3c4d.duosecurity.com"),
        ("integration_key", "DI"),
        ("secret_key", "very-secret"),
        ("push_verification", "on"),
    ];
    let page = world.post("/console/integrations/duo", &fields).await.text().await.unwrap();
    assert!(page.contains("must not contain a prefix like https://"), "{page}");
    assert!(page.contains("Push verification needs the Auth API application"), "{page}");
    assert!(!page.contains("very-secret"), "a secret is never sent back");
    fields[1].1 = "api-1a2b3c4d.duosecurity.com";
    fields.pop();
    assert_eq!(world.post("/console/integrations/duo", &fields).await.status(), 303);
    let page = world.post("/console/integrations/duo", &fields).await.text().await.unwrap();
    assert!(page.contains("Another integration has this display name"));
}

#[tokio::test]
async fn foreign_pages_and_foreign_names_cannot_use_the_console() {
    let world = World::with(&[]).await;
    let base = world.running.url();
    let add = format!("{base}/console/api-clients/add");
    for origin in [None, Some("https://evil.example"), Some("null")] {
        let mut request = world.client.post(&add).form(&[("name", "x")]);
        if let Some(origin) = origin {
            request = request.header("Origin", origin);
        }
        assert_eq!(request.send().await.unwrap().status(), 403, "{origin:?}");
    }
    let rebound = world.client.get(format!("{base}/console/logs")).header("Host", "evil.example");
    let response = rebound.send().await.unwrap();
    assert_eq!(response.status(), 403);
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn the_console_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || ServeOptions { state: Some(folder.path().to_owned()), ..ServeOptions::default() };
    let world = World::on(options()).await;
    let key = world.admin_key(&["read_log", "read_resource"]);
    let integration = world.integrate("Duo", &key, &[]).await;
    world.press(&integration, "collect").await;
    let before = world.running.account().intelligence_client().unwrap();
    world.running.shutdown().await;
    let world = World::on(options()).await;
    assert!(world.get("/console/integrations").await.1.contains("44 users"));
    let after = world.running.account().intelligence_client().unwrap();
    assert_eq!(before.client_id, after.client_id);
    let document = world.running.document();
    assert_eq!(document["console_url"], format!("{}/console", world.running.url()));
    assert!(document["token_url"].is_string() && document["graphql_url"].is_string());
}
