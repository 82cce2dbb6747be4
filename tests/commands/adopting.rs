//! Which live application is meant, whatever happens to names, notes and markers: the right step or an error that lists the
//! candidates, and never a second application.

use serde_json::json;

use crate::support::{Folder, Outcome, Server, object};

const VPN: &str = "applications:
  vpn: {type: radius, name: VPN, user_access: no_users, notes: Owned by the network team}
  wiki: {type: websdk, name: Wiki, user_access: no_users}
";

fn applied() -> (Folder, Server) {
    let (folder, server) = (Folder::with(VPN), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    (folder, server)
}

fn marker(server: &Server, name: &str) -> String {
    let notes = server.named(name)[0]["notes"].as_str().unwrap().to_owned();
    notes[notes.rfind("[duoctl ").unwrap()..].to_owned()
}

fn plan(folder: &Folder, server: &Server, code: i32) -> Outcome {
    folder.duoctl(["plan"]).at(server).run().exits(code)
}

/// Applies, then checks that one application of the type and name exists and that nothing more is to do.
#[track_caller]
fn settles(folder: &Folder, server: &Server, name: &str) {
    folder.duoctl(["apply", "--auto-approve"]).at(server).run().exits(0);
    assert_eq!(server.named(name).len(), 1);
    plan(folder, server, 0).says("No changes.");
}

#[test]
fn a_rename_on_either_side_is_a_change_of_the_name() {
    let (folder, server) = applied();
    let ikey = server.ikey("VPN");
    server.edit("VPN", json!({"name": "VPN (old)"}));
    plan(&folder, &server, 0).says("\"VPN (old)\" -> \"VPN\"").says("0 to add, 1 to change, 0 to adopt");
    settles(&folder, &server, "VPN");
    folder.declare(&VPN.replace("name: VPN", "name: Remote access"));
    plan(&folder, &server, 0).says("\"VPN\" -> \"Remote access\"").says("0 to add, 1 to change, 0 to adopt");
    settles(&folder, &server, "Remote access");
    // The same new name on both sides is not a difference.
    folder.declare(VPN);
    server.edit("Remote access", json!({"name": "VPN"}));
    settles(&folder, &server, "VPN");
    assert_eq!(server.ikey("VPN"), ikey);
}

#[test]
fn a_marker_that_an_editor_removed_is_put_back() {
    let (folder, server) = applied();
    let ikey = server.ikey("VPN");
    for notes in ["Owned by the network team", "", "somebody's own words"] {
        server.edit("VPN", json!({"notes": notes}));
        let again = plan(&folder, &server, 0);
        assert!(
            again.last_line().contains("0 to add") && again.last_line().contains("1 to adopt"),
            "{notes}"
        );
        settles(&folder, &server, "VPN");
    }
    assert_eq!(server.ikey("VPN"), ikey);
    // A damaged marker stops the address until a pin identifies the application.
    server.edit("VPN", json!({"notes": "Ours\n[duoctl acme/applications.vpn"}));
    plan(&folder, &server, 1).warns("error[damaged-marker]").warns(&format!("integration_key: {ikey}"));
    folder.declare(&VPN.replace("name: VPN", &format!("name: VPN, integration_key: {ikey}")));
    settles(&folder, &server, "VPN");
    let notes = server.named("VPN")[0]["notes"].as_str().unwrap().to_owned();
    assert!(
        notes.starts_with("Owned by the network team\n") && notes.matches("[duoctl ").count() == 1,
        "{notes}"
    );
    folder.declare(VPN);
    // Nothing without a marker is removed, whatever left the YAML.
    server.edit("Wiki", json!({"notes": ""}));
    folder.declare(VPN.split_once("  wiki").unwrap().0);
    folder
        .duoctl(["apply", "--auto-approve", "--prune=now", "--allow", "destroys"])
        .at(&server)
        .run()
        .exits(0);
    assert_eq!(server.named("Wiki").len(), 1);
}

#[test]
fn a_marker_that_was_lost_among_several_of_one_name_is_asked_about() {
    let (folder, server) = applied();
    let first = server.ikey("VPN");
    server.edit("VPN", json!({"notes": ""}));
    let twin = object(json!({"type": "radius", "name": "VPN", "user_access": "NO_USERS"}));
    let twin = server.account().create_application(twin).unwrap_or_else(|_| panic!("refused"));
    let second = twin["integration_key"].as_str().unwrap().to_owned();
    let writes = server.writes();
    for command in [&["plan"][..], &["apply", "--auto-approve", "--no-verify"]] {
        let outcome = folder.duoctl(command).at(&server).run();
        outcome.warns(&first).warns(&second).warns("2 live applications of type `radius` are named `VPN`");
    }
    assert_eq!(server.writes(), writes);
    folder.duoctl(["adopt", "applications.vpn", &first]).run().exits(0);
    plan(&folder, &server, 0).says("0 to add, 1 to change, 1 to adopt");
    // The pin holds whatever the name becomes.
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    server
        .account()
        .modify_application(&first, object(json!({"name": "Other", "notes": ""})))
        .unwrap_or_else(|_| panic!());
    plan(&folder, &server, 0).says("\"Other\" -> \"VPN\"").says("0 to add, 1 to change, 1 to adopt");
}

#[test]
fn a_marker_that_was_copied_stops_its_address_and_no_other() {
    let (folder, server) = applied();
    let copied = marker(&server, "VPN");
    let copy =
        json!({"type": "radius", "name": "VPN of the branch", "user_access": "ALL_USERS", "notes": copied});
    let copy = server.account().create_application(object(copy)).unwrap_or_else(|_| panic!("refused"));
    let copy = copy["integration_key"].as_str().unwrap().to_owned();
    server.edit("Wiki", json!({"name": "Wiki 2"}));
    let before = server.named("VPN");
    let outcome = plan(&folder, &server, 1);
    outcome
        .warns(&format!("error[forged-marker]: applications.vpn: {copy} carries its marker"))
        .warns(before[0]["integration_key"].as_str().unwrap())
        .warns("remove `[duoctl")
        .says("\"Wiki 2\" -> \"Wiki\"");
    folder
        .duoctl(["apply", "--auto-approve", "--prune=now", "--allow", "destroys"])
        .at(&server)
        .run()
        .exits(4);
    assert_eq!((server.named("VPN"), server.named("Wiki").len()), (before, 1));
    // Not even after the address has left the YAML: one of them belongs to someone else.
    folder
        .declare(&format!("applications:\n{}", VPN.split_once('\n').unwrap().1.split_once('\n').unwrap().1));
    folder.duoctl(["apply", "--auto-approve", "--prune=now", "--allow", "destroys"]).at(&server).run();
    assert_eq!((server.named("VPN").len(), server.named("VPN of the branch").len()), (1, 1));
    let imported = folder.duoctl(["import", ".", "--only", "VPN*"]).at(&server).run().exits(0);
    imported.says("several applications have the marker of `applications.vpn`");
    // Removed from the copy, as it says, everything goes on.
    server.edit("VPN of the branch", json!({"notes": ""}));
    folder.declare(VPN);
    settles(&folder, &server, "VPN");
}

#[test]
fn an_application_of_another_workspace_is_left_to_it() {
    let (folder, server) = applied();
    let other = Folder::empty();
    let head = crate::support::HEAD.replace("workspace: acme", "workspace: other");
    other.write("duo.yaml", &format!("{head}{VPN}"));
    let writes = server.writes();
    let outcome = plan(&other, &server, 1);
    outcome
        .warns("belongs to acme/applications.vpn")
        .warns("release it in `acme` first")
        .warns("`duoctl adopt --formerly acme`")
        .says("0 to add");
    other.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(1);
    assert_eq!(server.writes(), writes);
    other.write("duo.yaml", &head);
    let imported =
        other.duoctl(["import", ".", "--type", "radius", "--type", "websdk"]).at(&server).run().exits(0);
    imported.says("2 owned by another workspace");
    other.duoctl(["plan"]).at(&server).run().exits(0).says("0 to add, 0 to change, 2 to adopt");
    // A pin does not take it away either.
    let pinned = format!("applications:\n  mine: {{integration_key: {}}}\n", server.ikey("VPN"));
    other.write("duo.yaml", &format!("{head}{pinned}"));
    plan(&other, &server, 1).warns("belongs to acme/applications.vpn");
    settles(&folder, &server, "VPN");
}

#[test]
fn a_pin_is_taken_at_its_word_and_no_further() {
    let (folder, server) = applied();
    let (vpn, wiki) = (server.ikey("VPN"), server.ikey("Wiki"));
    let pinned = |ikey: &str| VPN.replace("name: VPN,", &format!("name: VPN, integration_key: {ikey},"));
    folder.declare(&pinned(&vpn));
    plan(&folder, &server, 0).says("No changes.");
    for (ikey, says) in [
        ("DI000000000000000000", "the account has no application DI000000000000000000"),
        (wiki.as_str(), "already carries the marker of applications.vpn"),
    ] {
        folder.declare(&pinned(ikey));
        plan(&folder, &server, 1).warns(says).says("0 to add, 0 to change, 0 to adopt, 0 to delete");
    }
    let other = format!(
        "applications:\n  other: {{type: radius, name: Other, user_access: no_users, integration_key: {}}}\n",
        server.ikey("Intranet")
    );
    folder.declare(&other);
    plan(&folder, &server, 1)
        .warns("has the type `websdk`")
        .warns("a type cannot change")
        .says("0 to add, 0 to change");
}

#[test]
fn an_address_that_was_renamed_says_how_its_application_follows() {
    let (folder, server) = applied();
    let ikey = server.ikey("VPN");
    folder.declare(&VPN.replace("  vpn:", "  remote-access:"));
    let command = format!("duoctl adopt applications.remote-access {ikey}");
    plan(&folder, &server, 1).warns("belongs to acme/applications.vpn").warns(&command);
    let outcome =
        folder.duoctl(["apply", "--auto-approve", "--prune=now", "--allow", "destroys"]).at(&server).run();
    assert_ne!(outcome.code, Some(0));
    assert_eq!(server.ikey("VPN"), ikey, "neither removed nor made anew");
    folder.duoctl(["adopt", "applications.remote-access", &ikey]).run().exits(0);
    settles(&folder, &server, "VPN");
    assert!(marker(&server, "VPN").starts_with("[duoctl acme/applications.remote-access "));
}

/// Renamed in Duo and without its marker: nothing is left to match it by.
#[test]
fn an_application_without_name_and_marker_is_not_made_again_unseen() {
    let yaml = "applications:
  vpn: {type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [VPN Users], policy: Contractors}
  wiki:
    type: sso-generic
    name: Wiki
    user_access: no_users
    sso:
      saml_config:
        entity_id: \"https://wiki.example.com/meta\"
        acs_urls: [{url: \"https://wiki.example.com/acs\"}]
        nameid_format: \"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\"
        nameid_attribute: mail
        sign_assertion: true
        sign_response: true
        signing_algorithm: \"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"
";
    let (folder, server) = (Folder::with(yaml), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let (vpn, wiki) = (server.ikey("VPN"), server.ikey("Wiki"));
    server.edit("VPN", json!({"name": "Remote access", "notes": ""}));
    server.edit("Wiki", json!({"name": "Handbook", "notes": ""}));
    // What a service provider knows by the same name is almost certain: it is not created again.
    let outcome = plan(&folder, &server, 1);
    outcome
        .warns("error[possible-duplicate]: applications.wiki: it would be created, but an unmanaged application has the entity id")
        .warns(&format!("{wiki} `Handbook`; perhaps it is the same, renamed in Duo"))
        .warns(&format!("if so, run `duoctl adopt applications.wiki {wiki}`"))
        // The other one is only likely.
        .warns(&format!("warning[possible-duplicate]: applications.vpn: it would be created, but an unmanaged application has all settings of this entry: {vpn}"))
        .warns(&format!("if so, run `duoctl adopt applications.vpn {vpn}`"))
        .says("1 to add, 0 to change, 0 to adopt, 0 to delete");
    folder.duoctl(["apply", "--auto-approve", "--only", "applications.wiki"]).at(&server).run().exits(1);
    // An import does not give it an entry either: the address would then be another application.
    let import = folder.duoctl(["import", ".", "--only", "Handbook"]).at(&server).run().exits(0);
    import.says(&format!(
        "`applications.wiki` looks like it and would be created; if it is the same, run `duoctl adopt applications.wiki {wiki}`"
    ));
    assert_eq!(server.named("Wiki").len(), 0);
    for (address, ikey) in [("applications.vpn", &vpn), ("applications.wiki", &wiki)] {
        folder.duoctl(["adopt", address, ikey]).run().exits(0);
    }
    plan(&folder, &server, 0).says("0 to add, 2 to change, 2 to adopt");
    settles(&folder, &server, "VPN");
    settles(&folder, &server, "Wiki");
    assert_eq!((server.ikey("VPN"), server.ikey("Wiki")), (vpn, wiki));
}

#[test]
fn keys_that_a_store_holds_name_their_application() {
    let yaml = "applications:
  vpn: {type: radius, name: VPN, user_access: no_users, secret: {store: local, path: vpn.json}}
secret_stores: {local: {type: file, path: keys}}
";
    let (folder, server) = (Folder::with(yaml), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let ikey = server.ikey("VPN");
    server.edit("VPN", json!({"name": "Remote access", "notes": "", "greeting": "Hello"}));
    let kept = folder.read("keys/vpn.json");
    let outcome = plan(&folder, &server, 1);
    outcome.warns(&format!("its secret store holds the keys of {ikey} `Remote access`, which is unmanaged"));
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(1);
    assert_eq!((server.named("VPN").len(), folder.read("keys/vpn.json")), (0, kept));
    folder.duoctl(["adopt", "applications.vpn", &ikey]).run().exits(0);
    settles(&folder, &server, "VPN");
}

/// A misspelt address adds an entry, which is said.
#[test]
fn a_new_entry_is_named_with_what_may_have_been_meant() {
    let folder = Folder::with(VPN);
    let adopt = |address: &str, key: &str| folder.duoctl(["adopt", address, key]).run();
    let known = adopt("vpn", "DIXXXXXXXXXXXXXXXXXX").exits(0);
    let new = adopt("vpm", "DIYYYYYYYYYYYYYYYYYY");
    new.warns("`applications.vpm` is a new entry; did you mean `applications.vpn`?");
    assert!(!known.stderr.contains("new entry"), "{}", known.stderr);
}
