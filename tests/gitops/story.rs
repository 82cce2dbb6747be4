//! The full story with GitHub's recipes: branch, plan, comment, an edit in Duo, merge, the stale plan is refused, the new one
//! applied, drift.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use duoctl::sandbox::call::Reply;
use serde_json::{Map, json};
use tempfile::TempDir;

use super::stage::{Stage, install, yaml};
use super::workflow::{Job, Runner};
use crate::support::{Call, HEAD, Server, THREE, object};

/// A repository at a git server, an account, and GitHub.
pub struct Story {
    pub server: Server,
    pub stage: Stage,
    repository: TempDir,
    /// The keys in the secrets: those of a read-only operator, or of the one that may write.
    keys: [(String, String); 2],
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"])
        .args(["-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        .current_dir(folder)
        .env_remove("GIT_DIR")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The key of a new Admin API application with these permissions.
pub fn operator(server: &Server, flags: &[&str]) -> (String, String) {
    let mut body = json!({"name": format!("operator with {}", flags.join(" ")), "type": "adminapi", "user_access": "NO_USERS"});
    for flag in flags {
        body[format!("adminapi_{flag}")] = json!("1");
    }
    let mut account = server.account();
    let app = account.create_application(object(body)).unwrap_or_else(|_| panic!("refused"));
    let ikey = app["integration_key"].as_str().unwrap().to_owned();
    let path = format!("/admin/v1/integrations/{ikey}/skey");
    let Reply::Ok(secret) = account.as_administrator("GET", &path, Map::new()) else { panic!("refused") };
    (ikey, secret["secret_key"].as_str().unwrap().to_owned())
}

impl Story {
    /// With one workspace in the folder `duo`.
    pub fn begin() -> Self {
        Self::begin_with(&[("duo/duo.yaml", format!("{HEAD}{THREE}"))])
    }

    pub fn begin_with(files: &[(&str, String)]) -> Self {
        let server = Server::start();
        let reader = operator(&server, &["read_resource", "read_log"]);
        let writer = server.key("operator");
        let writer = (writer.integration_key.clone(), writer.secret_key.expose().to_owned());
        let stage = Stage::new(&server);
        let repository = tempfile::tempdir().unwrap();
        git(repository.path(), &["init", "-q", "--bare", "origin.git"]);
        let story = Self { server, stage, repository, keys: [reader, writer] };
        let work = story.clone_of("work", None);
        install(&work);
        for (name, text) in files {
            let path = work.join(name);
            let folder = path.parent().unwrap();
            fs::create_dir_all(folder).unwrap();
            fs::write(&path, text).unwrap();
            Call::new(folder, ["fmt", "."]).run().exits(0);
        }
        git(&work, &["checkout", "-q", "-b", "main"]);
        git(&work, &["add", "."]);
        git(&work, &["commit", "-q", "-m", "Begin"]);
        git(&work, &["push", "-q", "origin", "main"]);
        for (name, _) in files {
            let folder = work.join(name);
            let duoctl = Call::new(folder.parent().unwrap(), ["apply", ".", "--auto-approve", "--no-verify"]);
            duoctl.at(&story.server).run().exits(0);
        }
        story
    }

    pub fn work(&self) -> PathBuf {
        self.repository.path().join("work")
    }

    /// The commit of a branch at the git server.
    pub fn pushed(&self, branch: &str) -> String {
        git(&self.repository.path().join("origin.git"), &["rev-parse", branch])
    }

    /// A clone, like that of a runner or a person.
    fn clone_of(&self, name: &str, commit: Option<&str>) -> PathBuf {
        git(self.repository.path(), &["clone", "-q", "origin.git", name]);
        let folder = self.repository.path().join(name);
        if let Some(commit) = commit {
            git(&folder, &["checkout", "-q", commit]);
        }
        folder
    }

    /// Runs a job in its own clone.
    pub fn job(
        &self,
        workflow: &str,
        job: &str,
        commit: &str,
        writes: bool,
        context: &[(&str, &str)],
    ) -> Job {
        let name = format!("run-{}", fs::read_dir(self.repository.path()).unwrap().count());
        let folder = self.clone_of(&name, Some(commit));
        let (ikey, skey) = &self.keys[usize::from(writes)];
        let events = yaml(&folder.join(".github/workflows").join(workflow));
        let events: Vec<String> = events["on"].as_object().unwrap().keys().cloned().collect();
        let mut known = BTreeMap::from([
            ("github.repository", "acme/duo"),
            ("github.token", "token"),
            ("github.sha", commit),
            ("github.event_name", events.first().map_or("", String::as_str)),
            ("github.ref_name", "main"),
            ("secrets.DUO_IKEY", ikey),
            ("secrets.DUO_SKEY", skey),
        ]);
        known.extend(context.iter().copied());
        let context = known.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut runner = Runner {
            folder: &folder,
            programs: &self.stage.programs(),
            github: self.stage.folder.path(),
            context,
        };
        let done = runner.run(workflow, job);
        // Its log, artifacts and comments contain no secret.
        let held = fs::read_to_string(self.stage.folder.path().join("comments.json")).unwrap();
        for (_, secret) in &self.keys {
            assert!(![&done.log, &done.summary, &held].iter().any(|text| text.contains(secret.as_str())));
        }
        done
    }

    /// Changes the YAML on a branch and pushes it. Returns the commit, and the merge commit with `main`.
    pub fn propose(&self, from: &str, to: &str) -> (String, String) {
        self.propose_in("duo/duo.yaml", from, to)
    }

    pub fn propose_in(&self, file: &str, from: &str, to: &str) -> (String, String) {
        let work = self.work();
        git(&work, &["checkout", "-q", "-B", "change"]);
        let path = work.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(path, text.replace(from, to)).unwrap();
        git(&work, &["commit", "-q", "-am", to]);
        git(&work, &["push", "-q", "--force", "origin", "change"]);
        let head = git(&work, &["rev-parse", "HEAD"]);
        git(&work, &["checkout", "-q", "--detach", "main"]);
        git(&work, &["merge", "-q", "--no-ff", "--no-edit", &head]);
        git(&work, &["push", "-q", "--force", "origin", "HEAD:refs/heads/pull-7-merge"]);
        let merged = git(&work, &["rev-parse", "HEAD"]);
        git(&work, &["checkout", "-q", "change"]);
        (head, merged)
    }

    pub fn merge(&self, head: &str) -> String {
        let work = self.work();
        git(&work, &["checkout", "-q", "main"]);
        git(&work, &["merge", "-q", "--no-ff", "--no-edit", head]);
        git(&work, &["push", "-q", "origin", "main"]);
        let commit = git(&work, &["rev-parse", "HEAD"]);
        self.stage.hold("pulls", &json!([{"number": 7, "merge_commit_sha": commit, "head": {"sha": head}}]));
        commit
    }

    pub fn plan(&self, head: &str, merged: &str, from: &str) -> Job {
        self.job("plan.yml", "plan", merged, false, &pull_request(head, from))
    }

    pub fn apply(&self, commit: &str) -> Job {
        self.job("apply.yml", "apply", commit, true, &[])
    }

    pub fn comments(&self) -> Vec<String> {
        self.stage
            .held("comments")
            .iter()
            .map(|comment| comment["body"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn notes(&self) -> String {
        self.server.named("VPN")[0]["notes"].as_str().unwrap().to_owned()
    }
}

/// The event of a pull request from a branch of the repository `from`.
pub fn pull_request<'a>(head: &'a str, from: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("github.event_name", "pull_request"),
        ("github.event.pull_request.number", "7"),
        ("github.event.pull_request.head.sha", head),
        ("github.event.pull_request.head.repo.full_name", from),
        ("github.event.merge_group.base_sha", ""),
    ]
}

/// The event of a merge queue.
pub fn merge_group(base: &str) -> [(&str, &str); 5] {
    [
        ("github.event_name", "merge_group"),
        ("github.event.pull_request.number", ""),
        ("github.event.pull_request.head.sha", ""),
        ("github.event.pull_request.head.repo.full_name", ""),
        ("github.event.merge_group.base_sha", base),
    ]
}

#[test]
fn from_a_branch_to_an_account_without_drift() {
    let story = Story::begin();
    let writes = story.server.writes();

    // A pull request gets one comment, which is edited when its branch moves on.
    let (head, merged) = story.propose("Owned by the network team", "Owned by the VPN team");
    let planned = story.plan(&head, &merged, "acme/duo");
    assert_eq!(planned.passed, Some(true), "{}", planned.log);
    let comments = story.comments();
    assert!(comments.len() == 1 && comments[0].contains("Owned by the VPN team"), "{comments:?}");
    assert!(comments[0].starts_with("<!-- duoctl:plan acme -->\n"), "{comments:?}");
    assert!(planned.summary.contains("Owned by the VPN team"));
    assert!(comments[0].contains("https://github.com/acme/duo/actions/runs/4711"), "{comments:?}");
    assert_eq!(story.stage.held("labels"), ["duoctl-changes"]);
    let (head, merged) = story.propose("Owned by the VPN team", "Owned by the remote access team");
    story.stage.hold(
        "comments",
        &json!([{"id": 1, "user": {"login": "a-person"}, "body": comments[0]}, {
        "id": 2, "user": {"login": "github-actions[bot]"}, "body": comments[0]}]),
    );
    let planned = story.plan(&head, &merged, "acme/duo");
    assert_eq!(planned.passed, Some(true), "{}", planned.log);
    let comments = story.comments();
    assert!(comments.len() == 2 && comments[1].contains("remote access team"), "{comments:?}");
    assert!(comments[0].contains("VPN team"), "a person's comment is not touched");
    assert_eq!(story.server.writes(), writes, "a pull request writes nothing");
    assert_eq!(story.stage.held("artifacts").len(), 2);
    assert!(!story.stage.calls().contains("release download"), "the version is there already");

    // A run for a fork cannot inject a plan.
    let mut kept = story.stage.held("artifacts");
    let mut planted = kept[1].clone();
    planted["created_at"] = json!("2027-01-01T00:00:00Z");
    planted["workflow_run"] =
        json!({"id": 666, "repository_id": 1, "head_repository_id": 2, "head_sha": head});
    kept.push(planted);
    story.stage.hold("artifacts", &json!(kept));

    // An administrator edits the account before the merge: the reviewed plan is refused, and a new one is made.
    story.server.edit("VPN", json!({"self_service_allowed": "1"}));
    let commit = story.merge(&head);
    let writes = story.server.writes();
    let applied = story.apply(&commit);
    assert_eq!(applied.passed, Some(true), "{}", applied.log);
    assert!(!story.stage.calls().contains("run download 666"), "{}", story.stage.calls());
    assert!(story.stage.calls().contains("run download 101"), "{}", story.stage.calls());
    assert_eq!(applied.outputs["stale"], "true", "{}", applied.log);
    assert!(applied.log.contains("the saved plan is stale"), "{}", applied.log);
    assert!(
        applied.summary.contains("The reviewed plan is stale")
            && applied.summary.contains("remote access team")
    );
    assert_eq!(story.server.writes(), writes, "a stale plan writes nothing");
    assert!(story.notes().starts_with("Owned by the network team"));

    // The new plan is applied once approved, and there is no drift.
    let stale = [("needs.apply.outputs.stale", "true")];
    let applied = story.job("apply.yml", "apply-anew", &commit, true, &stale);
    assert_eq!(applied.passed, Some(true), "{}", applied.log);
    assert!(story.notes().starts_with("Owned by the remote access team"));
    let again = story.job("apply.yml", "apply-anew", &commit, true, &stale);
    assert_eq!(again.passed, Some(false), "it is carried out once: {}", again.log);
    let looked = story.job("drift.yml", "drift", &commit, false, &[]);
    assert_eq!(looked.passed, Some(true), "{}", looked.log);
    assert!(story.stage.held("issues").is_empty());

    // Drift is one issue, edited while it lasts and closed when it is over.
    for notes in ["edited", "edited again"] {
        story.server.edit("VPN", json!({"greeting": notes, "policy_key": ""}));
        let looked = story.job("drift.yml", "drift", &commit, false, &[]);
        assert_eq!(looked.passed, Some(true), "{}", looked.log);
        let issues = story.stage.held("issues");
        assert!(issues.len() == 1 && issues[0]["state"] == "open", "{issues:?}");
        assert!(issues[0]["body"].as_str().unwrap().contains("applications.vpn"), "{issues:?}");
    }
    let work = story.work();
    Call::new(&work, ["apply", "duo", "--auto-approve", "--no-verify", "--allow", "widens_access"])
        .at(&story.server)
        .run()
        .exits(0);
    let looked = story.job("drift.yml", "drift", &commit, false, &[]);
    assert_eq!(looked.passed, Some(true), "{}", looked.log);
    assert_eq!(story.stage.held("issues")[0]["state"], "closed");
}

#[test]
fn a_reviewed_plan_is_applied_and_a_change_that_nobody_reviewed_waits() {
    let story = Story::begin();
    let (head, merged) = story.propose("Owned by the network team", "Owned by the VPN team");
    assert_eq!(story.plan(&head, &merged, "acme/duo").passed, Some(true));
    let commit = story.merge(&head);
    let applied = story.apply(&commit);
    assert_eq!(applied.passed, Some(true), "{}", applied.log);
    assert_eq!(applied.outputs["stale"], "");
    assert!(story.notes().starts_with("Owned by the VPN team"));
    let skipped = story.job("apply.yml", "apply-anew", &commit, true, &[("needs.apply.outputs.stale", "")]);
    assert_eq!(skipped.passed, None);

    // A commit without a pull request has no reviewed plan: it is planned, and waits.
    let (head, _) = story.propose("Owned by the VPN team", "Pushed without a review");
    let commit = story.merge(&head);
    story.stage.hold("pulls", &json!([]));
    let writes = story.server.writes();
    let applied = story.apply(&commit);
    assert_eq!((applied.passed, applied.outputs["stale"].as_str()), (Some(true), "true"), "{}", applied.log);
    assert!(applied.summary.contains("Pushed without a review"));
    assert_eq!(story.server.writes(), writes);
}

#[test]
fn what_is_wrong_in_a_pull_request_fails_it() {
    let story = Story::begin();
    // Not formatted.
    let (head, merged) = story.propose("workspace: acme", "workspace:   acme");
    let planned = story.plan(&head, &merged, "acme/duo");
    assert_eq!(planned.passed, Some(false), "{}", planned.log);
    assert!(planned.log.contains("+workspace: acme") && story.comments().is_empty());
    let (_, _) = story.propose("workspace:   acme", "workspace: acme");
    // Duo does not know the group: the comment says so, no plan is kept, and the check fails.
    let (head, merged) =
        story.propose("groups_allowed: [VPN Users, Contractors]", "groups_allowed: [Nobody Knows]");
    let planned = story.plan(&head, &merged, "acme/duo");
    assert_eq!(planned.passed, Some(false), "{}", planned.log);
    assert!(story.comments().concat().contains("Nobody Knows"), "{:?}\n{}", story.comments(), planned.log);
    assert_eq!(story.stage.held("labels"), ["duoctl-failed"]);
    assert!(story.stage.held("artifacts").is_empty());

    // A fork is validated without a key, and nothing else.
    assert_eq!(story.plan(&head, &merged, "stranger/duo").passed, None);
    let fork =
        |from: &str| story.job("validate-forks.yml", "validate", &merged, false, &pull_request(&head, from));
    let validated = fork("stranger/duo");
    assert_eq!(validated.passed, Some(true), "{}", validated.log);
    assert_eq!(fork("acme/duo").passed, None);
}
