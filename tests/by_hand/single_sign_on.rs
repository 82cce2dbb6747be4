//! The content of `sso`, setting by setting.

use serde_json::{Value, json};

use super::hand::{At, Done, Expected, Refused, Request, Sandbox, post};

const LIST: &str = "/admin/v3/integrations";

fn saml() -> Value {
    json!({
        "acs_urls": [{"url": "https://wiki.example.com/acs"}], "entity_id": "https://wiki.example.com/meta",
        "nameid_attribute": "mail", "nameid_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        "sign_assertion": true, "sign_response": true,
        "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    })
}

fn oidc() -> Value {
    json!({
        "grant_types": {"authorization_code": true}, "redirect_uris": ["https://portal.example.com/cb"],
        "scopes": [{"name": "openid"}],
    })
}

fn application(kind: &str, section: &str, config: Value) -> Request {
    post(LIST, json!({"name": "x", "type": kind, "user_access": "NO_USERS", "sso": {section: config}}))
}

/// A create call with one setting changed, or left out if it is null.
fn with(kind: &str, setting: &str, value: Value) -> Request {
    let (section, mut config) = match kind {
        "sso-generic" => ("saml_config", saml()),
        "sso-oidc-generic" => ("oidc_config", oidc()),
        _ => ("oauth_config", json!({"scopes": [{"id": "s1", "name": "read"}]})),
    };
    config[setting] = value;
    application(kind, section, config)
}

fn without(setting: &str) -> Request {
    let mut config = saml();
    config.as_object_mut().unwrap().remove(setting);
    application("sso-generic", "saml_config", config)
}

fn of_saml(setting: &str, value: Value) -> Request {
    with("sso-generic", setting, value)
}

fn of_oidc(setting: &str, value: Value) -> Request {
    with("sso-oidc-generic", setting, value)
}

fn of_oauth(setting: &str, value: Value) -> Request {
    with("sso-oauth-client-credentials", setting, value)
}

fn invalid(path: &'static str) -> Expected {
    Refused(40002, Some(path))
}

#[tokio::test]
async fn a_saml_application_needs_seven_settings() {
    let sandbox = Sandbox::new().await;
    let missing = |path| Refused(40001, Some(path));
    sandbox
        .answers(&[
            ("all seven", application("sso-generic", "saml_config", saml()), Done),
            ("no entity_id", without("entity_id"), missing("sso.saml_config.entity_id")),
            ("no acs_urls", without("acs_urls"), missing("sso.saml_config.acs_urls")),
            ("no nameid_format", without("nameid_format"), missing("sso.saml_config.nameid_format")),
            ("no nameid_attribute", without("nameid_attribute"), missing("sso.saml_config.nameid_attribute")),
            ("no sign_assertion", without("sign_assertion"), missing("sso.saml_config.sign_assertion")),
            ("no sign_response", without("sign_response"), missing("sso.saml_config.sign_response")),
            (
                "no signing_algorithm",
                without("signing_algorithm"),
                missing("sso.saml_config.signing_algorithm"),
            ),
            (
                "no section",
                post(LIST, json!({"name": "x", "type": "sso-generic", "sso": {}})),
                missing("sso.saml_config"),
            ),
            ("no sso", post(LIST, json!({"name": "x", "type": "sso-generic"})), missing("sso")),
        ])
        .await;
    let two = json!({"acs_urls": [{"url": "https://wiki.example.com/acs"}], "entity_id": "wiki"});
    Sandbox::with(&["short-saml"])
        .await
        .answers(&[
            ("two", application("sso-generic", "saml_config", two), Done),
            (
                "one",
                application("sso-generic", "saml_config", json!({"entity_id": "wiki"})),
                missing("sso.saml_config.acs_urls"),
            ),
        ])
        .await;
}

#[tokio::test]
async fn saml_settings_are_checked() {
    let sandbox = Sandbox::new().await;
    let group = sandbox.running.account().add_group("Wiki Admins").unwrap();
    let acs = || invalid("sso.saml_config.acs_urls");
    let url = |url: &str| of_saml("acs_urls", json!([{"url": url}]));
    let roles = || invalid("sso.saml_config.role_attrs");
    sandbox
        .answers(&[
            ("no URL", of_saml("acs_urls", json!([])), acs()),
            ("text for URLs", of_saml("acs_urls", json!("https://wiki.example.com/acs")), acs()),
            ("plain text as a URL", url("wiki"), acs()),
            ("a path", url("/acs"), acs()),
            ("no host", url("https:///acs"), acs()),
            ("another scheme", url("ftp://wiki.example.com/acs"), acs()),
            ("a blank inside", url("https://wiki.example.com/a b"), acs()),
            ("an empty URL", url(""), acs()),
            ("an item without URL", of_saml("acs_urls", json!([{"index": 0}])), acs()),
            ("the same URL twice", of_saml("acs_urls", json!([{"url": "https://a.example/"}, {"url": "https://a.example/"}])), acs()),
            ("an unknown key of an item", of_saml("acs_urls", json!([{"url": "https://a.example/", "default": true}])), acs()),
            ("an unknown binding", of_saml("acs_urls", json!([{"url": "https://a.example/", "binding": "POST"}])), acs()),
            ("a negative index", of_saml("acs_urls", json!([{"url": "https://a.example/", "index": -1}])), acs()),
            ("everything of an item", of_saml("acs_urls", json!([{"url": "http://a.example:8080/acs?x=1", "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", "isDefault": true, "index": 0}])), Done),
            ("nulls of an item", of_saml("acs_urls", json!([{"url": "https://a.example/", "binding": null, "isDefault": null, "index": null}])), Done),
            ("an empty entity_id", of_saml("entity_id", json!("")), invalid("sso.saml_config.entity_id")),
            ("an entity_id of blanks", of_saml("entity_id", json!(" ")), invalid("sso.saml_config.entity_id")),
            ("an unknown format", of_saml("nameid_format", json!("emailAddress")), invalid("sso.saml_config.nameid_format")),
            ("a format of nonsense", of_saml("nameid_format", json!("urn:oasis:names:tc:SAML:1.1:nameid-format:nonsense")), invalid("sso.saml_config.nameid_format")),
            ("another format", of_saml("nameid_format", json!("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")), Done),
            ("an empty attribute", of_saml("nameid_attribute", json!("")), invalid("sso.saml_config.nameid_attribute")),
            ("an algorithm of nonsense", of_saml("signing_algorithm", json!("rsa-sha256")), invalid("sso.saml_config.signing_algorithm")),
            ("another algorithm", of_saml("signing_algorithm", json!("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512")), Done),
            ("flags as text", of_saml("sign_assertion", json!("False")), At("/response/sso/saml_config/sign_assertion", json!(false))),
            ("no flag", of_saml("sign_response", json!("maybe")), invalid("sso.saml_config.sign_response")),
            ("an unknown key", of_saml("sign_everything", json!(true)), invalid("sso.saml_config.sign_everything")),
            ("a logout that is no URL", of_saml("slo_url", json!("logout")), invalid("sso.saml_config.slo_url")),
            ("a logout", of_saml("slo_url", json!("https://wiki.example.com/logout")), Done),
            ("no logout", of_saml("slo_url", Value::Null), Done),
            ("attributes", of_saml("mapped_attrs", json!({"<Email Address>": "mail", "<Groups>": ["a", "b"]})), Done),
            ("attributes as a list", of_saml("mapped_attrs", json!(["mail"])), invalid("sso.saml_config.mapped_attrs")),
            ("a group", of_saml("role_attrs", json!({"role": {"admin": [group]}})), Done),
            ("a group in a flat map", of_saml("role_attrs", json!({"role": [group]})), Done),
            ("a group that does not exist", of_saml("role_attrs", json!({"role": {"admin": ["DG000000000000000000"]}})), roles()),
            ("a group by its name", of_saml("role_attrs", json!({"role": {"admin": ["Wiki Admins"]}})), roles()),
            ("a program", of_saml("attribute_transformations", json!({"nick": "use \"<Username>\""})), Done),
            ("a program that is none", of_saml("attribute_transformations", json!({"nick": 1})), invalid("sso.saml_config.attribute_transformations")),
            ("another type's section", application("sso-generic", "oidc_config", oidc()), invalid("sso.oidc_config")),
            ("an unknown section", application("sso-generic", "ws_config", json!({})), invalid("sso.ws_config")),
            ("a section of another type of application", application("rdp", "saml_config", saml()), invalid("sso")),
        ])
        .await;
}

#[tokio::test]
async fn the_official_example_is_taken() {
    let config = json!({
        "entity_id": "entity_id", "acs_urls": [{"url": "https://example.com/acs", "isDefault": "True"}],
        "nameid_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", "nameid_attribute": "mail",
        "sign_assertion": "False", "sign_response": "True",
        "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "mapped_attrs": {},
        "relaystate": "https://example.com/relaystate", "slo_url": "https://example.com/slo",
        "spinitiated_url": "https://example.com/spurl", "static_attrs": {}, "role_attrs": {},
        "attribute_transformations": {},
    });
    let made = application("sso-generic", "saml_config", config);
    let sandbox = Sandbox::new().await;
    sandbox.answers(&[("it", made, At("/response/sso/saml_config/acs_urls/0/isDefault", json!(true)))]).await;
}

#[tokio::test]
async fn oidc_settings_are_checked() {
    let uris = || invalid("sso.oidc_config.redirect_uris");
    let grants = || invalid("sso.oidc_config.grant_types");
    let scopes = || invalid("sso.oidc_config.scopes");
    let uri = |uri: &str| of_oidc("redirect_uris", json!([uri]));
    let mapping = json!([{"idp_attribute": "mail", "oidc_claim": "email"}]);
    let scope = |scope: Value| of_oidc("scopes", json!([{"name": "openid"}, scope]));
    Sandbox::new()
        .await
        .answers(&[
            ("as the reference has it", application("sso-oidc-generic", "oidc_config", oidc()), Done),
            ("no URI", of_oidc("redirect_uris", json!([])), uris()),
            ("an URI that is none", uri("portal"), uris()),
            ("an URI without host", uri("https:///cb"), uris()),
            ("an URI with a fragment", uri("https://portal.example.com/cb#x"), uris()),
            ("an app's URI", uri("com.example.app:/cb"), Done),
            ("no grant", of_oidc("grant_types", json!({})), grants()),
            ("no grant that is on", of_oidc("grant_types", json!({"authorization_code": false})), grants()),
            ("grants in a list", of_oidc("grant_types", json!(["authorization_code"])), grants()),
            ("an unknown grant", of_oidc("grant_types", json!({"password": true})), grants()),
            ("a grant with lifespans", of_oidc("grant_types", json!({"authorization_code": {"access_token_lifespan": 3600, "allow_pkce_only": false, "refresh_token": {"refresh_token_chain_lifespan": 1, "refresh_token_single_lifespan": 1}}})), Done),
            ("a lifespan that is none", of_oidc("grant_types", json!({"authorization_code": {"access_token_lifespan": "long"}})), grants()),
            ("an unknown key of a grant", of_oidc("grant_types", json!({"authorization_code": {"lifespan": 1}})), grants()),
            ("no scope", of_oidc("scopes", json!([])), scopes()),
            ("scopes as texts", of_oidc("scopes", json!(["openid"])), scopes()),
            ("scopes as an object", of_oidc("scopes", json!({"openid": true})), scopes()),
            ("a scope twice", scope(json!({"name": "openid"})), scopes()),
            ("a scope without name", scope(json!({})), scopes()),
            ("email without a mapping", scope(json!({"name": "email"})), scopes()),
            ("email with an empty mapping", scope(json!({"name": "email", "idp_attribute_claim_mapping": []})), scopes()),
            ("email with a mapping", scope(json!({"name": "email", "idp_attribute_claim_mapping": mapping})), Done),
            ("profile without a mapping", scope(json!({"name": "profile"})), scopes()),
            ("half a mapping", scope(json!({"name": "email", "idp_attribute_claim_mapping": [{"idp_attribute": "mail"}]})), scopes()),
            ("an unknown key of a scope", scope(json!({"name": "phone", "claims": []})), scopes()),
            ("an unknown key", of_oidc("response_types", json!(["code"])), invalid("sso.oidc_config.response_types")),
        ])
        .await;
    Sandbox::with(&["scopes-as-object"])
        .await
        .answers(&[
            (
                "an object",
                of_oidc("scopes", json!({"openid": true, "phone": false})),
                At("/response/sso/oidc_config/scopes", json!({"openid": true})),
            ),
            (
                "a list",
                application("sso-oidc-generic", "oidc_config", oidc()),
                At("/response/sso/oidc_config/scopes", json!({"openid": true})),
            ),
        ])
        .await;
}

#[tokio::test]
async fn oauth_settings_are_checked() {
    let clients = || invalid("sso.oauth_config.clients");
    let client = |client: Value| of_oauth("clients", json!([client]));
    Sandbox::new()
        .await
        .answers(&[
            (
                "a client of a scope",
                client(json!({"client_id": "c1", "name": "job", "assigned_scopes_ids": ["s1"]})),
                Done,
            ),
            (
                "a scope that does not exist",
                client(json!({"client_id": "c1", "name": "job", "assigned_scopes_ids": ["s2"]})),
                invalid("sso.oauth_config.clients.assigned_scopes_ids"),
            ),
            ("no id", client(json!({"name": "job"})), clients()),
            ("an empty id", client(json!({"client_id": "", "name": "job"})), clients()),
            (
                "an unknown key",
                client(json!({"client_id": "c1", "name": "job", "scopes": ["s1"]})),
                clients(),
            ),
            (
                "one id twice",
                of_oauth(
                    "clients",
                    json!([{"client_id": "c1", "name": "a"}, {"client_id": "c1", "name": "b"}]),
                ),
                clients(),
            ),
            (
                "one scope twice",
                of_oauth("scopes", json!([{"id": "s1", "name": "a"}, {"id": "s1", "name": "b"}])),
                invalid("sso.oauth_config.scopes"),
            ),
            (
                "an unknown setting",
                of_oauth("grant_types", json!({})),
                invalid("sso.oauth_config.grant_types"),
            ),
        ])
        .await;
}

#[tokio::test]
async fn no_api_configures_an_oauth_server() {
    let made = || application("sso-oauth-server", "oidc_config", oidc());
    Sandbox::new().await.answers(&[("refused", made(), invalid("sso.oidc_config"))]).await;
    Sandbox::with(&["oauth-server-config"]).await.answers(&[("taken", made(), Done)]).await;
}

#[tokio::test]
async fn a_change_is_checked_as_a_creation_is() {
    let sandbox = Sandbox::new().await;
    let made = sandbox.send(&application("sso-generic", "saml_config", saml())).await.json();
    let path = format!("{LIST}/{}", made["response"]["integration_key"].as_str().unwrap());
    let change = |config: Value| post(&path, json!({"sso": {"saml_config": config}}));
    sandbox
        .answers(&[
            (
                "one setting",
                change(json!({"nameid_attribute": "uid"})),
                At("/response/sso/saml_config/entity_id", json!("https://wiki.example.com/meta")),
            ),
            ("no URL", change(json!({"acs_urls": []})), invalid("sso.saml_config.acs_urls")),
            (
                "a required one unset",
                change(json!({"nameid_format": null})),
                invalid("sso.saml_config.nameid_format"),
            ),
            (
                "its own metadata",
                post(&path, json!({"sso": {"idp_metadata": made["response"]["sso"]["idp_metadata"]}})),
                Done,
            ),
        ])
        .await;
    let lax = Sandbox::with(&["check-sso=off"]).await;
    lax.answers(&[("anything goes", of_saml("nameid_format", json!("nonsense")), Done)]).await;
}
