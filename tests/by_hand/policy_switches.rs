//! Every switch about policies and groups: what the sandbox does by default, and with the switch.

use serde_json::{Value, json};

use super::hand::{At, Done, Expected, Refused, Request, Sandbox, delete, get, post, put};
use super::policies::{POLICIES, with_policy, write};
use super::policy_reach::Scene;

/// One request to an empty policy, by the switches: its answer.
async fn policy(sections: Value, table: &[(&[&str], Expected)]) {
    for (switches, expected) in table {
        let (sandbox, path) = with_policy(switches).await;
        let what = format!("{switches:?}").leak();
        sandbox.answers(&[(what, write(&path, sections.clone()), expected.clone())]).await;
    }
}

/// The same to any path.
async fn call(request: impl Fn() -> Request, table: &[(&[&str], Expected)]) {
    for (switches, expected) in table {
        let sandbox = Sandbox::with(switches).await;
        let what = format!("{switches:?}").leak();
        sandbox.answers(&[(what, request(), expected.clone())]).await;
    }
}

#[tokio::test]
async fn names_of_policies() {
    let old = || post(POLICIES, json!({"name": "Old"}));
    let table = [
        (&[][..], Refused(40001, Some("policy_name"))),
        (&["legacy-policy-name"], At("/response/policy_name", json!("Old"))),
    ];
    call(old, &table).await;
}

#[tokio::test]
async fn sections_that_are_new_old_or_null() {
    policy(
        json!({"device_health_app": {"requires_DHA": ["macos"]}}),
        &[
            (&[], At("/response/sections/duo_desktop/requires_duo_desktop", json!(["macos"]))),
            (&["old-section-names=off"], Refused(40002, Some("sections.device_health_app"))),
        ],
    )
    .await;
    policy(
        json!({"brand_new": {"x": [2, 1]}}),
        &[
            (&[], Refused(40002, Some("sections.brand_new"))),
            (&["open-policies"], At("/response/sections", json!({"brand_new": {"x": [2, 1]}}))),
        ],
    )
    .await;
    policy(
        json!({"new_user": {"new_user_behavior": "ask"}}),
        &[
            (&[], Refused(40002, Some("sections.new_user.new_user_behavior"))),
            (&["open-policies"], At("/response/sections/new_user", json!({"new_user_behavior": "ask"}))),
        ],
    )
    .await;
    policy(
        json!({"new_user": null}),
        &[
            (&[], Refused(40002, Some("sections.new_user"))),
            (&["null-sections"], At("/response/sections", json!({}))),
        ],
    )
    .await;
    policy(
        json!({"health_checks": {}}),
        &[
            (&[], At("/response/sections/health_checks/requires_duo_desktop", json!([]))),
            (&["health-checks=off"], Refused(40002, Some("sections.health_checks"))),
        ],
    )
    .await;
}

#[tokio::test]
async fn defaults_and_merging() {
    policy(
        json!({"authentication_methods": {"require_verified_push": false}}),
        &[
            (&[], At("/response/sections/authentication_methods/verified_push_digits", json!(3))),
            (
                &["section-defaults=off"],
                At("/response/sections/authentication_methods", json!({"require_verified_push": false})),
            ),
        ],
    )
    .await;
    let enrolled = "/response/sections/authorized_networks/no_2fa_required";
    for (switches, kept) in [(&[][..], false), (&["deep-sections"], true)] {
        let (sandbox, path) = with_policy(switches).await;
        let first = json!({"ip_list": ["192.0.2.1"], "require_enrollment": false});
        let second = json!({"ip_list": ["192.0.2.2"]});
        let networks =
            |fields: Value| write(&path, json!({"authorized_networks": {"no_2fa_required": fields}}));
        // A replaced object has the default again.
        let expected = json!({"ip_list": ["192.0.2.2"], "require_enrollment": !kept});
        sandbox
            .answers(&[
                ("first", networks(first), Done),
                ("second", networks(second), At(enrolled, expected)),
            ])
            .await;
    }
    policy(
        json!({"browsers": {"blocked_browsers_list": ["safari", "ie", "edge"]}}),
        &[
            (&[], At("/response/sections/browsers/blocked_browsers_list", json!(["edge", "ie", "safari"]))),
            (
                &["sorted-lists=off"],
                At("/response/sections/browsers/blocked_browsers_list", json!(["safari", "ie", "edge"])),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn beyond_the_edition() {
    for sections in [json!({"screen_lock": {}}), json!({"duo_desktop": {"enforce_firewall": ["macos"]}})] {
        let path = if sections.get("screen_lock").is_some() {
            "sections.screen_lock"
        } else {
            "sections.duo_desktop.enforce_firewall"
        };
        let shown = format!("/response/{}", path.replace('.', "/")).leak();
        policy(
            sections,
            &[
                (&[], Done),
                (&["essentials"], Refused(40002, Some(path))),
                (&["essentials", "beyond-edition=40301"], Refused(40301, None)),
                (&["essentials", "beyond-edition=dropped"], At(shown, Value::Null)),
            ],
        )
        .await;
    }
    let by_risk =
        json!({"remembered_devices": {"browser_apps": {"enabled": true, "remember_method": "risk-based"}}});
    let path = "sections.remembered_devices.browser_apps.remember_method";
    policy(by_risk, &[(&[], Done), (&["essentials"], Refused(40002, Some(path)))]).await;
}

#[tokio::test]
async fn what_duo_keeps_consistent() {
    let digits = json!({"authentication_methods": {"verified_push_digits": 8}});
    let path = "sections.authentication_methods.verified_push_digits";
    policy(digits, &[(&[], Refused(40002, Some(path))), (&["digits=3-8"], Done)]).await;

    for (switches, expected) in [
        (&[][..], Refused(40002, Some("sections.user_location.deny_access_countries_list"))),
        (
            &["exclusive-countries=off"],
            At("/response/sections/user_location/require_mfa_countries_list", json!(["FR"])),
        ),
    ] {
        let (sandbox, path) = with_policy(switches).await;
        let list = |name: &str, countries: Value| write(&path, json!({"user_location": {name: countries}}));
        sandbox
            .answers(&[
                ("one list", list("require_mfa_countries_list", json!(["DE", "FR"])), Done),
                ("another list", list("deny_access_countries_list", json!(["DE"])), expected),
            ])
            .await;
    }
    const MOBILE: &str = "/response/sections/trusted_endpoints/trusted_endpoint_checking_mobile";
    policy(
        json!({"trusted_endpoints": {"trusted_endpoint_checking": "require-trusted"}}),
        &[
            (&[], At(MOBILE, json!("require-trusted"))),
            (&["mobile-follows=off"], At(MOBILE, json!("allow-all"))),
        ],
    )
    .await;
    const VERSION: &str = "/response/sections/operating_systems/os_restrictions/ios/block_version";
    policy(
        json!({"operating_systems": {"os_restrictions": {"ios": {"block_policy": "less-than-latest", "block_version": "1.0"}}}}),
        &[(&[], At(VERSION, json!("26.1"))), (&["filled-versions=off"], At(VERSION, json!("1.0")))],
    )
    .await;
}

#[tokio::test]
async fn the_global_policy_and_deletions() {
    let without = || put(&format!("{POLICIES}/global"), json!({"sections_to_delete": ["new_user"]}));
    let kept = At("/response/sections/new_user/new_user_behavior", json!("enroll"));
    call(without, &[(&[], Refused(40002, Some("sections_to_delete"))), (&["global-section=ignored"], kept)])
        .await;

    for (switches, expected, key) in [
        (&[][..], Done, false),
        (&["policy-delete=40002"], Refused(40002, Some("policy_key")), true),
        (&["policy-delete=dangling"], Done, true),
    ] {
        let scene = Scene::with(switches).await;
        let attach = scene.to_apps(json!({"apply_list": [scene.apps[0]]}));
        scene.sandbox.answers(&[("attach", attach, Done), ("delete", delete(&scene.path()), expected)]).await;
        let app = scene.sandbox.running.account().application(&scene.apps[0]).unwrap();
        assert_eq!(app.get("policy_key").is_some(), key, "{switches:?}");
    }
}

#[tokio::test]
async fn replies_of_several_policies() {
    for (switches, at) in
        [(&[][..], "/response/policies/0/policy_name"), (&["bulk-object=off"], "/response/0/policy_name")]
    {
        let (sandbox, path) = with_policy(switches).await;
        let selection = json!({"edit_all_policies": false, "edit_list": [path.rsplit('/').next().unwrap()]});
        let body = json!({"policies_to_update": selection, "policy_changes": {"sections": {}}});
        sandbox.answers(&[("bulk", put(&format!("{POLICIES}/update"), body), At(at, json!("Strict")))]).await;
    }
    for (switches, expected) in [(&[][..], json!([])), (&["applies-to-in-list=off"], Value::Null)] {
        call(|| get(POLICIES), &[(switches, At("/response/0/policy_applies_to", expected))]).await;
    }
}

#[tokio::test]
async fn bindings_of_groups() {
    let (one, two) = (json!("One"), json!("Two"));
    for switches in [&[][..], &["applies-to-groups=names"], &["applies-to-groups=entries"]] {
        let scene = Scene::with(switches).await;
        scene.sandbox.answers(&[("bind", scene.to_groups(&scene.key, &scene.groups, None), Done)]).await;
        let shown = scene.applies_to(&scene.key).await;
        match *switches {
            [] => assert_eq!(shown[0]["groups"], json!([scene.group(0), scene.group(1)])),
            ["applies-to-groups=names"] => assert_eq!(shown[0]["groups"], json!([one, two])),
            _ => {
                let names: Vec<&Value> =
                    shown.as_array().unwrap().iter().map(|entry| &entry["group_name"]).collect();
                assert_eq!(names, [&one, &two]);
                assert_eq!(shown[0].get("groups"), None);
            }
        }
    }
    for (switches, left) in [(&[][..], 2), (&["replace-bindings"], 1)] {
        let scene = Scene::with(switches).await;
        let bind = |place: usize| scene.to_groups(&scene.key, &scene.groups[place..=place], None);
        scene.sandbox.answers(&[("one", bind(0), Done), ("two", bind(1), Done)]).await;
        assert_eq!(
            scene.applies_to(&scene.key).await[0]["groups"].as_array().unwrap().len(),
            left,
            "{switches:?}"
        );
    }
    for (switches, expected, position) in [
        (&[][..], Refused(40002, Some("apply_to_groups_in_apps.group_policy_apply_order")), None),
        (&["group-orders"], Done, Some(1)),
    ] {
        let scene = Scene::with(switches).await;
        let other = scene.sandbox.running.account().add_policy("Other").unwrap();
        scene
            .sandbox
            .answers(&[
                ("first", scene.to_groups(&scene.key, &scene.groups, None), Done),
                ("at the start", scene.to_groups(&other, &scene.groups, Some("start")), expected),
            ])
            .await;
        assert_eq!(scene.applies_to(&other).await[0]["group_position"].as_u64(), position);
    }
}

#[tokio::test]
async fn what_no_source_has() {
    for (switches, left) in [(&[][..], 2), (&["unapply-lists"], 0)] {
        let scene = Scene::with(switches).await;
        let bind = json!([{"app_integration_key": scene.apps[0], "group_id_list": scene.groups}]);
        let apps = |list: &str| json!({list: [scene.apps[0]]});
        let both = |apps: Value, groups: &str| {
            put(&scene.path(), json!({"apply_to_apps": apps, "apply_to_groups_in_apps": {groups: bind}}))
        };
        let (on, off) = (
            both(apps("apply_list"), "apply_group_policies_list"),
            both(apps("unapply_list"), "unapply_group_policies_list"),
        );
        scene.sandbox.answers(&[("attach", on, Done), ("detach", off, Done)]).await;
        assert_eq!(scene.applies_to(&scene.key).await.as_array().unwrap().len(), left, "{switches:?}");
    }
    for (switches, kinds) in [(&[][..], vec![]), (&["user-group-policies"], vec!["user_group"])] {
        let scene = Scene::with(switches).await;
        scene.sandbox.running.account().bind_user_groups(&scene.key, &scene.groups).unwrap();
        let shown = scene.applies_to(&scene.key).await;
        let found: Vec<&str> =
            shown.as_array().unwrap().iter().map(|entry| entry["apply_type"].as_str().unwrap()).collect();
        assert_eq!(found, kinds);
    }
    for (switches, expected) in [(&[][..], Done), (&["attach-needs-applications"], Refused(40301, None))] {
        let scene = Scene::with(switches).await;
        let stored =
            json!({"kind": "adminapi", "name": "writer", "permissions": ["adminapi_write_resource"]});
        let key = scene.sandbox.running.account().place_application(&stored).unwrap();
        let attach = scene.to_apps(json!({"apply_list": [scene.apps[0]]})).key(key.leak());
        scene.sandbox.answers(&[("attach", attach, expected)]).await;
    }
}

#[tokio::test]
async fn groups_from_a_directory_and_groups_in_use() {
    let refused = |detail| Refused(40002, Some(detail));
    for (switches, status) in [(&[][..], Done), (&["synced-groups=refused"], refused("status"))] {
        let sandbox = Sandbox::with(switches).await;
        let id = sandbox.running.account().add_group("Staff (from AD sync \"HQ\")").unwrap();
        let path = format!("/admin/v1/groups/{id}");
        sandbox
            .answers(&[
                ("a status", post(&path, json!({"status": "bypass"})), status),
                ("a name", post(&path, json!({"name": "Staff"})), refused("name")),
            ])
            .await;
    }
    for (switches, expected, left) in [(&[][..], Done, 0), (&["keep-used-groups"], refused("group_id"), 1)] {
        let scene = Scene::with(switches).await;
        let id = &scene.groups[0];
        scene
            .sandbox
            .answers(&[
                ("bind", scene.to_groups(&scene.key, &scene.groups[..1], None), Done),
                ("delete", delete(&format!("/admin/v1/groups/{id}")), expected),
                ("the other one", delete(&format!("/admin/v1/groups/{}", scene.groups[1])), Done),
            ])
            .await;
        assert_eq!(scene.applies_to(&scene.key).await.as_array().unwrap().len(), left);
    }
}

#[tokio::test]
async fn settings_that_are_off_and_texts_in_other_languages() {
    for (switches, off) in [(&[][..], Value::Null), (&["null-settings=off"], json!(0))] {
        call(
            || post("/admin/v1/settings", json!({"inactive_user_expiration": "0"})),
            &[(switches, At("/response/inactive_user_expiration", off))],
        )
        .await;
    }
    const MESSAGES: &str = "/admin/v1/branding/custom_messaging";
    for (switches, texts) in [
        (&[][..], json!({"de_DE": "Hilfe", "en_US": "Help"})),
        (&["keep-locales=off"], json!({"de_DE": "Hilfe"})),
    ] {
        let sandbox = Sandbox::with(switches).await;
        sandbox
            .answers(&[
                (
                    "one",
                    post(MESSAGES, json!({"help_text": "Help", "help_links": "https://help.example.com"})),
                    Done,
                ),
                (
                    "another",
                    post(MESSAGES, json!({"help_text": "Hilfe", "locale": "de_DE"})),
                    At("/response/help_text", texts.clone()),
                ),
                ("read", get(MESSAGES), At("/response/help_links", json!(["https://help.example.com"]))),
                (
                    "three links",
                    post(MESSAGES, json!({"help_links": "https://a,https://b,https://c"})),
                    Refused(40002, Some("help_links")),
                ),
                (
                    "no link",
                    post(MESSAGES, json!({"help_links": "ftp://a"})),
                    Refused(40002, Some("help_links")),
                ),
                (
                    "a link in the text",
                    post(MESSAGES, json!({"help_text": "https://a"})),
                    Refused(40002, Some("help_text")),
                ),
                (
                    "an unknown language",
                    post(MESSAGES, json!({"help_text": "x", "locale": "xx"})),
                    Refused(40002, Some("locale")),
                ),
            ])
            .await;
    }
}
