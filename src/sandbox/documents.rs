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
                // The sandbox signs no tokens.
                ["jwks"] => Ok(json_document(&json!({"keys": []}))),
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
