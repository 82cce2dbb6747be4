//! `duoctl list`: the inventory as table, CSV and JSON.

use serde_json::{Value, json};

use crate::support::{Folder, Outcome, Server, THREE};

fn applied() -> (Folder, Server) {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    (folder, server)
}

fn list(folder: &Folder, server: &Server, arguments: &[&str]) -> Outcome {
    folder.duoctl(["list"]).with(arguments).at(server).run().exits(0)
}

fn objects(folder: &Folder, server: &Server, arguments: &[&str]) -> Vec<Value> {
    let arguments = [arguments, &["--format", "json"]].concat();
    list(folder, server, &arguments).json()["objects"].as_array().unwrap().clone()
}

fn column(objects: &[Value], key: &str) -> Vec<String> {
    objects.iter().map(|object| object[key].as_str().unwrap_or("-").to_owned()).collect()
}

#[test]
fn each_object_has_its_state() {
    let (folder, server) = applied();
    assert_eq!(column(&objects(&folder, &server, &[]), "state"), ["in_sync", "in_sync", "in_sync"]);
    server.edit("VPN", json!({"greeting": "x", "user_access": "NO_USERS"}));
    let gone = THREE.lines().filter(|line| !line.contains("helpdesk")).collect::<Vec<_>>().join("\n");
    folder.declare(&format!("{gone}\n  new: {{type: radius, name: New, user_access: no_users}}\n"));
    let all = objects(&folder, &server, &[]);
    let states: Vec<(String, String)> =
        column(&all, "address").into_iter().zip(column(&all, "state")).collect();
    let expected = [("new", "missing"), ("siem", "in_sync"), ("vpn", "differs"), ("helpdesk", "orphan")];
    let expected = expected.map(|(key, state)| (format!("applications.{key}"), state.to_owned()));
    assert_eq!(states, expected);
    let people = list(&folder, &server, &[]);
    people.says("4 objects: 1 in_sync, 1 differs, 1 missing, 1 orphan.");
}

#[test]
fn unmanaged_objects_come_with_all_and_selections_hold() {
    let (folder, server) = applied();
    let all = objects(&folder, &server, &["--all"]);
    assert_eq!(all.len(), server.account().applications().len());
    assert!(column(&all, "state").contains(&"unmanaged".to_owned()));
    let kinds = column(&objects(&folder, &server, &["--all", "--type", "radius"]), "type");
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| kind == "radius"), "{kinds:?}");
    assert_eq!(column(&objects(&folder, &server, &["--only", "vpn"]), "address"), ["applications.vpn"]);
    let names = column(&objects(&folder, &server, &["--sort", "name"]), "name");
    assert_eq!(names, ["Help desk", "SIEM export", "VPN"]);
}

#[test]
fn programs_get_ids_access_policy_and_age() {
    let (folder, server) = applied();
    let vpn = objects(&folder, &server, &["--only", "vpn"]).remove(0);
    assert_eq!(vpn["id"], json!(server.ikey("VPN")));
    assert_eq!(vpn["key_ids"], json!([server.ikey("VPN")]));
    assert_eq!((&vpn["access"], &vpn["kind"]), (&json!("permitted_groups"), &json!("application")));
    assert_eq!(vpn["policy"], json!("Require trusted endpoints"));
    assert_eq!((&vpn["key_age"]["known"], &vpn["key_age_days"]), (&json!("since"), &json!(0)));
    let document = list(&folder, &server, &["--format", "json"]).json();
    assert_eq!(document["api_hostname"], json!("api-1a2b3c4d.duosecurity.com"));
    // Public single sign-on data, without any secret.
    let all = objects(&folder, &server, &["--all"]);
    let sso: Vec<&Value> = all.iter().map(|object| &object["sso"]).filter(|sso| **sso != json!({})).collect();
    let has =
        |key: &str| sso.iter().any(|sso| sso[key].as_str().is_some_and(|url| url.starts_with("https://")));
    assert!(has("metadata_url") && has("discovery_url"), "{sso:#?}");
    assert!(sso.iter().all(|sso| sso["client_secret"].is_null()));
}

#[test]
fn a_spreadsheet_gets_one_line_for_each_object() {
    let (folder, server) = applied();
    server.edit("Intranet", json!({"name": "=HYPERLINK(\"x\",\"y\")"}));
    let table = list(&folder, &server, &["--all", "--format", "csv"]).stdout;
    let mut lines = table.split("\r\n");
    assert_eq!(lines.next(), Some("address,kind,type,name,access,policy,key_age,last_use,state"));
    assert_eq!(lines.filter(|line| !line.is_empty()).count(), server.account().applications().len());
    assert!(table.contains(",\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\","), "{table}");
}

#[test]
fn a_table_fits_the_terminal() {
    let (folder, server) = applied();
    server.edit("Intranet", json!({"name": "An application with quite a long name for one line of a table"}));
    for width in [80, 100, 120, 160] {
        let call = folder.duoctl(["list", "--all"]).at(&server).env("COLUMNS", width.to_string());
        let table = call.run().exits(0).stdout;
        assert!(table.lines().all(|line| line.chars().count() <= width), "{width}:\n{table}");
        assert!(table.contains("applications.vpn"), "{table}");
    }
}

#[test]
fn a_snapshot_has_the_names_in_duo_and_no_secret() {
    let (folder, server) = applied();
    list(&folder, &server, &["--only", "vpn", "--snapshot", "names.json"]);
    let text = std::fs::read_to_string(folder.path("names.json")).unwrap();
    let snapshot: Value = serde_json::from_str(&text).unwrap();
    let names = |key: &str| column(snapshot[key].as_array().unwrap(), "name");
    assert!(names("groups").contains(&"VPN Users".to_owned()), "{text}");
    assert!(names("policies").contains(&"Require trusted endpoints".to_owned()), "{text}");
    assert_eq!(names("applications").len(), server.account().applications().len(), "also those not listed");
    assert_eq!(snapshot["kind"], "snapshot");
    assert!(!names("policies").iter().any(|name| name.contains("Global")), "it is never attached");
    assert!(!text.contains("secret"), "{text}");
    let refused = folder.duoctl(["list", "--snapshot", "names.duo.yaml"]).at(&server).run().exits(64);
    assert!(refused.stderr.contains("has the name of a workspace file"), "{}", refused.stderr);
}
