//! Genuine markers that someone restored: the seal is valid, and the address is an earlier one of the application.

use serde_json::json;

use crate::support::seals::sealed;
use crate::support::{Folder, Server};

const STORES: &str = "secret_stores: {ci: {type: exec, write: [/bin/sh, -c, \"cat > /dev/null\"]}}\n";

fn yaml(key: &str, more: &str) -> String {
    format!(
        "applications:\n  {key}: {{type: radius, name: VPN, user_access: no_users{more}, secret: {{store: ci, path: vpn}}}}\n\
         {STORES}"
    )
}

const APPLY: [&str; 3] = ["apply", "--auto-approve", "--no-verify"];

fn notes(server: &Server) -> String {
    server
        .account()
        .applications()
        .into_iter()
        .find(|live| live["type"] == "radius" && live["notes"] != "")
        .unwrap()["notes"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// An application whose address was renamed, and its earlier marker.
fn renamed() -> (Folder, Server, String) {
    let (folder, server) = (Folder::with(&yaml("old", "")), Server::start());
    folder.duoctl(APPLY).at(&server).run().exits(0);
    let old = notes(&server);
    let pin = format!(", integration_key: {}", server.ikey("VPN"));
    folder.declare(&yaml("vpn", &pin));
    folder.duoctl(APPLY).at(&server).run().exits(0);
    folder.declare(&yaml("vpn", ""));
    folder.duoctl(["plan", "--detailed-exitcode"]).at(&server).run().exits(0);
    (folder, server, old)
}

#[test]
fn the_marker_of_a_former_address_shuts_nothing_without_consent() {
    let (folder, server, old) = renamed();
    let ikey = server.ikey("VPN");
    server.edit("VPN", json!({"notes": old, "name": "Gone"}));
    let shown = folder.duoctl(["plan", "--prune"]).at(&server).run().exits(0);
    shown.says("~ quarantine applications.old").says(&format!("? not verified: the marker of {ikey}"));
    for prune in [&["--prune"][..], &["--prune=now", "--allow=destroys", "--max-deletes=9"]] {
        let before = server.account().application(&ikey).unwrap();
        let held = folder.duoctl(APPLY).args(prune).at(&server).run();
        held.warns(&format!("--allow unverified_state:{ikey}"))
            .warns("error[unverified-state]: applications.old");
        assert_eq!(server.account().application(&ikey).unwrap(), before, "{prune:?}");
    }
    let consent = format!("--allow=unverified_state:{ikey}");
    folder
        .duoctl(APPLY)
        .args(["--prune", &consent])
        .at(&server)
        .run()
        .exits(0)
        .says("quarantined applications.old");
}

#[test]
fn what_only_duoctl_changed_is_removed_as_before_and_where_the_log_is_silent_a_person_says_so() {
    let (folder, server, _) = renamed();
    let ikey = server.ikey("VPN");
    folder.declare(STORES);
    let own = server.key("operator").integration_key;
    let log = |on: &str| {
        let body = json!({"adminapi_read_log": on});
        server.account().modify_application(&own, body.as_object().unwrap().clone()).unwrap();
    };
    let prune = ["--prune", "--allow=empty"];
    log("0");
    let held = folder.duoctl(APPLY).args(prune).at(&server).run().exits(1);
    held.warns("error[unverified-state]: applications.vpn").warns("permission read_log");
    log("1");
    folder.duoctl(APPLY).args(prune).at(&server).run().exits(0).says("quarantined applications.vpn");
    // A genuine old quarantine marker in place of a later one.
    let marker = "[duoctl acme/applications.vpn - quarantined:2026-01-01T00:00:00Z had:all_users]";
    let notes = sealed(server.key("operator").secret_key.expose(), Some(&ikey), marker);
    server.edit("VPN", json!({"notes": notes}));
    let before = server.account().application(&ikey).unwrap();
    folder.duoctl(APPLY).args(prune).at(&server).run().exits(0);
    assert_eq!(server.account().application(&ikey).unwrap(), before, "its quarantine counts from the edit");
    log("0");
    folder.duoctl(APPLY).args(prune).at(&server).run().exits(1).warns("is not deleted");
}

/// Waits of several days use Duo's clock: a marker has Duo's time, and a machine may be ahead.
#[test]
fn a_quarantine_waits_by_duos_clock() {
    for (days, deleted) in [(3, false), (1, true)] {
        let wiki = "applications: {wiki: {type: unix, name: Wiki, user_access: no_users}}\n";
        let (folder, server) = (Folder::with(wiki), Server::start());
        folder.duoctl(APPLY).at(&server).run().exits(0);
        folder.declare(&format!("guards: {{quarantine_days: {days}}}\n"));
        let prune = || folder.duoctl(APPLY).args(["--prune", "--allow=empty"]).at(&server).run().exits(0);
        prune().says("quarantined applications.wiki");
        prune();
        assert_eq!(server.named("Wiki").len(), 1);
        server.disturb("skew=172800");
        prune();
        assert_eq!(server.named("Wiki").is_empty(), deleted, "{days} days");
    }
}

#[test]
fn an_old_value_that_is_put_back_with_the_marker_of_its_time_is_drift() {
    let (folder, server) = (Folder::with(&yaml("vpn", ", greeting: Hello")), Server::start());
    folder.duoctl(APPLY).at(&server).run().exits(0);
    let old = notes(&server);
    folder.declare(&yaml("vpn", ", greeting: Welcome"));
    // A pending edit is not drift.
    folder.duoctl(["drift"]).at(&server).run().exits(0).says("0 changed in Duo, 1 pending");
    folder.duoctl(APPLY).at(&server).run().exits(0);
    server.edit("VPN", json!({"greeting": "Hello", "notes": old}));
    folder.duoctl(["drift"]).at(&server).run().exits(2).says("1 changed in Duo, 0 pending");
    folder.duoctl(APPLY).at(&server).run().exits(0).says("updated applications.vpn");
    folder.duoctl(["drift"]).at(&server).run().exits(0);
}
