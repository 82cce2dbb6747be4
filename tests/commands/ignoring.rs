//! `ignore`: one difference is ignored, with a reason in the YAML; the rest of the YAML does not change.

use serde_json::json;

use crate::support::{Folder, HEAD, Server};

const VPN: &str = "applications:
  vpn: # do not rename
    type: radius
    name: VPN # as on the sheet
    user_access: no_users
    greeting: Hello # read out
  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info]} # in one line
";

fn ignore(folder: &Folder, address: &str, field: &str, reason: &str, code: i32) -> crate::support::Outcome {
    folder.duoctl(["ignore", address, field, &format!("--reason={reason}")]).run().exits(code)
}

#[test]
fn the_item_is_added_and_every_comment_stays() {
    let folder = Folder::with(VPN);
    ignore(&folder, "applications.vpn", "greeting", "help desk edits it", 0)
        .says("+ applications.vpn ignore")
        .says("Wrote 1 value to duo.yaml.");
    ignore(&folder, "siem", "permissions", "trial until 2027-03", 0).says("applications.siem");
    insta::assert_snapshot!(folder.read("duo.yaml").strip_prefix(HEAD).unwrap(), @r#"
    applications:
      vpn: # do not rename
        type: radius
        name: VPN # as on the sheet
        user_access: no_users
        greeting: Hello # read out
        ignore:
          - field: greeting
            reason: help desk edits it
      siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info], ignore: [{field: permissions, reason: trial until 2027-03}]} # in one line
    "#);
    folder.duoctl(["validate", "."]).run().exits(0);
    // A second field is added to the first; the same field again only changes its reason.
    ignore(&folder, "vpn", "name", "renamed every month", 0);
    ignore(&folder, "vpn", "greeting", "help desk: still", 0);
    let text = folder.read("duo.yaml");
    assert_eq!(
        (text.matches("field: greeting").count(), text.matches("field: name").count()),
        (1, 1),
        "{text}"
    );
    for kept in ["# do not rename", "# as on the sheet", "# read out", "# in one line", "help desk: still"] {
        assert!(text.contains(kept), "no `{kept}` in\n{text}");
    }
    folder.duoctl(["validate", "."]).run().exits(0);
    // Repeating it changes nothing.
    ignore(&folder, "vpn", "greeting", "help desk: still", 0);
    assert_eq!(folder.read("duo.yaml"), text);
}

#[test]
fn what_is_not_there_or_cannot_be_ignored_is_refused_and_nothing_is_written() {
    let folder = Folder::with(VPN);
    let before = folder.read("duo.yaml");
    for (address, field, code, says) in [
        ("applications.vpm", "greeting", 64, "the YAML has no `applications.vpm`"),
        (
            "identity_intelligence.emea.admin_api",
            "greeting",
            64,
            "the YAML has no `identity_intelligence.emea.admin_api`",
        ),
        ("vpn", "greting", 1, "greeting"),
        ("vpn", "type", 1, "type"),
        ("vpn", "", 1, "field"),
        ("vpn", "permissions", 64, "an application of type `radius` has no `permissions`"),
        ("siem", "greeting", 64, "an application of type `adminapi` has no `greeting`"),
        ("vpn", "integration_key", 1, "integration_key"),
    ] {
        ignore(&folder, address, field, "because", code).warns(says);
        assert_eq!(folder.read("duo.yaml"), before, "{address} {field}");
    }
    folder.duoctl(["ignore", "vpn", "greeting"]).run().exits(64).warns("--reason");
    folder.duoctl(["ignore", "vpn", "greeting", "--reason", ""]).run().exits(1).warns("reason");
    folder.duoctl(["ignore", "vpn", "greeting", "--reason", "  "]).run().exits(1).warns("reason");
    assert_eq!(folder.read("duo.yaml"), before);
    // A workspace with errors must be fixed first.
    folder.declare(&VPN.replace("no_users\n", "nobody\n"));
    let wrong = folder.read("duo.yaml");
    ignore(&folder, "vpn", "greeting", "because", 1).warns("error[invalid-value]");
    assert_eq!(folder.read("duo.yaml"), wrong);
}

#[test]
fn a_field_that_is_not_written_is_warned_about() {
    let folder = Folder::with(VPN);
    ignore(&folder, "vpn", "policy", "set by hand", 0)
        .warns("`policy` is not managed here, so it cannot differ");
}

#[test]
fn a_reason_is_text_whatever_it_looks_like() {
    for reason in [
        "two\nlines",
        "ends: [in, brackets]",
        "# no comment",
        "'quoted' \"twice\"",
        "*alias",
        "{a: 1}",
        "null",
        "- item",
        "a: b\nfield: type",
        "🔥 \u{202e}drowssap",
        "bell\u{7}",
    ] {
        let folder = Folder::with(VPN);
        let outcome = folder.duoctl(["ignore", "vpn", "greeting", &format!("--reason={reason}")]).run();
        let text = folder.read("duo.yaml");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{7}'), "{text:?}");
        if outcome.code == Some(0) {
            assert!(
                text.starts_with(&format!("{HEAD}{}", &VPN[..VPN.find("    greeting").unwrap()])),
                "{text}"
            );
            let documents = folder.duoctl(["validate", ".", "--format", "json"]).run().exits(0).json();
            assert_eq!(documents["valid"], json!(true), "{reason:?}\n{text}");
            // The reason reads back the same: ignoring again with that reason changes nothing.
            ignore(&folder, "vpn", "greeting", reason, 0);
            assert_eq!(folder.read("duo.yaml"), text);
        } else {
            assert_eq!(text, format!("{HEAD}{VPN}"), "{reason:?}");
            outcome.exits(1).warns("reason");
        }
    }
}

#[test]
fn an_entry_in_one_line_and_one_from_an_anchor_keep_what_they_share() {
    let merged = "applications:
  base: &base
    type: radius
    name: Base
    user_access: no_users
    greeting: Hello
  vpn:
    <<: *base
    name: VPN
";
    let aliased = "applications:
  vpn: &vpn {type: radius, user_access: no_users, greeting: Hello, integration_key: DI3F0GQ7TESTAPP0WEB1}
";
    // The shared entry's ignores apply to the other one, too.
    let folder = Folder::with(merged);
    let shared = "shared by an anchor or a merge key; edit it by hand";
    ignore(&folder, "base", "greeting", "help desk", 1).warns(shared);
    assert_eq!(folder.read("duo.yaml"), format!("{HEAD}{merged}"));
    ignore(&folder, "vpn", "greeting", "help desk", 0);
    let text = folder.read("duo.yaml");
    assert!(text.starts_with(&format!("{HEAD}{}", merged.trim_end())), "what is shared stays: {text}");
    assert_eq!(text.matches("ignore").count(), 1, "{text}");
    // That entry has its own list now, so nothing is shared any longer.
    ignore(&folder, "base", "greeting", "phones", 0);
    let text = folder.read("duo.yaml");
    assert_eq!((text.matches("help desk").count(), text.matches("phones").count()), (1, 1), "{text}");
    let folder = Folder::with(aliased);
    ignore(&folder, "vpn", "greeting", "help desk", 0);
    let text = folder.read("duo.yaml");
    assert!(
        text.contains("vpn: &vpn {type: radius, ") && text.contains("ignore: [{field: greeting"),
        "{text}"
    );
    folder.duoctl(["validate", "."]).run().exits(0);
}

#[test]
fn ignored_drift_is_left_alone_until_there_is_none() {
    let (folder, server) = (Folder::with(VPN), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--allow", "escalates_privilege"]).at(&server).run().exits(0);
    server.edit("VPN", json!({"greeting": "Bye", "notes": "by hand [duoctl"}));
    folder.duoctl(["drift", "--only", "applications.vpn"]).at(&server).run().exits(2);
    // Any field may be ignored, even without a current difference. An ignore without effect is reported.
    ignore(&folder, "vpn", "greeting", "help desk", 0);
    ignore(&folder, "vpn", "user_access", "help desk", 0);
    let drift = folder.duoctl(["drift"]).at(&server).run();
    let idle = "`user_access` matches the YAML, so there is nothing to ignore";
    assert!(drift.stderr.contains(idle) && !drift.stderr.contains("`greeting` is as"), "{drift:?}");
    let document = folder.duoctl(["drift", "--format", "json"]).at(&server).run().json();
    let findings = document["diagnostics"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["code"] != "unused-ignore") || !findings.is_empty());
    let changes =
        document["steps"].as_array().unwrap().iter().flat_map(|step| step["changes"].as_array().unwrap());
    assert_eq!(changes.filter(|change| change["field"] == "greeting").count(), 0, "{document:#}");
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    assert_eq!(server.named("VPN")[0]["greeting"], "Bye", "an apply leaves it alone");
    server.edit("VPN", json!({"greeting": "Hello"}));
    let drift = folder.duoctl(["drift"]).at(&server).run().exits(0);
    drift.warns("`greeting` matches the YAML").warns("warning[unused-ignore]");
}
