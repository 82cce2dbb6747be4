//! Pages and filters of lists; how groups and users are shown.

use serde_json::{Value, json};

use super::hand::{At, Done, Refused, Sandbox, delete, get, post};

const GROUPS: &str = "/admin/v1/groups";

/// Fills every paged collection with more than its largest page.
async fn full(switches: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with(switches).await;
    {
        let mut account = sandbox.running.account();
        let id = account.add_group("Everybody of a test").unwrap();
        for number in 0..520 {
            account.add_group(&format!("Group {number}")).unwrap();
            account.add_policy(&format!("Policy {number}")).unwrap();
            account.add_user(&format!("user{number}"), "active", std::slice::from_ref(&id)).unwrap();
            let stored = json!({"kind": "rdp", "name": format!("App {number}")});
            account.place_application(&stored).unwrap();
        }
    }
    sandbox
}

#[tokio::test]
async fn pages_have_defaults_and_maxima() {
    let sandbox = full(&[]).await;
    let group = sandbox.running.account().add_group("Of nobody").unwrap();
    let _ = group;
    for (path, maximum) in [
        ("/admin/v1/integrations", 500),
        ("/admin/v2/integrations", 500),
        ("/admin/v3/integrations", 500),
        (GROUPS, 300),
        ("/admin/v1/users", 300),
        ("/admin/v2/policies", 100),
    ] {
        for (limit, rows) in [("", 100), ("?limit=7", 7), ("?limit=1000", maximum), ("?limit=1&offset=5", 1)]
        {
            let answer = sandbox.send(&get(&format!("{path}{limit}"))).await;
            let body = answer.json();
            assert_eq!(body["response"].as_array().unwrap().len(), rows, "{path}{limit}");
            let offset = if limit.contains("offset=5") { 5 } else { 0 };
            let metadata = &body["metadata"];
            assert_eq!(metadata["next_offset"], json!(offset + rows), "{path}{limit}");
            assert_eq!(metadata["prev_offset"], json!(if offset == 0 { 0 } else { 4 }), "{path}{limit}");
        }
        sandbox
            .answers(&[
                (path, get(&format!("{path}?limit=0")), Refused(40002, Some("limit"))),
                (path, get(&format!("{path}?limit=-1")), Refused(40002, Some("limit"))),
                (path, get(&format!("{path}?limit=many")), Refused(40002, Some("limit"))),
                (path, get(&format!("{path}?offset=-1")), Refused(40002, Some("offset"))),
                (path, get(&format!("{path}?offset=100000")), At("/response", json!([]))),
            ])
            .await;
    }
}

#[tokio::test]
async fn metadata_have_switches() {
    let sandbox = Sandbox::new().await;
    let page = sandbox.send(&get(GROUPS)).await.json();
    assert_eq!(page["metadata"], json!({"prev_offset": 0, "total_objects": 10}));
    let nulls = Sandbox::with(&["null-metadata"]).await;
    let page = nulls.send(&get(GROUPS)).await.json();
    assert_eq!(page["metadata"], json!({"next_offset": null, "prev_offset": null, "total_objects": 10}));
    let page = nulls.send(&get(&format!("{GROUPS}?limit=4&offset=4"))).await.json();
    assert_eq!(page["metadata"], json!({"next_offset": 8, "prev_offset": 0, "total_objects": 10}));
    let bare = Sandbox::with(&["bare-pages"]).await;
    let page = bare.send(&get(GROUPS)).await.json();
    assert_eq!((page.get("metadata"), page["response"].as_array().unwrap().len()), (None, 10));
    let page = bare.send(&get(&format!("{GROUPS}?limit=4"))).await.json();
    assert_eq!(page["metadata"]["next_offset"], 4);
    let old = full(&["unpaged-lists"]).await;
    for path in [GROUPS, "/admin/v1/integrations"] {
        assert!(old.send(&get(path)).await.json()["response"].as_array().unwrap().len() > 500, "{path}");
    }
    let newer = old.send(&get("/admin/v3/integrations")).await.json();
    assert_eq!(newer["response"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn the_status_of_a_group_is_capitalized() {
    let sandbox = Sandbox::new().await;
    let made = sandbox.send(&post(GROUPS, json!({"name": "Bypass", "status": "BYPASS"}))).await.json();
    assert_eq!(made["response"]["status"], "Bypass");
    let id = made["response"]["group_id"].as_str().unwrap().to_owned();
    let user = sandbox.running.account().add_user("ada", "active", std::slice::from_ref(&id)).unwrap();
    let one = format!("{GROUPS}/{id}");
    let show = "/response/status";
    sandbox
        .answers(&[
            ("alone", get(&format!("/admin/v2/groups/{id}")), At(show, json!("Bypass"))),
            (
                "inside a user",
                get(&format!("/admin/v1/users/{user}")),
                At("/response/groups/0/status", json!("Bypass")),
            ),
            (
                "of a user",
                get(&format!("/admin/v1/users/{user}/groups")),
                At("/response/0/status", json!("Bypass")),
            ),
            ("written in lower case", post(&one, json!({"status": "disabled"})), At(show, json!("Disabled"))),
            ("written capitalized", post(&one, json!({"status": "Active"})), At(show, json!("Active"))),
            ("unknown", post(&one, json!({"status": "paused"})), Refused(40002, Some("status"))),
            ("renamed as another", post(&one, json!({"name": "Contractors"})), Refused(40003, None)),
            ("renamed as itself", post(&one, json!({"name": "Bypass"})), Done),
        ])
        .await;
    let lower = Sandbox::with(&["group-status=lower-case"]).await;
    lower.answers(&[("lower", get(GROUPS), At("/response/0/status", json!("active")))]).await;
    let short = Sandbox::with(&["short-groups"]).await;
    let users = short.send(&get("/admin/v1/users?limit=1")).await.json();
    let keys: Vec<&String> = users["response"][0]["groups"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["desc", "name"]);
}

#[tokio::test]
async fn what_is_gone_may_be_deleted_again() {
    for (switches, expected) in [(&[][..], Done), (&["absent-object=40401"], Refused(40401, None))] {
        Sandbox::with(switches)
            .await
            .answers(&[
                ("a group", delete(&format!("{GROUPS}/DG000000000000000000")), expected.clone()),
                ("a user", delete("/admin/v1/users/DU000000000000000000"), expected),
            ])
            .await;
    }
}

#[tokio::test]
async fn users_are_found_by_what_is_asked_for() {
    let sandbox = Sandbox::new().await;
    let body = json!({"username": "ada", "email": "ada@example.com", "alias1": "countess", "alias7": "al", "external_id": "E7", "custom_attributes.shift": "night"});
    let ada = sandbox.send(&post("/admin/v1/users", body)).await.json()["response"].clone();
    let id = ada["user_id"].as_str().unwrap();
    assert_eq!((&ada["alias1"], &ada["external_id"]), (&json!("countess"), &json!("E7")));
    assert_eq!(ada["aliases"], json!({"alias1": "countess", "alias7": "al"}));
    assert_eq!(ada["custom_attributes"], json!({"shift": "night"}));
    let found = |answer: Value| -> Vec<String> {
        let users = answer["response"].as_array().unwrap().clone();
        users.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
    };
    for (query, expected) in [
        ("username=ada".to_owned(), vec!["ada"]),
        ("username=countess".to_owned(), vec!["ada"]),
        ("username=al".to_owned(), vec!["ada"]),
        ("username=nobody".to_owned(), vec![]),
        ("email=ada@example.com".to_owned(), vec!["ada"]),
        (
            "username_list=[\"countess\",\"alan.albrecht\",\"nobody\"]".to_owned(),
            vec!["alan.albrecht", "ada"],
        ),
        (format!("user_id_list=[\"{id}\",\"DU0\"]"), vec!["ada"]),
        ("username_list=[]".to_owned(), vec![]),
        ("username_list=[\"ada\"]&limit=1&offset=5".to_owned(), vec!["ada"]),
    ] {
        let answer = sandbox.send(&get(&format!("/admin/v1/users?{query}"))).await.json();
        let mut names = found(answer);
        names.sort();
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        expected.sort();
        assert_eq!(names, expected, "{query}");
    }
    let many = json!((0..101).map(|number| number.to_string()).collect::<Vec<_>>()).to_string();
    let one = format!("/admin/v1/users/{id}");
    sandbox
        .answers(&[
            (
                "too many names",
                get(&format!("/admin/v1/users?username_list={many}")),
                Refused(40002, Some("username_list")),
            ),
            ("no list", get("/admin/v1/users?user_id_list=DU1"), Refused(40002, Some("user_id_list"))),
            (
                "too many groups",
                get(&format!("{GROUPS}?group_id_list={many}")),
                Refused(40002, Some("group_id_list")),
            ),
            (
                "an alias that another has",
                post("/admin/v1/users", json!({"username": "countess"})),
                Refused(40002, Some("username already exists")),
            ),
            (
                "all aliases at once",
                post(&one, json!({"aliases": "alias1=a&alias2=b"})),
                At("/response/aliases", json!({"alias1": "a", "alias2": "b", "alias7": "al"})),
            ),
            (
                "an alias removed",
                post(&one, json!({"alias1": ""})),
                At("/response/aliases", json!({"alias2": "b", "alias7": "al"})),
            ),
            (
                "an unknown alias",
                post(&one, json!({"aliases": {"alias9": "x"}})),
                Refused(40002, Some("aliases")),
            ),
        ])
        .await;
}

#[tokio::test]
async fn names_of_policies_may_repeat() {
    for (switches, expected) in [(&[][..], Done), (&["unique-policies"], Refused(40003, None))] {
        let strict = || post("/admin/v2/policies", json!({"policy_name": "Strict"}));
        Sandbox::with(switches).await.answers(&[("one", strict(), Done), ("two", strict(), expected)]).await;
    }
}
