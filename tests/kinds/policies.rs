//! Policies as code: a section that is given is meant whole.

use serde_json::{Map, Value, json};

use super::{call, listed};
use crate::support::{Folder, Server, object};

/// A policy of the account, by name; `""` is the global one.
fn policy(server: &Server, name: &str) -> Value {
    let is_meant = |policy: &Value| match name {
        "" => policy["is_global_policy"] == true,
        name => policy["policy_name"] == name,
    };
    listed(server, "/admin/v2/policies").into_iter().find(is_meant).unwrap_or_default()
}

/// An edit by an administrator in the Admin Panel.
fn edit(server: &Server, name: &str, body: Value) {
    let key = policy(server, name)["policy_key"].as_str().unwrap().to_owned();
    call(server, "PUT", &format!("/admin/v2/policies/{key}"), body);
}

fn apply(folder: &Folder, server: &Server, arguments: &[&str]) -> crate::support::Outcome {
    folder.duoctl(["apply", "--auto-approve"]).at(server).args(arguments).run()
}

fn settled(folder: &Folder, server: &Server) {
    folder.duoctl(["plan"]).at(server).run().exits(0).says("No changes.");
}

const STRICT: &str = "policies:
  strict:
    name: Very strict
    new_user: deny
    authentication_methods: {blocked: [sms, phonecall]}
";

fn applied(rest: &str) -> (Folder, Server) {
    let (folder, server) = (Folder::with(rest), Server::start());
    apply(&folder, &server, &[]).exits(0);
    settled(&folder, &server);
    (folder, server)
}

#[test]
fn a_new_section_brings_duos_defaults_and_the_plan_says_which() {
    let (folder, server) = (Folder::with(STRICT), Server::start());
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
    plan.says("+ create policies.strict  \"Very strict\" (policy)").says("to Duo's default: ");
    apply(&folder, &server, &[]).exits(0);
    let made = policy(&server, "Very strict");
    assert_eq!(made["sections"]["new_user"], json!({"new_user_behavior": "deny"}));
    assert_eq!(made["sections"]["authentication_methods"]["blocked_auth_list"], json!(["phonecall", "sms"]));
    settled(&folder, &server);
}

#[test]
fn an_application_gets_a_policy_that_the_same_plan_creates() {
    let yaml = format!(
        "{STRICT}applications:\n  vpn: {{type: radius, name: VPN, user_access: no_users, policy: policies.strict}}\n"
    );
    let (_, server) = applied(&yaml);
    assert_eq!(server.named("VPN")[0]["policy_key"], policy(&server, "Very strict")["policy_key"]);
}

#[test]
fn a_changed_field_is_sent_alone_and_what_someone_changes_is_drift() {
    let (folder, server) = applied(STRICT);
    // A field that the YAML leaves out counts as Duo's default.
    let looser = json!({"sections": {"authentication_methods": {"require_verified_push": false}}});
    edit(&server, "Very strict", looser);
    let drift = folder.duoctl(["drift"]).at(&server).run().exits(2);
    drift.says("authentication_methods.require_verified_push  false -> true");
    apply(&folder, &server, &[]).exits(0);
    settled(&folder, &server);
    folder.declare(&STRICT.replace("deny", "no-mfa"));
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
    plan.says("new_user.new_user_behavior  \"deny\" -> \"no-mfa\"");
}

#[test]
fn null_removes_a_section_and_leaving_it_out_does_nothing() {
    let (folder, server) = applied(STRICT);
    folder.declare("policies:\n  strict: {name: Very strict}\n");
    settled(&folder, &server);
    folder.declare("policies:\n  strict: {name: Very strict, new_user: null}\n");
    apply(&folder, &server, &[]).exits(0);
    let sections: Map<String, Value> = object(policy(&server, "Very strict")["sections"].clone());
    assert_eq!(sections.keys().collect::<Vec<_>>(), ["authentication_methods"]);
    settled(&folder, &server);
}

#[test]
fn the_global_policy_is_changed_and_never_created_removed_or_renamed() {
    let (folder, server) = (Folder::with("global_policy:\n  new_user: deny\n"), Server::start());
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
    plan.says("~ update global_policy").says("new_user.new_user_behavior  \"enroll\" -> \"deny\"");
    apply(&folder, &server, &["--allow", "lockout"]).exits(0);
    assert_eq!(policy(&server, "")["sections"]["new_user"]["new_user_behavior"], "deny");
    settled(&folder, &server);
    folder.declare("");
    settled(&folder, &server);
}

#[test]
fn a_policy_is_adopted_by_its_name_and_two_of_one_name_need_a_pin() {
    let (folder, server) = (Folder::with(STRICT), Server::start());
    let first = server.account().add_policy("Very strict").unwrap();
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
    plan.says("~ update policies.strict").says(&first);
    server.account().add_policy("Very strict").unwrap();
    let refused = folder.duoctl(["plan"]).at(&server).run().exits(1);
    refused.tells("2 live policies are named `Very strict`").tells("`policy_key:`");
    folder.duoctl(["adopt", "policies.strict", &first]).run().exits(0);
    assert!(folder.read("duo.yaml").contains(&format!("policy_key: {first}")));
    apply(&folder, &server, &[]).exits(0);
    settled(&folder, &server);
}

#[test]
fn a_policy_is_deleted_by_the_name_that_removed_gives_and_only_unused() {
    let vpn = "applications:\n  vpn: {type: radius, name: VPN, user_access: no_users, policy: POLICY}\n";
    let used = vpn.replace("POLICY", "policies.strict");
    let (folder, server) = applied(&format!("{STRICT}{used}"));
    let named = vpn.replace("POLICY", "Very strict");
    folder.declare(&format!("{named}removed: {{policies.strict: delete}}\n"));
    folder.duoctl(["validate"]).run().exits(1).tells("does not say which policy is deleted");
    let delete = "removed: {policies.strict: {delete: Very strict}}\n";
    folder.declare(&format!("{named}{delete}"));
    folder.duoctl(["plan"]).at(&server).run().exits(1).tells("still refers to it: `VPN` (");
    folder.declare(&format!("{}{delete}", vpn.replace("POLICY", "null")));
    let consent = ["--allow", "destroys:policies.strict", "--allow", "widens_access"];
    apply(&folder, &server, &consent).exits(0).says("deleted policies.strict");
    assert_eq!(policy(&server, "Very strict"), Value::Null);
    settled(&folder, &server);
    folder
        .declare(&format!("removed: {{policies.all: {{delete: {}}}}}\n", policy(&server, "")["policy_name"]));
    folder.duoctl(["plan"]).at(&server).run().exits(1).tells("it is the global policy");
}

#[test]
fn a_section_that_the_account_cannot_have_stops_the_policy() {
    let (folder, server) =
        (Folder::with("policies:\n  p: {name: P, user_location: require-mfa}\n"), Server::start());
    folder.declare("policies:\n  p: {name: P, user_location: {default: require-mfa}}\n");
    server.account().switches.essentials = true;
    let refused = folder.duoctl(["plan"]).at(&server).run().exits(1);
    refused.tells("policies.p: the account has no section `user_location`");
}

#[test]
fn a_policy_for_the_members_of_a_group_is_bound_and_only_a_person_can_unbind_it() {
    let yaml = format!(
        "groups:\n  temps: {{name: Temps}}\n{STRICT}applications:\n  vpn:\n    type: radius\n    name: VPN\n    user_access: no_users\n    \
         group_policies: [{{policy: policies.strict, groups: [groups.temps]}}]\n"
    );
    let (folder, server) = (Folder::with(&yaml), Server::start());
    apply(&folder, &server, &["--allow", "widens_access"]).exits(0);
    settled(&folder, &server);
    let bound = policy(&server, "Very strict")["policy_applies_to"].clone();
    assert_eq!(bound[0]["apply_type"], "group_app", "{bound}");
    assert_eq!(bound[0]["app_integration_key"], server.named("VPN")[0]["integration_key"]);
    assert_eq!(bound[0]["groups"][0]["group_name"], "Temps");
    folder.declare(&yaml.replace("groups: [groups.temps]", "groups: [Contractors]"));
    apply(&folder, &server, &["--allow", "widens_access"])
        .exits(0)
        .warns("the policy `Very strict` also applies to `Temps` here, which the YAML does not say");
}

#[test]
fn a_policy_that_gets_weaker_is_judged_even_if_its_applications_leave_it_in_the_same_plan() {
    let of = |strict: &str, policy: &str| {
        format!(
            "policies:\n  strict: {{name: Very strict, new_user: {strict}}}\n  fresh: {{name: Fresh, new_user: deny}}\n\
             applications:\n  vpn: {{type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [VPN Users], \
             policy: {policy}}}\n"
        )
    };
    let (folder, server) = applied(&of("deny", "policies.strict"));
    folder.declare(&of("no-mfa", "policies.fresh"));
    let refused = apply(&folder, &server, &[]).exits(5);
    refused.tells("widens_access: policies.strict");
}

#[test]
fn attaching_what_shuts_everyone_out_needs_the_consent_of_a_lockout() {
    let mut yaml =
        "policies:\n  closed: {name: Closed, authentication_policy: deny}\napplications:\n".to_owned();
    for n in 0..12 {
        yaml += &format!(
            "  app{n}: {{type: websdk, name: App {n}, user_access: permitted_groups, groups_allowed: [VPN Users]"
        );
        yaml += ", policy: policies.closed}\n";
    }
    let (folder, server) = (Folder::with(&yaml), Server::start());
    apply(&folder, &server, &[]).exits(5).tells("--allow lockout:policies.closed");
}
