//! Public documents of single sign-on applications: OIDC discovery, keys, SAML metadata (duo-api.md, section 6.2).

use serde_json::{Value, json};

use super::application::Application;
use super::call::{Call, Reply};
use super::integrations::sso::{CERTIFICATE, sso_base};
use super::kinds;
use super::message::dumps;
use super::state::Account;

pub(super) fn answer(account: &Account, call: &Call, segments: &[&str]) -> Result<Reply, Reply> {
    if call.method != "GET" {
        return Err(Reply::wrong_method());
    }
    if let Some((content_type, body)) = account.published.get(&format!("/{}", segments.join("/"))) {
        return Ok(Reply::Raw { content_type, body: body.clone() });
    }
    let load = |ikey: &str| Application::load(&account.store, ikey).ok_or_else(Reply::not_found);
    let base = sso_base(&call.authority);
    match segments {
        ["oidc", ikey, rest @ ..] => {
            let application = load(ikey)?;
            if !kinds::is_sso(&application.kind) || is_saml(&application) {
                return Err(Reply::not_found());
            }
            match rest {
                [".well-known", "openid-configuration" | "oauth-authorization-server"] => {
                    Ok(json_document(&discovery(&base, ikey)))
                }
                ["jwks"] => Ok(json_document(&json!({"keys": [signing_key()]}))),
                _ => Err(Reply::not_found()),
            }
        }
        ["saml2", "sp", ikey, "metadata"] => {
            let application = load(ikey)?;
            if !is_saml(&application) {
                return Err(Reply::not_found());
            }
            Ok(Reply::Raw { content_type: "application/xml", body: metadata(&base, ikey).into_bytes() })
        }
        _ => Err(Reply::not_found()),
    }
}

fn is_saml(application: &Application) -> bool {
    kinds::sso_section(&application.kind) == Some("saml_config")
}

fn json_document(value: &Value) -> Reply {
    Reply::Raw { content_type: "application/json", body: dumps(value).into_bytes() }
}

fn discovery(base: &str, ikey: &str) -> Value {
    let issuer = format!("{base}/oidc/{ikey}");
    let url = |path: &str| format!("{issuer}/{path}");
    json!({
        "authorization_endpoint": url("authorize"), "grant_types_supported": ["authorization_code", "refresh_token"],
        "id_token_signing_alg_values_supported": ["RS256"], "introspection_endpoint": url("token_introspection"),
        "issuer": issuer, "jwks_uri": url("jwks"), "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email"], "subject_types_supported": ["public"],
        "token_endpoint": url("token"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "userinfo_endpoint": url("userinfo"),
    })
}

/// The public key of the certificate. The sandbox signs no tokens.
fn signing_key() -> Value {
    json!({"alg": "RS256", "e": "AQAB", "kid": "sandbox", "kty": "RSA", "n": MODULUS, "use": "sig"})
}

#[rustfmt::skip]
const MODULUS: &str = concat!(
    "sjQ057Rk0DRlyO6CoP3nzM-X28XbM647fJsrBiTxje3wRO-YjVjRVL7gKeDWjqGShvXEMmp0grxo2uVMkBcNJdSiN2mT-Pk2",
    "sY0HYT6D0C8tS5OLn4AL5SMFO4KC91rGJrvBoupGJbl2ObUedz_YxF8IqopYv-v-b8dYlqLRcU1mRolpV6h9PcR5VbnZ1AHV",
    "xWxMrAErZmBVPRVz2Nu8X7jtWlmaezFr8JbKIe3PYav6nlUPdFEPLEhYlzDzLYDJZa8mFh9x2V4dhnwoJk5pbvTBzyW3i7VE",
    "LI4pnmOePgZMphOM6mYToE8l2F4Co5dyfbp8kHyjh0ahEMP3MDzIEQ",
);

fn metadata(base: &str, ikey: &str) -> String {
    let entity = format!("{base}/saml2/sp/{ikey}");
    let certificate: String = CERTIFICATE.lines().filter(|line| !line.starts_with("-----")).collect();
    let binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    format!(
        "<?xml version=\"1.0\"?>\n\
         <md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity}/metadata\">\n\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n\
         <md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
         <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n\
         <md:SingleLogoutService Binding=\"{binding}\" Location=\"{entity}/slo\"/>\n\
         <md:SingleSignOnService Binding=\"{binding}\" Location=\"{entity}/sso\"/>\n\
         </md:IDPSSODescriptor>\n</md:EntityDescriptor>\n"
    )
}
