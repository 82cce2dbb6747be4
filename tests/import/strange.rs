//! Applications that the API could not create, or that show undocumented values: each is adopted as it is, or left out with a
//! reason that says what to do; only the marker is ever written.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use duoctl::duo::call::{ApiCall, Method, Success, Transport};
use duoctl::duo::error::DuoError;
use duoctl::duo::object::Ikey;
use duoctl::import::{Imported, LeftOut, Reason, Wanted};
use duoctl::sandbox::account::Account;
use duoctl::sandbox::direct::Direct;
use duoctl::secret::Secret;
use serde_json::{Value, json};

use super::{BARE, Client, empty, import_adopts_and_settles};

/// A client whose account shows some applications in ways that the simulator cannot store. It records writes.
#[derive(Clone)]
struct Strange {
    direct: Direct,
    /// Properties by integration key; `null` removes one.
    shown: BTreeMap<String, Value>,
    writes: Arc<Mutex<Vec<Value>>>,
}

impl Strange {
    fn new(direct: Direct) -> Self {
        Self { direct, shown: BTreeMap::new(), writes: Arc::default() }
    }

    /// An application as the simulator accepts it, shown with other properties.
    fn place(&mut self, stored: Value, shown: Value) -> String {
        let ikey = self.account().place_application(&stored).unwrap();
        self.shown.insert(ikey.clone(), shown);
        ikey
    }

    fn account(&self) -> std::sync::MutexGuard<'_, Account> {
        self.direct.account()
    }

    fn disguise(&self, application: &mut Value) {
        let Some(ikey) = application["integration_key"].as_str() else { return };
        let Some(Value::Object(shown)) = self.shown.get(ikey) else { return };
        for (key, value) in shown {
            let properties = application.as_object_mut().unwrap();
            match value {
                Value::Null => drop(properties.remove(key)),
                value => drop(properties.insert(key.clone(), value.clone())),
            }
        }
    }
}

impl Transport for Strange {
    async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
        if call.method != Method::Get {
            self.writes.lock().unwrap().push(Value::Object(call.params.clone()));
        }
        let mut success = self.direct.send(call).await?;
        if call.path.contains("/integrations") {
            match &mut success.response {
                Value::Array(items) => items.iter_mut().for_each(|item| self.disguise(item)),
                one => self.disguise(one),
            }
        }
        Ok(success)
    }

    fn signed_by(&self, ikey: &Ikey, secret: &Secret) -> Self {
        Self { direct: self.direct.signed_by(ikey, secret), ..self.clone() }
    }

    fn host(&self) -> &str {
        self.direct.host()
    }
}

impl Client for Strange {
    fn operator(&self) -> &Ikey {
        self.direct.ikey()
    }
}

/// Imports, adopts, applies, and checks that only notes were written. Returns what was added to the YAML.
async fn adopted(strange: &Strange) -> (String, Imported) {
    let before = strange.account().applications();
    let (yaml, imported) = import_adopts_and_settles(strange, BARE, &Wanted::default()).await.unwrap();
    for body in strange.writes.lock().unwrap().iter() {
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["notes"], "{body}");
    }
    let settled = |live: Vec<Value>| -> Vec<Value> {
        let even = |mut live: Value| {
            live["notes"] = Value::Null;
            live["groups_allowed"].as_array_mut().unwrap().sort_by_key(Value::to_string);
            live
        };
        live.into_iter().map(even).collect()
    };
    assert_eq!(settled(before), settled(strange.account().applications()), "who may log in is what it was");
    (yaml.strip_prefix(BARE).unwrap_or_default().to_owned(), imported)
}

fn reasons(imported: &Imported) -> String {
    let line = |left_out: &LeftOut| {
        let reason = match &left_out.reason {
            Reason::Impossible(why) => why.clone(),
            other => format!("{other:?}"),
        };
        format!("{:?}: {reason}\n", left_out.name)
    };
    let others = imported.left_out.iter().filter(|left_out| left_out.reason != Reason::Operator);
    let mut lines: Vec<String> = others.map(line).collect();
    lines.sort();
    lines.concat()
}

/// Keys and ids differ only in their digits.
fn even(text: &str, ids: &[(&str, &str)]) -> String {
    ids.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
}

#[tokio::test(start_paused = true)]
async fn more_groups_than_the_api_takes_stay_as_they_are() {
    let mut strange = Strange::new(empty());
    let groups: Vec<String> =
        (0..101).map(|number| strange.account().add_group(&format!("Group {number:03}")).unwrap()).collect();
    let app = |name: &str, groups: &[String]| json!({"kind": "radius", "name": name, "user_access": "PERMITTED_GROUPS", "groups_allowed": groups, "greeting": "Hello"});
    let many = strange.place(app("Many", &groups), json!({}));
    strange.place(app("Most", &groups[..100]), json!({}));
    let (yaml, imported) = adopted(&strange).await;
    let (most, many_of_them) = (yaml.find("  most:").unwrap(), &yaml[yaml.find("  many:").unwrap()..]);
    assert_eq!(yaml[most..].matches("Group ").count(), 100, "what the API takes is written down");
    let entry = format!("applications:\n{}", &many_of_them[..many_of_them.find("  most:").unwrap()]);
    insta::assert_snapshot!(even(&entry, &[(&many, "DI…")]), @r#"
    applications:
      many:
        type: radius
        name: Many
        integration_key: DI…
        greeting: Hello
        # `user_access` has 101 groups in Duo, more than its API accepts; it is not managed
    "#);
    assert_eq!(reasons(&imported), "");
}

#[tokio::test(start_paused = true)]
async fn values_that_duoctl_does_not_know_are_left_alone_one_by_one() {
    let mut strange = Strange::new(empty());
    let staff = strange.account().add_group("Staff").unwrap();
    let app = |name: &str| json!({"kind": "websdk", "name": name, "user_access": "PERMITTED_GROUPS", "groups_allowed": [staff], "frameless": true});
    let api = |name: &str| json!({"kind": "adminapi", "name": name, "user_access": "NO_USERS"});
    let mut ikeys = Vec::new();
    for (stored, shown) in [
        (app("access"), json!({"user_access": "CONTRACTORS_ONLY"})),
        (app("access of another kind"), json!({"user_access": ["ALL_USERS"]})),
        (app("access not shown"), json!({"user_access": null})),
        (app("access in small letters"), json!({"user_access": "all_users"})),
        (app("prompt"), json!({"prompt_v4_enabled": "perhaps"})),
        (app("self-service"), json!({"self_service_allowed": 7})),
        (app("normalization"), json!({"username_normalization_policy": "Elaborate"})),
        (app("normalization of another kind"), json!({"username_normalization_policy": 3})),
        (app("text of another kind"), json!({"greeting": 5})),
        (api("networks"), json!({"networks_for_api_access": "192.0.2.0/24,everywhere"})),
        (api("new permission"), json!({"adminapi_info": 1, "adminapi_rule_the_world": 1})),
        (api("permission of another kind"), json!({"adminapi_info": "sometimes"})),
        (json!({"kind": "sso-generic", "name": "sso", "user_access": "NO_USERS"}), json!({"sso": "soon"})),
    ] {
        ikeys.push(strange.place(stored, shown));
    }
    let (yaml, imported) = adopted(&strange).await;
    let ids: Vec<(&str, &str)> = ikeys.iter().map(|ikey| (ikey.as_str(), "DI…")).collect();
    insta::assert_snapshot!(even(&yaml, &ids), @r#"
    applications:
      access:
        type: websdk
        name: access
        integration_key: DI…
        # `user_access` is `CONTRACTORS_ONLY` in Duo, which duoctl does not know; it is not managed
      access-in-small-letters:
        type: websdk
        name: access in small letters
        integration_key: DI…
        # `user_access` is `all_users` in Duo, which duoctl does not know; it is not managed
      access-not-shown:
        type: websdk
        name: access not shown
        integration_key: DI…
        # `user_access` is not shown by Duo; it is not managed
      access-of-another-kind:
        type: websdk
        name: access of another kind
        integration_key: DI…
        # `user_access` is not shown by Duo; it is not managed
      networks:
        type: adminapi
        name: networks
        user_access: no_users
        permissions: []
        # `networks_for_api_access` is `everywhere` in Duo, which duoctl does not know; it is not managed
      new-permission:
        type: adminapi
        name: new permission
        user_access: no_users
        # `permissions` contains `rule_the_world` in Duo, which duoctl does not know; it is not managed
      normalization:
        type: websdk
        name: normalization
        user_access: permitted_groups
        groups_allowed: [Staff]
        # `username_normalization_policy` is `elaborate` in Duo, which duoctl does not know; it is not managed
      normalization-of-another-kind:
        type: websdk
        name: normalization of another kind
        user_access: permitted_groups
        groups_allowed: [Staff]
      permission-of-another-kind:
        type: adminapi
        name: permission of another kind
        user_access: no_users
        permissions: [info]
      prompt:
        type: websdk
        name: prompt
        user_access: permitted_groups
        groups_allowed: [Staff]
        # `prompt_v4_enabled` is `perhaps` in Duo, which duoctl does not know; it is not managed
      self-service:
        type: websdk
        name: self-service
        user_access: permitted_groups
        groups_allowed: [Staff]
        self_service_allowed: true
      sso:
        type: sso-generic
        name: sso
        user_access: no_users
      text-of-another-kind:
        type: websdk
        name: text of another kind
        user_access: permitted_groups
        groups_allowed: [Staff]
    "#);
    assert_eq!(reasons(&imported), "");
}

#[tokio::test(start_paused = true)]
async fn groups_and_policies_that_no_list_holds_are_never_dropped() {
    let mut strange = Strange::new(empty());
    let (staff, twins) = {
        let mut account = strange.account();
        let staff = account.add_group("Staff").unwrap();
        (staff, [account.add_policy("Twin").unwrap(), account.add_policy("Twin").unwrap()])
    };
    let app = |name: &str| json!({"kind": "radius", "name": name, "user_access": "PERMITTED_GROUPS", "groups_allowed": [staff]});
    let mut twin = app("policy of two");
    twin["policy_key"] = json!(twins[1]);
    for (stored, shown) in [
        (app("a group is gone"), json!({"groups_allowed": [staff, "DGGONE00000000000000"]})),
        (app("every group is gone"), json!({"groups_allowed": ["DGGONE00000000000000"]})),
        (app("no group"), json!({"groups_allowed": []})),
        (app("policy gone"), json!({"policy_key": "POGONE00000000000000"})),
        (twin, json!({})),
        (
            json!({"kind": "sso-generic", "name": "role", "user_access": "NO_USERS"}),
            json!({"sso": {"saml_config": {"entity_id": "https://a.example", "acs_urls": [{"url": "https://a.example/acs"}],
                "role_attrs": {"role": {"admin": ["DGGONE00000000000000"]}}}}}),
        ),
    ] {
        strange.place(stored, shown);
    }
    let (yaml, imported) = adopted(&strange).await;
    let ikeys: Vec<String> = strange.shown.keys().cloned().collect();
    let mut ids: Vec<(&str, &str)> = ikeys.iter().map(|ikey| (ikey.as_str(), "DI…")).collect();
    ids.push((&twins[1], "PO…"));
    insta::assert_snapshot!(even(&yaml, &ids), @r#"
    applications:
      a-group-is-gone:
        type: radius
        name: a group is gone
        integration_key: DI…
        # `user_access` is permitted_groups in Duo, with the group `DGGONE00000000000000` that the account does not list; it is not managed
      every-group-is-gone:
        type: radius
        name: every group is gone
        integration_key: DI…
        # `user_access` is permitted_groups in Duo, with the group `DGGONE00000000000000` that the account does not list; it is not managed
      no-group:
        type: radius
        name: no group
        integration_key: DI…
        # `user_access` is permitted_groups in Duo, with groups that no longer exist; it is not managed
      policy-gone:
        type: radius
        name: policy gone
        user_access: permitted_groups
        groups_allowed: [Staff]
        # `policy` is `POGONE00000000000000`, which the account does not list; it is not managed
      policy-of-two:
        type: radius
        name: policy of two
        user_access: permitted_groups
        groups_allowed: [Staff]
        policy: {id: PO…} # Twin
      role:
        type: sso-generic
        name: role
        user_access: no_users
        # `sso` names the group `DGGONE00000000000000` that the account does not list; it is not managed
    "#);
    assert_eq!(reasons(&imported), "");
}

#[tokio::test(start_paused = true)]
async fn what_has_no_name_no_type_or_no_room_for_a_marker_says_so() {
    let mut strange = Strange::new(empty());
    let app = |kind: &str, name: &str, notes: &str| json!({"kind": kind, "name": name, "notes": notes, "user_access": "ALL_USERS"});
    for (stored, shown) in [
        (app("radius", "", ""), json!({})),
        (app("radius", " \t ", ""), json!({})),
        (app("radius", "nameless", ""), json!({"name": null})),
        (app("radius", "typeless", ""), json!({"type": null})),
        (app("type-of-tomorrow", "Tomorrow", ""), json!({})),
        (app("radius", "Full", &"n".repeat(512)), json!({})),
        (app("radius", "Nearly full", &"n".repeat(400)), json!({})),
        (app("radius", "Theirs", "ours [duoctl other-team/applications.vpn -]"), json!({})),
        (app("radius", "Copied", "[duoctl acme/applications.copied -]"), json!({})),
        (app("radius", "Copy", "[duoctl acme/applications.copied -]"), json!({})),
    ] {
        strange.place(stored, shown);
    }
    let (yaml, imported) = adopted(&strange).await;
    let ikeys: Vec<String> = strange.shown.keys().cloned().collect();
    let ids: Vec<(&str, &str)> = ikeys.iter().map(|ikey| (ikey.as_str(), "DI…")).collect();
    insta::assert_snapshot!(even(&yaml.replace(&"n".repeat(400), "nnn…"), &ids), @r#"
    applications:
      nearly-full:
        type: radius
        name: Nearly full
        user_access: all_users
        # `notes` cannot be written: `notes` has 400 characters, but only 335 fit next to duoctl's marker
      radius-8a5p16:
        type: radius
        integration_key: DI…
        user_access: all_users
        # `name` is empty in Duo, which is not a line of text; it is not managed
      radius-h2bhr7:
        type: radius
        integration_key: DI…
        user_access: all_users
        # `name` is empty in Duo, which is not a line of text; it is not managed
      radius-jgxov4:
        type: radius
        integration_key: DI…
        user_access: all_users
        # `name` is ` \u{9} ` in Duo, which is not a line of text; it is not managed
      tomorrow:
        type: type-of-tomorrow
        name: Tomorrow
        user_access: all_users
      typeless:
        name: typeless
        integration_key: DI…
        user_access: all_users
        # `type` is empty in Duo, which is not a line of text; it is not managed
    "#);
    insta::assert_snapshot!(reasons(&imported), @r#"
    "Copied": several applications have the marker of `applications.copied`; remove `[duoctl ...]` from the notes of the copies in the Duo Admin Panel
    "Copy": several applications have the marker of `applications.copied`; remove `[duoctl ...]` from the notes of the copies in the Duo Admin Panel
    "Full": notes and marker together are 591 characters, more than 512; shorten the notes by 79 characters
    "Theirs": Elsewhere("other-team/applications.vpn")
    "#);
}
