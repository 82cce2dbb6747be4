//! Random applications of every type, with every field that the type has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use duoctl::duo::catalogue::{Creation, Family, kinds, lookup};
use duoctl::kinds::application::fields::field;
use duoctl::sandbox::account::Account;
use duoctl::sandbox::call::Reply;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// Common values, so that applications share them.
const USUAL: &[&str] = &[
    "radius",
    "adminapi",
    "authapi",
    "websdk",
    "rdp",
    "sso-generic",
    "sso-oidc-generic",
    "sso-oauth-client-credentials",
];
const ADDRESSES: &[&str] = &["a", "b", "c", "d", "e"];
const GROUPS: &[&str] = &[
    "Employees",
    "VPN Users",
    "Contractors",
    "Engineering",
    "Finance",
    "Staff (from AD sync \"HQ\")",
    "@first",
    "@last",
];
const POLICIES: &[&str] = &["Require trusted endpoints", "Contractors", "Block anonymous networks", "@last"];
const PERMISSIONS: &[&str] = &[
    "admins",
    "admins_read",
    "info",
    "integrations",
    "integrations_read",
    "read_log",
    "read_resource",
    "write_resource",
    "settings",
    "settings_read",
    "allow_to_set_permissions",
];
const NETWORKS: &[&str] =
    &["192.0.2.0/24", "198.51.100.7", "203.0.113.5-203.0.113.9", "2001:db8::/32", "2001:db9::1"];
/// Texts that an account may store differently, or that resemble a marker.
const TEXTS: &[&str] = &[
    "plain",
    "  room around  ",
    "R&D <beta>",
    "Ünï ",
    "[duoctl?]",
    "a  b",
    "two\nlines\n",
    "🔥 مرحبا \u{202e}txt",
    "tab\t",
    "Cafe\u{301}",
    "true",
    "0123",
];
/// Some are names of applications that the account already has.
const NAMES: &[&str] =
    &["VPN", "Intranet", "Branch office VPN", "Jump hosts", "R&D <beta>", " Lab ", "Café", "🔥 خدمة", "no"];

/// Types that Duo's API does not create: an application of such a type must already exist.
static FOUND: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let refused = kinds().iter().filter(|kind| kind.creation != Creation::Ok).map(|kind| kind.name);
    refused.chain(["type-of-tomorrow"]).collect()
});

static MADE: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    kinds().iter().filter(|kind| kind.creation == Creation::Ok).map(|kind| kind.name).collect()
});

/// Whether an application of the type must already exist.
pub(crate) fn is_found(kind: &str) -> bool {
    FOUND.contains(&kind)
}

/// The ids of the first and the last group and policy, which are the same in every new account.
static IDS: LazyLock<[[String; 2]; 2]> = LazyLock::new(|| {
    let mut account = Account::in_memory().unwrap();
    let mut ids = |path: &str, key: &str| {
        let query = Map::from_iter([("limit".to_owned(), json!(100))]);
        let Reply::Page(rows, _) = account.as_administrator("GET", path, query) else { panic!("no list") };
        let custom = rows.iter().filter(|row| row["is_global_policy"] != true);
        let mut ids: Vec<String> = custom.map(|row| row[key].as_str().unwrap().to_owned()).collect();
        [ids.remove(0), ids.pop().unwrap()]
    };
    [ids("/admin/v1/groups", "group_id"), ids("/admin/v2/policies", "policy_key")]
});

fn by_name_or_id(name: &str, ids: &[String; 2]) -> String {
    match name {
        "@first" => ids[0].clone(),
        "@last" => ids[1].clone(),
        name => name.to_owned(),
    }
}

/// The fields of one application; those that its type does not have are removed later.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    access: usize,
    groups: Vec<&'static str>,
    policy: Option<Option<&'static str>>,
    permissions: Option<Vec<&'static str>>,
    networks: Option<Option<Vec<&'static str>>>,
    self_service: Option<bool>,
    prompt: Option<bool>,
    normalization: Option<&'static str>,
    greeting: Option<Option<String>>,
    notes: Option<Option<String>>,
    sso: Sso,
}

/// Settings of single sign-on, for any kind of it.
#[derive(Clone, Debug)]
struct Sso {
    number: usize,
    on: [bool; 4],
    text: Option<Option<&'static str>>,
    groups: Vec<&'static str>,
    /// Which of the optional settings are declared.
    declared: u32,
}

fn nullable<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<Option<T>>> {
    option::of(option::of(value))
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => select(USUAL), 2 => select(MADE.clone()), 1 => select(FOUND.clone())]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(TEXTS).prop_map(str::to_owned),
        1 => "\\PC{1,40}",
        1 => "[a-z \n]{200,250}",
    ]
}

fn sso() -> impl Strategy<Value = Sso> {
    let groups = subsequence(GROUPS, 1..=2);
    (0..3_usize, any::<[bool; 4]>(), nullable(select(TEXTS)), groups, any::<u32>())
        .prop_map(|(number, on, text, groups, declared)| Sso { number, on, text, groups, declared })
}

pub(crate) fn fields() -> impl Strategy<Value = Fields> {
    let identity = (kind(), select(NAMES), 0..3_usize, subsequence(GROUPS, 1..=3));
    let lists = (
        nullable(select(POLICIES)),
        option::of(subsequence(PERMISSIONS, 0..=PERMISSIONS.len())),
        nullable(subsequence(NETWORKS, 1..=3)),
    );
    let rest = (
        option::of(any::<bool>()),
        option::of(any::<bool>()),
        option::of(select(&["none", "simple"][..])),
        nullable(text()),
        nullable(text()),
        sso(),
    );
    (identity, lists, rest).prop_map(|(identity, lists, rest)| {
        let (kind, name, access, groups) = identity;
        let (policy, permissions, networks) = lists;
        let (self_service, prompt, normalization, greeting, notes, sso) = rest;
        Fields {
            kind,
            name,
            access,
            groups,
            policy,
            permissions,
            networks,
            self_service,
            prompt,
            normalization,
            greeting,
            notes,
            sso,
        }
    })
}

impl Fields {
    /// As an entry of `applications`.
    pub(crate) fn yaml(&self) -> Value {
        // For an unknown type, duoctl considers every field possible; the simulator treats it as one with users.
        let kind = lookup(self.kind).or_else(|| lookup("radius"));
        let has = |key: &str| field(key).unwrap().applies_to(kind);
        let mut entry = json!({"type": self.kind, "name": self.name.trim()});
        let mut set = |key: &str, value: Option<Value>| {
            if let (Some(value), true) = (value, has(key)) {
                entry[key] = value;
            }
        };
        let access = ["no_users", "all_users", "permitted_groups"]
            [if has("groups_allowed") { self.access } else { 0 }];
        set("user_access", Some(json!(access)));
        if access == "permitted_groups" {
            set("groups_allowed", Some(json!(group_names(&self.groups))));
        }
        let policy = self.policy.map(|policy| policy.map(|name| by_name_or_id(name, &IDS[1])));
        set("policy", policy.map(|policy| json!(policy)));
        set("permissions", self.permissions.as_ref().map(|names| json!(names)));
        set("networks_for_api_access", self.networks.as_ref().map(|networks| json!(networks)));
        set("self_service_allowed", self.self_service.map(Value::Bool));
        set("prompt_v4_enabled", self.prompt.map(Value::Bool));
        set("username_normalization_policy", self.normalization.map(|policy| json!(policy)));
        set(
            "greeting",
            self.greeting.as_ref().map(|text| json!(text.as_ref().map(|text| text.replace("${", "$${")))),
        );
        set(
            "notes",
            self.notes.as_ref().map(|text| json!(text.as_ref().map(|text| text.replace("${", "$${")))),
        );
        set("sso", self.document());
        entry
    }

    fn document(&self) -> Option<Value> {
        match lookup(self.kind).map(|kind| kind.family)? {
            Family::Saml => Some(json!({"saml_config": self.sso.saml()})),
            Family::Oidc => Some(json!({"oidc_config": self.sso.oidc()})),
            // The other types of this family can only be configured in the Admin Panel.
            Family::OAuth if self.kind == "sso-oauth-client-credentials" => {
                Some(json!({"oauth_config": self.sso.oauth()}))
            }
            _ => None,
        }
    }

    /// As created by hand, whatever its type: only what identifies it, and some text.
    pub(crate) fn by_hand(&self) -> Value {
        let mut stored = json!({
            "kind": self.kind, "name": self.name.trim(), "user_access": "NO_USERS", "frameless": self.sso.on[0],
            "universal_prompt": self.sso.on[1],
        });
        if let Some(Some(notes)) = &self.notes {
            stored["notes"] = json!(notes);
        }
        stored
    }
}

fn group_names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| by_name_or_id(name, &IDS[0])).collect()
}

impl Sso {
    fn declares(&self, place: u32) -> bool {
        self.declared & (1 << place) != 0
    }

    fn saml(&self) -> Value {
        let url = |end: &str| format!("https://wiki.example.com/{end}");
        let mut urls = vec![json!({"url": url("a")})];
        if self.number > 0 {
            urls.insert(
                0,
                json!({"url": url("b"), "index": self.number, "isDefault": self.on[0], "binding": null}),
            );
        }
        let mut saml = json!({"entity_id": url(&self.number.to_string()), "acs_urls": urls});
        let text = self.text.flatten().map_or(Value::Null, |text| json!(text));
        let optional = [
            ("nameid_format", json!("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified")),
            ("nameid_attribute", json!("mail")),
            ("sign_assertion", json!(self.on[0])),
            ("sign_response", json!(self.on[1])),
            ("signing_algorithm", json!("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512")),
            ("encrypt_assertion", if self.on[2] { json!(self.on[3]) } else { Value::Null }),
            ("assertion_encryption_algorithm", json!("http://www.w3.org/2009/xmlenc11#aes256-gcm")),
            ("key_transport_encryption_algorithm", Value::Null),
            ("remote_cert", if self.on[3] { json!(CERTIFICATE) } else { Value::Null }),
            ("relaystate", text.clone()),
            ("slo_url", json!(url("slo"))),
            ("spinitiated_url", if self.on[0] { json!(url("login")) } else { Value::Null }),
            (
                "mapped_attrs",
                json!({"<Email Address>": if self.on[1] { json!("mail") } else { json!(["mail", "e-mail"]) }}),
            ),
            (
                "static_attrs",
                if self.on[2] { json!({"tenant": "acme", "a.b": ["x", "y"]}) } else { Value::Null },
            ),
            ("role_attrs", json!({"role": {"admin": group_names(&self.groups)}})),
            ("attribute_transformations", json!({"nick": "use \"<Username>\"\nprepend text=\"dev-\""})),
        ];
        for (place, (key, value)) in (0..).zip(optional) {
            // Duo does not create such an application without the first five.
            if place < 5 || self.declares(place) {
                saml[key] = value;
            }
        }
        saml
    }

    fn oidc(&self) -> Value {
        let uris = ["https://a.example.com/cb", "https://b.example.com/cb"];
        let refresh = json!({"refresh_token_chain_lifespan": 2_592_000, "refresh_token_single_lifespan": 3600 * self.number});
        let grants = match self.number {
            0 => json!({"authorization_code": true}),
            1 => json!({"authorization_code": true, "refresh_token": self.on[0]}),
            _ => {
                json!({"authorization_code": {"access_token_lifespan": 600, "allow_pkce_only": self.on[1], "refresh_token": refresh}})
            }
        };
        let mut scopes = vec![json!({"name": "openid"})];
        if self.declares(0) {
            let claims = json!([{"idp_attribute": "mail", "oidc_claim": "email"}, {"idp_attribute": "cn", "oidc_claim": "name"}]);
            scopes.insert(0, json!({"name": "email", "idp_attribute_claim_mapping": claims}));
        }
        json!({"grant_types": grants, "redirect_uris": uris[..=usize::from(self.on[2])], "scopes": scopes})
    }

    fn oauth(&self) -> Value {
        let scope = |number: usize| json!({"id": format!("s{number}"), "name": format!("scope {number}")});
        let scopes: Vec<Value> = (0..=self.number).map(scope).collect();
        let mut client = json!({"client_id": "c1", "name": "job", "assigned_scopes_ids": [format!("s{}", self.number), "s0"]});
        if self.declares(0) {
            client["description"] = self.text.flatten().map_or(Value::Null, |text| json!(text));
        }
        let mut clients = vec![client];
        if self.on[3] {
            clients.insert(0, json!({"client_id": "c0", "name": "other"}));
        }
        json!({"scopes": scopes, "clients": clients})
    }
}

pub(crate) type Applications = BTreeMap<&'static str, Fields>;

pub(crate) fn applications() -> impl Strategy<Value = Applications> {
    btree_map(select(ADDRESSES), fields(), 0..=ADDRESSES.len()).prop_map(|mut applications| {
        // Two of the same type and name are an error in the YAML.
        let mut seen = BTreeSet::new();
        applications.retain(|_, fields| seen.insert((fields.kind, fields.name)));
        applications
    })
}

/// What a workspace declares first, and later. An address does not change to a type that cannot be created: Duo refuses such
/// a replacement.
pub(crate) fn before_and_after() -> impl Strategy<Value = (Applications, Applications)> {
    (applications(), applications()).prop_map(|(before, mut after)| {
        for (address, fields) in &mut after {
            if let Some(earlier) = before.get(address)
                && is_found(fields.kind)
            {
                fields.kind = earlier.kind;
            }
        }
        let mut seen = BTreeSet::new();
        after.retain(|_, fields| seen.insert((fields.kind, fields.name)));
        (before, after)
    })
}

/// Edits by an administrator; those that Duo refuses have no effect.
pub(crate) fn edits() -> impl Strategy<Value = Vec<(usize, Value)>> {
    let edit = select(vec![
        Value::Null,
        json!({"notes": "edited"}),
        json!({"name": "Renamed"}),
        json!({"user_access": "NO_USERS"}),
        json!({"user_access": "ALL_USERS"}),
        json!({"greeting": "Hello"}),
        json!({"policy_key": ""}),
        json!({"self_service_allowed": "1"}),
        json!({"username_normalization_policy": "Simple"}),
        json!({"networks_for_api_access": "192.0.2.9"}),
        json!({"adminapi_settings": "1", "adminapi_info": "0"}),
        json!({"sso": {"saml_config": {"sign_response": false, "relaystate": "https://x.example.com/", "role_attrs": {"role": {"admin": []}}}}}),
        json!({"sso": {"oidc_config": {"grant_types": {"authorization_code": {"access_token_lifespan": 60}}}}}),
        json!({"sso": {"oauth_config": {"clients": []}}}),
    ]);
    vec((0..40_usize, edit), 0..5)
}

/// Belongs to no one, valid until 2126: only its format counts.
const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBjTCCATOgAwIBAgIUAPM/+cFszxX0PujKDXOOMGdG+K8wCgYIKoZIzj0EAwIw\n\
GzEZMBcGA1UEAwwQd2lraS5leGFtcGxlLmNvbTAgFw0yNjExMjYyMjI1MjRaGA8y\n\
MTI2MTEwMjIyMjUyNFowGzEZMBcGA1UEAwwQd2lraS5leGFtcGxlLmNvbTBZMBMG\n\
ByqGSM49AgEGCCqGSM49AwEHA0IABFZvXgSphIhtG84wwRDEPldfwRYC9wJ60wlD\n\
w4Rp7bPK51JeLeN/yvC78TZ3AFDBibmVaRCaAUuGu8Ncnl5G2Q6jUzBRMB0GA1Ud\n\
DgQWBBQeQeoCxan8MIL1JmrivgbmdXCJ1zAfBgNVHSMEGDAWgBQeQeoCxan8MIL1\n\
JmrivgbmdXCJ1zAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDk\n\
ppCT1PW+r5pD8punRMOYDu7MQMjUBZvcqG68Ijr5ywIgAUgtjzFYgnP6BvCudBhO\n\
9GJ7CJP8+wOhOM2+K4RkNsE=\n\
-----END CERTIFICATE-----";
