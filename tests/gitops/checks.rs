//! Required checks, the merge queue, several workspaces, and what later steps can branch on.

use serde_json::{Value, json};

use super::story::{Story, git, merge_group, pull_request};
use crate::support::{HEAD, THREE};

/// The outputs of the step `plan`, as in its last run.
fn outputs(job: &super::workflow::Job, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| job.steps.get(&format!("plan.{name}")).cloned().unwrap_or_default()).collect()
}

#[test]
fn the_check_always_reports_and_a_merge_queue_only_checks() {
    let story = Story::begin();
    let base = story.pushed("main");
    // Nothing of the workspace changed: it passes without a key, a plan or a comment.
    let work = story.work();
    git(&work, &["checkout", "-q", "-B", "other"]);
    std::fs::write(work.join("README.md"), "Duo").unwrap();
    git(&work, &["add", "."]);
    git(&work, &["commit", "-q", "-m", "Describe"]);
    let head = git(&work, &["rev-parse", "HEAD"]);
    git(&work, &["checkout", "-q", "--detach", "main"]);
    git(&work, &["merge", "-q", "--no-ff", "--no-edit", &head]);
    git(&work, &["push", "-q", "origin", "HEAD:refs/heads/pull-8-merge"]);
    let merged = git(&work, &["rev-parse", "HEAD"]);
    git(&work, &["checkout", "-q", "main"]);
    let planned = story.plan(&head, &merged, "acme/duo");
    assert_eq!(planned.passed, Some(true), "{}", planned.log);
    assert!(planned.log.contains("Nothing below duo changed."), "{}", planned.log);
    assert!(!planned.steps.contains_key("plan.exit_code"));
    assert_eq!(story.stage.calls(), "");

    // The queue plans everything since its base, also if the last commit is not about the workspace.
    story.propose("Owned by the network team", "Owned by the VPN team");
    std::fs::write(work.join("README.md"), "Duo").unwrap();
    git(&work, &["add", "."]);
    git(&work, &["commit", "-q", "-m", "Describe"]);
    git(&work, &["push", "-q", "--force", "origin", "HEAD:refs/heads/queue"]);
    let queued = git(&work, &["rev-parse", "HEAD"]);
    let planned = story.job("plan.yml", "plan", &queued, false, &merge_group(&base));
    assert_eq!(planned.passed, Some(true), "{}", planned.log);
    assert_eq!(outputs(&planned, &["outcome", "change"]), ["changes", "1"]);
    assert!(story.comments().is_empty() && story.stage.held("artifacts").is_empty());
    assert_eq!(story.job("validate-forks.yml", "validate", &queued, false, &merge_group(&base)).passed, None);

    // A plan that cannot be made stops the queue.
    let (_, merged) = story.propose("groups_allowed: [VPN Users, Contractors]", "groups_allowed: [Missing]");
    let planned = story.job("plan.yml", "plan", &merged, false, &merge_group(&base));
    assert_eq!(planned.passed, Some(false), "{}", planned.log);
}

#[test]
fn a_plan_has_outputs_and_its_label_follows() {
    let story = Story::begin();
    let names = ["exit_code", "outcome", "changes", "add", "change", "adopt", "delete", "risks"];
    let plan = |from: &str, to: &str| {
        let (head, merged) = story.propose(from, to);
        let job = story.plan(&head, &merged, "acme/duo");
        let held = [!story.stage.held("artifacts").is_empty(), job.passed == Some(true)];
        story.stage.hold("artifacts", &json!([]));
        (outputs(&job, &names), story.stage.held("labels"), held, job.log)
    };
    let text = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<String>>();
    story.stage.hold("labels", &json!(["bug", "duoctl-unrelated"]));
    for (from, to, expected, label) in [
        (
            "workspace: acme\n",
            "workspace: acme\n# a remark\n",
            ["0", "no-changes", "false", "0", "0", "0", "0", ""],
            "duoctl-no-changes",
        ),
        (
            "Owned by the network team",
            "Owned by the VPN team",
            ["0", "changes", "true", "0", "1", "0", "0", ""],
            "duoctl-changes",
        ),
        (
            "groups_allowed: [VPN Users, Contractors]",
            "groups_allowed: [VPN Users, Contractors, Employees]",
            ["0", "refused", "true", "0", "1", "0", "0", "widens_access"],
            "duoctl-refused",
        ),
        (
            "groups_allowed: [VPN Users, Contractors, Employees]",
            "groups_allowed: [Missing]",
            ["1", "failed", "", "", "", "", "", ""],
            "duoctl-failed",
        ),
    ] {
        let (found, labels, [kept, passed], log) = plan(from, to);
        let fails = label.ends_with("failed");
        assert_eq!(found[..2], text(&expected)[..2], "{log}");
        assert!(fails || found == text(&expected), "{found:?}, not {expected:?}: {log}");
        assert_eq!(labels, ["bug", label, "duoctl-unrelated"].map(Value::from), "one label of its own");
        assert_eq!([kept, passed], [!fails; 2], "{log}");
    }
}

#[test]
fn each_changed_workspace_has_its_own_job_and_one_check_looks_at_all() {
    let of = |workspace: &str, application: &str| {
        let head = HEAD.replace("workspace: acme", &format!("workspace: {workspace}"));
        let text = format!("{head}{THREE}");
        ["Help desk", "SIEM export", "name: VPN"]
            .iter()
            .fold(text, |text, name| text.replace(name, &format!("{name} {application}")))
    };
    let story = Story::begin_with(&[
        ("duo/prod/duo.yaml", of("prod", "of production")),
        ("duo/test/duo.yaml", of("test", "of the test")),
    ]);
    let (head, merged) =
        story.propose_in("duo/test/duo.yaml", "Owned by the network team", "Owned by the VPN team");
    let event = pull_request(&head, "acme/duo");
    let changed = story.job("workspaces.yml", "changed", &merged, false, &event);
    assert_eq!(changed.passed, Some(true), "{}", changed.log);
    let workspaces: Value = serde_json::from_str(&changed.outputs["workspaces"]).unwrap();
    assert_eq!(workspaces, json!([{"name": "test", "path": "duo/test"}]));

    let leg = [
        ("matrix.workspace.name", "test"),
        ("matrix.workspace.path", "duo/test"),
        ("needs.changed.outputs.workspaces", &changed.outputs["workspaces"]),
    ];
    let context = [&event[..], &leg[..]].concat();
    let planned = story.job("workspaces.yml", "plan", &merged, false, &context);
    assert_eq!(planned.passed, Some(true), "{}", planned.log);
    let comments = story.comments();
    assert!(comments.len() == 1 && comments[0].starts_with("<!-- duoctl:plan test -->\n"), "{comments:?}");
    assert_eq!(story.stage.held("labels"), ["duoctl-test-changes"]);
    assert_eq!(story.stage.held("artifacts")[0]["name"], format!("duoctl-plan-test-{head}"));

    let context = [&event[..], &[("needs.changed.outputs.workspaces", "[]")]].concat();
    assert_eq!(story.job("workspaces.yml", "plan", &merged, false, &context).passed, None);
    for (changed, planned, passes) in [
        ("success", "success", true),
        ("success", "skipped", true),
        ("skipped", "skipped", true),
        ("success", "failure", false),
        ("failure", "skipped", false),
        ("success", "cancelled", false),
    ] {
        let results = [("needs.changed.result", changed), ("needs.plan.result", planned)];
        let context = [&event[..], &results[..]].concat();
        let looked = story.job("workspaces.yml", "workspaces", &merged, false, &context);
        assert_eq!(looked.passed, Some(passes), "{changed}, {planned}");
    }
    apply_of_one_workspace(&story, &head);
}

/// apply.yml, with its marked lines changed, takes the plan of its workspace.
fn apply_of_one_workspace(story: &Story, head: &str) {
    let work = story.work();
    let text = std::fs::read_to_string(work.join(".github/workflows/apply.yml")).unwrap();
    assert_eq!(text.matches("# workspace: ").count(), 6);
    let text = text
        .replace("DUO_CONFIG: duo ", "DUO_CONFIG: duo/test ")
        .replace("PLAN: duoctl-plan ", "PLAN: duoctl-plan-test ");
    git(&work, &["checkout", "-q", "main"]);
    std::fs::write(work.join(".github/workflows/apply-test.yml"), text).unwrap();
    git(&work, &["add", "."]);
    git(&work, &["commit", "-q", "-m", "Apply the test"]);
    let commit = story.merge(head);
    let applied = story.job("apply-test.yml", "apply", &commit, true, &[]);
    assert_eq!(applied.passed, Some(true), "{}", applied.log);
    assert_eq!(applied.outputs["stale"], "", "{}", applied.log);
    let notes = story.server.named("VPN of the test")[0]["notes"].as_str().unwrap().to_owned();
    assert!(notes.starts_with("Owned by the VPN team"), "{notes}");
}
