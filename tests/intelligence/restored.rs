//! An entry that comes back must be entered in the console again: an attestation from before its removal no longer counts.

use crate::support::{Folder, HEAD, Server};

const ENTRY: &str = "identity_intelligence:
  emea:
    display_name: Duo EMEA
    access: read_only
    push_verification: {application_name: Acme IT}
";
const OTHER: &str = "applications: {vpn: {type: radius, name: VPN, user_access: no_users}}\n";

/// Applied, and attested at a time long ago.
fn attested() -> (Folder, Server, String) {
    let (folder, server) = (Folder::with(&format!("{ENTRY}{OTHER}")), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.duoctl(["attest", "emea", "--by", "alice"]).at(&server).run().exits(0);
    let text = folder.read("duo.yaml");
    let line = text.lines().find(|line| line.contains("attested:")).unwrap().to_owned();
    let time = line.split(' ').find(|word| word.ends_with('Z')).unwrap();
    let text = text.replace(time, "2026-01-02T03:04:05Z");
    folder.write("duo.yaml", &text);
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
    (folder, server, text)
}

fn is_to_be_entered(folder: &Folder, server: &Server, because: &str) {
    let plan = folder.duoctl(["plan"]).at(server).run().exits(0);
    let plan = plan
        .warns("the attestation of 2026-01-02T03:04:05Z no longer counts")
        .warns(because)
        .says("1 handoff");
    let fields =
        plan.stdout.lines().filter(|line| line.contains("API hostname") || line.contains("Display name"));
    assert_eq!(fields.count(), 2, "everything is to be entered again:\n{}", plan.stdout);
    let verified = folder.duoctl(["verify", "-v"]).at(server).run();
    let form = verified.stdout.lines().find(|line| line.contains("console form")).unwrap().to_owned();
    assert!(form.contains("pending") && form.contains("no longer counts"), "{form}");
    let sheet = folder.duoctl(["handoff", "emea"]).at(server).run().exits(0);
    sheet.says("no longer counts").says(because);
}

fn is_settled(folder: &Folder, server: &Server) {
    folder.duoctl(["attest", "emea", "--by", "bob"]).at(server).run().exits(0).warns("entered: Display name");
    let plan = folder.duoctl(["plan"]).at(server).run().exits(0).says("No changes.");
    assert!(!plan.stderr.contains("no longer counts"), "{}", plan.stderr);
    folder.duoctl(["handoff", "emea"]).at(server).run().exits(0).says("by bob");
}

#[test]
fn a_quarantine_ends_an_attestation_also_once_everything_was_given_back() {
    let (folder, server, text) = attested();
    folder.declare(OTHER);
    let consent = "breaks_handoff:identity_intelligence.emea";
    folder.duoctl(["apply", "--auto-approve", "--prune", "--allow", consent]).at(&server).run().exits(0);
    for name in ["Identity Intelligence: Duo EMEA", "Acme IT"] {
        // As if it had been yesterday: attestations are exact to the second.
        let notes = server.named(name)[0]["notes"].as_str().unwrap().to_owned();
        let shut = notes.split("quarantined:").nth(1).unwrap_or_else(|| panic!("{notes}"));
        let notes = notes.replace(shut.split(' ').next().unwrap(), "2026-11-01T12:00:00Z");
        let (notes, _) = notes.split_once(" ~").unwrap();
        server.edit(name, serde_json::json!({"notes": format!("{notes}]")}));
        server.seal();
    }
    folder.write("duo.yaml", &text);
    // Before it is given back,
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
    plan.warns("its key was disabled on 2026-11-01T").says("1 handoff");
    let allow = ["apply", "--auto-approve", "--allow", "escalates_privilege", "--allow", "widens_access"];
    folder.duoctl(allow).at(&server).run().exits(0);
    // and afterwards, whatever else is applied,
    is_to_be_entered(&folder, &server, "its key was disabled on 2026-11-01T");
    folder.write("duo.yaml", &text.replace("access: read_only", "access: read_write"));
    folder.duoctl(allow).at(&server).run().exits(0);
    is_to_be_entered(&folder, &server, "its key was disabled on 2026-11-01T");
    // until it is attested again.
    is_settled(&folder, &server);
}

#[test]
fn an_entry_that_is_back_although_its_removal_was_attested_has_to_be_entered_again() {
    let (folder, server, text) = attested();
    folder.declare(OTHER);
    folder
        .duoctl(["attest", "emea", "--by", "carol"])
        .at(&server)
        .run()
        .exits(0)
        .says("identity_intelligence.emea removed");
    let removed = folder.read("duo.yaml").strip_prefix(&format!("{HEAD}{OTHER}")).unwrap().to_owned();
    assert!(removed.starts_with("removed:"), "{removed}");
    let line = removed.split(' ').find(|word| word.ends_with('Z')).unwrap();
    let removed = removed.replace(line, "2026-02-03T04:05:06Z");
    folder.write("duo.yaml", &format!("{text}{removed}"));
    folder.duoctl(["validate", "."]).run().exits(0);
    is_to_be_entered(&folder, &server, "it was attested as removed from the console on 2026-02-03T04:05:06Z");
    is_settled(&folder, &server);
    // The line is no longer needed.
    folder.duoctl(["plan"]).at(&server).run().exits(0).warns("it is back in the YAML, and attested again");
    let text = folder.read("duo.yaml");
    let text = text.split("removed:").next().unwrap();
    folder.write("duo.yaml", text);
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
    // Without a date nothing could be newer.
    folder.write(
        "duo.yaml",
        &format!("{text}removed: {{identity_intelligence.emea: {{attested: 7f3a9c21}}}}\n"),
    );
    folder.duoctl(["validate", "."]).run().exits(1).warns("has no date");
}
