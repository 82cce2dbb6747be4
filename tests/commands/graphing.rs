//! `duoctl graph`: what is drawn from the YAML, from the account, and of a plan.

use serde_json::Value;

use crate::support::{Folder, Outcome, Server};

const YAML: &str = "applications:
  vpn:
    type: radius
    name: VPN
    user_access: permitted_groups
    groups_allowed: [VPN Users]
    policy: Require trusted endpoints
    secret: {store: files, path: vpn}
  wiki: {type: websdk, name: Wiki, user_access: all_users}
  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [read_log]}
identity_intelligence:
  emea: {display_name: Duo EMEA, access: read_only}
secret_stores:
  files: {type: file, path: keys}
";

fn graph(outcome: &Outcome) -> Value {
    outcome.json()
}

fn ids(graph: &Value, key: &str) -> Vec<String> {
    let nodes = graph["nodes"].as_array().unwrap().iter();
    nodes.filter(|node| key.is_empty() || node["kind"] == key).map(|node| text(&node["id"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The edges as `from -> to`, with the sign of their change.
fn edges(graph: &Value) -> Vec<String> {
    let edges = graph["edges"].as_array().unwrap().iter();
    let sign = |edge: &Value| match edge["change"].as_str() {
        Some("added") => "+ ",
        Some("removed") => "- ",
        _ => "",
    };
    edges.map(|edge| format!("{}{} -> {}", sign(edge), text(&edge["from"]), text(&edge["to"]))).collect()
}

#[test]
fn the_yaml_is_drawn_without_a_network() {
    let folder = Folder::with(YAML);
    let drawn = folder.duoctl(["graph", "--format", "json"]).run().exits(0);
    assert_eq!(
        edges(&graph(&drawn)),
        [
            "applications.siem -> permission:read_log",
            "applications.vpn -> policy:Require trusted endpoints",
            "applications.vpn -> secret_store:files",
            "group:VPN Users -> applications.vpn",
            "identity_intelligence.emea -> identity_intelligence.emea.admin_api",
            "identity_intelligence.emea.admin_api -> permission:read_log",
            "identity_intelligence.emea.admin_api -> permission:read_resource",
            "users:all -> applications.wiki",
        ]
    );
    let people = folder.duoctl(["graph"]).run().exits(0);
    let people = people.says("VPN  applications.vpn · radius\n    groups        VPN Users\n    policy        Require trusted endpoints\n    key in        files\n");
    assert_eq!(
        people.last_line(),
        "Graph: 4 applications, 1 group, 1 policy, 2 permissions, 1 secret store, 1 Identity Intelligence entry."
    );
    // Options of a connection are accepted, and no connection is made.
    let options = ["graph", "--connect-to", "127.0.0.1:1", "--parallelism", "2", "--format", "json"];
    assert_eq!(folder.duoctl(options).run().exits(0).stdout, drawn.stdout);
}

#[test]
fn the_account_is_drawn_with_what_nobody_declared() {
    let (folder, server) = (Folder::with(YAML), Server::start());
    folder
        .duoctl(["apply", "--auto-approve", "--no-verify", "--allow", "widens_access"])
        .at(&server)
        .run()
        .exits(0);
    let drawn = graph(&folder.duoctl(["graph", "--live", "--format", "json"]).at(&server).run().exits(0));
    assert_eq!(drawn["source"], "account");
    assert_eq!(ids(&drawn, "application").len(), server.account().applications().len());
    for node in drawn["nodes"].as_array().unwrap().iter().filter(|node| node["kind"] == "application") {
        let managed = text(&node["id"]).contains('.');
        assert_eq!(node["unmanaged"].as_bool().unwrap_or_default(), !managed, "{node}");
    }
    let edges = edges(&drawn);
    for expected in [
        "group:VPN Users -> applications.vpn",
        "applications.vpn -> policy:Require trusted endpoints",
        "applications.vpn -> secret_store:files",
        // What no policy of its own covers is covered by the global one.
        "applications.wiki -> policy:Global Policy",
    ] {
        assert!(edges.iter().any(|edge| edge == expected), "{expected}\n{edges:#?}");
    }
    assert!(!edges.contains(&"applications.siem -> policy:Global Policy".to_owned()), "no one logs in there");
    server.disturb("5xx=9999");
    folder.duoctl(["graph", "--live"]).at(&server).run().exits(75);
    folder.duoctl(["graph"]).at(&server).run().exits(0);
}

#[test]
fn a_plan_is_coloured_in() {
    let (folder, server) = (Folder::with(YAML), Server::start());
    folder
        .duoctl(["apply", "--auto-approve", "--no-verify", "--allow", "widens_access"])
        .at(&server)
        .run()
        .exits(0);
    let changed = YAML
        .replace("[VPN Users]", "[Contractors]")
        .replace(
            "  wiki: {type: websdk, name: Wiki, user_access: all_users}",
            "  portal: {type: websdk, name: Portal, user_access: no_users}",
        )
        .replace("permissions: [read_log]", "permissions: [read_log, info]");
    folder.declare(&changed);
    folder
        .duoctl(["plan", "--prune", "--out", "plan.json", "--report", "json=report.json"])
        .at(&server)
        .run()
        .exits(0);
    for (file, arguments) in [("plan.json", &[][..]), ("report.json", &[]), ("plan.json", &["--live"])] {
        let call = folder.duoctl(["graph", "--changes", file, "--format", "json"]).with(arguments);
        let drawn = graph(&call.at(&server).run().exits(0));
        let edges = edges(&drawn);
        for expected in [
            "- group:VPN Users -> applications.vpn",
            "+ group:Contractors -> applications.vpn",
            "+ applications.siem -> permission:info",
            "applications.siem -> permission:read_log",
            "applications.vpn -> policy:Require trusted endpoints",
        ] {
            assert!(edges.iter().any(|edge| edge == expected), "{arguments:?}: {expected}\n{edges:#?}");
        }
        let change = |id: &str| {
            let nodes = drawn["nodes"].as_array().unwrap();
            nodes.iter().find(|node| node["id"] == id).map(|node| text(&node["change"])).unwrap()
        };
        assert_eq!(change("applications.vpn"), "changed");
        assert_eq!(change("applications.portal"), "added");
        assert_eq!(change("applications.wiki"), "removed");
        assert_eq!(change("group:VPN Users"), "", "a group is not part of a plan");
    }
    let people = folder.duoctl(["graph", "--changes", "plan.json"]).run().exits(0);
    let people =
        people.says("~ VPN  applications.vpn · radius\n    groups        + Contractors, - VPN Users\n");
    assert!(people.last_line().ends_with(" Plan: 1 added, 2 changed, 1 removed."), "{}", people.last_line());
}

#[test]
fn a_plan_of_something_else_is_refused() {
    let (folder, server) = (Folder::with(YAML), Server::start());
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    folder.duoctl(["validate", "--report", "json=valid.json"]).run().exits(0);
    let refused = |file: &str| folder.duoctl(["graph", "--changes", file]).run().exits(1);
    refused("valid.json").warns("its `kind` is `validate`, not `plan` or `drift`");
    refused("missing.json").warns("missing.json cannot be read");
    refused("duo.yaml").warns("it is not valid JSON");
    let file = folder.read("duo.yaml");
    folder.write("duo.yaml", &file.replace("workspace: acme", "workspace: other"));
    refused("plan.json").warns("it is for `acme` on `api-1a2b3c4d.duosecurity.com`");
}

#[test]
fn the_surroundings_of_one_address_are_drawn() {
    let folder = Folder::with(YAML);
    let around = |focus: &[&str]| {
        let focus = focus.iter().flat_map(|focus| ["--focus", focus]);
        let call = folder.duoctl(["graph", "--format", "json"].into_iter().chain(focus));
        ids(&graph(&call.run().exits(0)), "")
    };
    let vpn =
        ["group:VPN Users", "applications.vpn", "policy:Require trusted endpoints", "secret_store:files"];
    for focus in ["vpn", "applications.vpn", "group:VPN Users"] {
        assert_eq!(around(&[focus]), vpn, "{focus}");
    }
    assert_eq!(around(&["policy:Require trusted endpoints"]), vpn[..3], "a policy does not reach a store");
    let logs = [
        "identity_intelligence.emea",
        "applications.siem",
        "identity_intelligence.emea.admin_api",
        "permission:read_log",
    ];
    assert_eq!(around(&["permission:read_log"]), logs);
    assert_eq!(around(&["wiki", "emea"]).len(), 6);
    for (focus, because) in [
        ("vpm", "`vpm` matches no address; did you mean `vpn`?"),
        ("group:VPN User", "`group:VPN User` is not in the graph; did you mean `group:VPN Users`?"),
        ("", "an empty pattern matches no address"),
    ] {
        folder.duoctl(["graph", "--focus", focus]).run().exits(64).warns(because);
    }
    folder
        .duoctl(["graph", "vpn"])
        .run()
        .exits(64)
        .warns("`vpn` is an address, not a path; use `--focus vpn`");
}

#[test]
fn three_hundred_applications_are_grouped_unless_asked_otherwise() {
    let application = |number: usize| {
        let groups = ["VPN Users", "Contractors", "Employees"][number % 3];
        format!(
            "  a{number}: {{type: radius, name: A{number}, user_access: permitted_groups, groups_allowed: [{groups}]}}\n"
        )
    };
    let folder = Folder::with(&format!("applications:\n{}", (0..300).map(application).collect::<String>()));
    let json = |arguments: &[&str]| {
        graph(&folder.duoctl(["graph", "--format", "json"]).with(arguments).run().exits(0))
    };
    let grouped = json(&[]);
    assert_eq!((ids(&grouped, "application").len(), edges(&grouped).len()), (3, 3));
    assert_eq!(grouped["nodes"][3]["members"].as_array().unwrap().len(), 100);
    assert_eq!(ids(&json(&["--expand"]), "application").len(), 300);
    assert_eq!(ids(&json(&["--focus", "group:Contractors"]), "application").len(), 100);
    let people = folder.duoctl(["graph"]).run().exits(0);
    let people =
        people.says("100 applications of type radius  A0, A102, A105, …\n    groups        VPN Users\n");
    assert_eq!(people.last_line(), "Graph: 300 applications, 3 groups.");
    // What forges would not draw is said, and a comment says it, too.
    let arguments = ["graph", "--expand", "--format", "mermaid", "--report", "markdown=comment.md"];
    folder.duoctl(arguments).run().exits(0);
    let groups = ["[VPN Users]", "[Contractors]", "[Employees]"];
    let open = |text: String, group: &str| text.replace(group, "[VPN Users, Contractors, Employees]");
    let many: String = (0..300).map(|number| open(application(number), groups[number % 3])).collect();
    folder.declare(&format!("applications:\n{many}"));
    folder.duoctl(arguments).run().exits(0).warns("do not draw a Mermaid diagram of this size");
    assert!(folder.read("comment.md").contains("too large for a diagram"));
}

#[test]
fn an_empty_workspace_is_an_empty_graph() {
    let folder = Folder::with("applications: {}\n");
    for format in ["human", "mermaid", "dot", "svg", "markdown", "html", "json"] {
        folder.duoctl(["graph", "--format", format]).run().exits(0);
    }
    assert_eq!(folder.duoctl(["graph"]).run().exits(0).stdout, "Graph: no applications.\n");
}
