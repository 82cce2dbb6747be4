//! What policies apply to, which one decides, the faults of policies, and what the log says about them.

use serde_json::{Value, json};

use super::hand::{At, Done, Refused, Request, Sandbox, delete, get, put};
use super::policies::{POLICIES, with_policy, write};

/// A sandbox with two applications, a policy, and the ids of two groups that the first user is in.
pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    pub(crate) key: String,
    pub(crate) apps: [String; 2],
    pub(crate) user: String,
    pub(crate) groups: Vec<String>,
}

impl Scene {
    pub(crate) async fn with(switches: &[&str]) -> Self {
        let sandbox = Sandbox::with(switches).await;
        let apps = [sandbox.place("rdp"), sandbox.place("unix")];
        let mut account = sandbox.running.account();
        let key = account.add_policy("Strict").unwrap();
        let groups: Vec<String> = ["One", "Two"].map(|name| account.add_group(name).unwrap()).into();
        let user = account.add_user("someone", "active", &groups).unwrap();
        drop(account);
        Self { sandbox, key, apps, user, groups }
    }

    pub(crate) fn path(&self) -> String {
        format!("{POLICIES}/{}", self.key)
    }

    pub(crate) fn to_apps(&self, body: Value) -> Request {
        put(&self.path(), json!({"apply_to_apps": body}))
    }

    /// Binds groups on the first application.
    pub(crate) fn to_groups(&self, policy: &str, groups: &[String], order: Option<&str>) -> Request {
        let list = json!([{"app_integration_key": self.apps[0], "group_id_list": groups}]);
        let mut body = json!({"apply_group_policies_list": list});
        if let Some(order) = order {
            body["group_policy_apply_order"] = json!(order);
        }
        put(&format!("{POLICIES}/{policy}"), json!({"apply_to_groups_in_apps": body}))
    }

    pub(crate) async fn applies_to(&self, policy: &str) -> Value {
        self.sandbox.send(&get(&format!("{POLICIES}/{policy}"))).await.json()["response"]["policy_applies_to"]
            .clone()
    }

    async fn calculated(&self) -> Value {
        let query = format!("{POLICIES}/calculate?integration_key={}&user_id={}", self.apps[0], self.user);
        self.sandbox.send(&get(&query)).await.json()["response"].clone()
    }

    pub(crate) fn group(&self, place: usize) -> Value {
        let name = ["One", "Two"][place];
        json!({"group_id": self.groups[place], "group_name": name})
    }
}

#[tokio::test]
async fn a_policy_says_what_it_applies_to() {
    let scene = Scene::with(&[]).await;
    let (first, second) = (&scene.apps[0], &scene.apps[1]);
    scene
        .sandbox
        .answers(&[
            (
                "one application",
                scene.to_apps(json!({"affect_all_apps": "inactive", "apply_list": [first]})),
                At("/response/policy_applies_to/0/app_integration_key", json!(first)),
            ),
            (
                "another one is added",
                scene.to_apps(json!({"apply_list": [second]})),
                At("/response/policy_applies_to/1/apply_type", json!("app")),
            ),
            (
                "every application",
                scene.to_apps(json!({"affect_all_apps": "active"})),
                Refused(40002, Some("apply_to_apps.affect_all_apps")),
            ),
            (
                "an unknown one",
                scene.to_apps(json!({"apply_list": ["DIX"]})),
                Refused(40002, Some("apply_to_apps.apply_list")),
            ),
            (
                "the global policy",
                put(&format!("{POLICIES}/global"), json!({"apply_to_apps": {"apply_list": [first]}})),
                Refused(40002, Some("apply_to_apps")),
            ),
            ("a group", scene.to_groups(&scene.key, &scene.groups[..1], Some("existing")), Done),
            (
                "at the start",
                scene.to_groups(&scene.key, &scene.groups[..1], Some("start")),
                Refused(40002, Some("apply_to_groups_in_apps.group_policy_apply_order")),
            ),
            (
                "an unknown group",
                scene.to_groups(&scene.key, &["DGX".to_owned()], None),
                Refused(40002, Some("apply_to_groups_in_apps.apply_group_policies_list")),
            ),
            (
                "no group",
                scene.to_groups(&scene.key, &[], None),
                Refused(40002, Some("apply_to_groups_in_apps.apply_group_policies_list")),
            ),
            (
                "nothing can be taken away",
                scene.to_apps(json!({"unapply_list": [first]})),
                At("/response/policy_applies_to/0/app_integration_key", json!(first)),
            ),
        ])
        .await;
    let other = scene.sandbox.running.account().add_policy("Other").unwrap();
    scene.sandbox.answers(&[("a second policy", scene.to_groups(&other, &scene.groups, None), Done)]).await;
    // A second binding of the same policy adds its groups and keeps its place.
    scene.sandbox.answers(&[("again", scene.to_groups(&scene.key, &scene.groups[1..], None), Done)]).await;
    let bound = |position: usize| {
        json!({
            "app_integration_key": first, "app_name": "placed rdp", "apply_type": "group_app", "group_position": position,
            "groups": [scene.group(0), scene.group(1)],
        })
    };
    let shown = scene.applies_to(&scene.key).await;
    assert!(shown.as_array().unwrap().contains(&bound(1)), "{shown}");
    assert_eq!(scene.applies_to(&other).await, json!([bound(2)]));
    let summary = scene.sandbox.send(&get(&format!("{POLICIES}/summary"))).await.json()["response"].clone();
    let listed = scene.sandbox.send(&get(POLICIES)).await.json()["response"].clone();
    for all in [&summary["policies"], &listed] {
        let own = all.as_array().unwrap().iter().find(|policy| policy["policy_key"] == json!(other)).unwrap();
        assert_eq!(own["policy_applies_to"], json!([bound(2)]));
    }
    assert_eq!(
        (&summary["response_is_truncated"], summary["policy_count"].as_u64()),
        (&json!(false), Some(8))
    );
    assert_eq!(listed[0]["is_global_policy"], true);
    assert_eq!(scene.applies_to("global").await, json!([]));
}

#[tokio::test]
async fn the_first_policy_that_has_a_section_decides_it() {
    let scene = Scene::with(&["user-group-policies"]).await;
    let of = |behaviour: &str| json!({"new_user": {"new_user_behavior": behaviour}});
    let place = |name: &str, sections: Value| {
        scene.sandbox.running.account().place_policy(name, sections.as_object().unwrap().clone()).unwrap()
    };
    let lock = json!({"screen_lock": {"require_screen_lock": false}});
    let (first, second) = (place("First", lock), place("Second", of("deny")));
    let (own, everywhere) = (place("Own", of("no-mfa")), place("Everywhere", of("enroll")));
    let decides = async || {
        let answer = scene.calculated().await;
        let elements = answer["policy_elements"].as_array().unwrap();
        let has = |element: &&Value| element["sections"].as_array().unwrap().contains(&json!("new_user"));
        let by = elements.iter().filter(has).collect::<Vec<_>>();
        assert_eq!(by.len(), 1, "{answer}");
        assert_eq!(answer["sections"].as_object().unwrap().len(), 19);
        (by[0]["apply_type"].clone(), answer["sections"]["new_user"]["new_user_behavior"].clone())
    };
    assert_eq!(decides().await, (json!("global"), json!("enroll")));
    scene.sandbox.running.account().bind_user_groups(&everywhere, &scene.groups).unwrap();
    assert_eq!(decides().await, (json!("user_group"), json!("enroll")));
    let apply = put(&format!("{POLICIES}/{own}"), json!({"apply_to_apps": {"apply_list": [scene.apps[0]]}}));
    scene.sandbox.answers(&[("on the application", apply, Done)]).await;
    assert_eq!(decides().await, (json!("app"), json!("no-mfa")));
    // The first binding lacks the section; the second one decides, whatever was bound later.
    for key in [&first, &second, &everywhere] {
        scene.sandbox.answers(&[("bound", scene.to_groups(key, &scene.groups, None), Done)]).await;
    }
    assert_eq!(decides().await, (json!("group_app"), json!("deny")));
    assert_eq!(scene.calculated().await["sections"]["screen_lock"], json!({"require_screen_lock": false}));
    assert_eq!(scene.calculated().await["policy_elements"][0]["policy_key"], json!(first));
    scene
        .sandbox
        .answers(&[
            ("deleted", delete(&format!("{POLICIES}/{second}")), Done),
            ("it no longer exists", get(&format!("{POLICIES}/{second}")), Refused(40401, None)),
            (
                "no user",
                get(&format!("{POLICIES}/calculate?integration_key={}", scene.apps[0])),
                Refused(40001, Some("user_id")),
            ),
        ])
        .await;
    // The third binding is now the second.
    assert_eq!(decides().await, (json!("group_app"), json!("enroll")));
    scene.sandbox.answers(&[("deleted", delete(&format!("{POLICIES}/{own}")), Done)]).await;
    let app = scene.sandbox.running.account().application(&scene.apps[0]).unwrap();
    assert_eq!(app.get("policy_key"), None);
}

#[tokio::test]
async fn faults_of_policies() {
    let (sandbox, path) = with_policy(&[]).await;
    let add = |fault: &str| sandbox.running.account().faults.add(fault.parse().unwrap());
    let deny = || write(&path, json!({"new_user": {"new_user_behavior": "deny"}}));
    const AT: &str = "/response/sections/new_user/new_user_behavior";
    add("no-effect=1@/admin/v2/policies");
    sandbox
        .answers(&[
            ("it looks as if it had worked", deny(), At(AT, json!("deny"))),
            ("it did not", get(&path), At("/response/sections", json!({}))),
            ("it does now", deny(), At(AT, json!("deny"))),
        ])
        .await;
    add("drop-sections=1");
    let unknown = || write(&path, json!({"brand_new": {"x": 1}, "screen_lock": {}}));
    sandbox
        .answers(&[
            ("dropped", unknown(), At("/response/sections/brand_new", Value::Null)),
            ("refused again", unknown(), Refused(40002, Some("sections.brand_new"))),
        ])
        .await;
    add("short-summary");
    let summary = sandbox.send(&get(&format!("{POLICIES}/summary"))).await.json()["response"].clone();
    assert_eq!(summary["response_is_truncated"], true);
    assert_eq!(
        (summary["policies"].as_array().unwrap().len(), summary["policy_count"].as_u64()),
        (4, Some(7))
    );
    sandbox.running.account().faults.clear();
}

#[tokio::test]
async fn the_log_says_who_changed_a_policy() {
    let (sandbox, path) = with_policy(&[]).await;
    sandbox
        .answers(&[
            ("a change", write(&path, json!({"screen_lock": {}})), Done),
            ("a deletion", delete(&path), Done),
        ])
        .await;
    let now = jiff::Timestamp::now().as_millisecond();
    let query =
        format!("/admin/v2/logs/activity?mintime={}&maxtime={}&limit=1000", now - 60_000, now + 60_000);
    let rows = sandbox.send(&get(&query)).await.json()["response"]["items"].clone();
    let (ikey, _) = sandbox.pair("operator");
    let own: Vec<&Value> = rows
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["target"]["type"] == "policy" && row["actor"]["key"] == json!(ikey))
        .collect();
    let mut actions: Vec<&str> = own.iter().filter_map(|row| row["action"]["name"].as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["policy_delete", "policy_update"]);
}
