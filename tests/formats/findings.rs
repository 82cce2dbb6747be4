//! SARIF, GitLab's code quality and GitHub's annotations of real findings.

use serde_json::Value;

use crate::support::{Folder, Server, THREE};

const WRONG: &str = "applications:
  vpn: {type: radius, nome: VPN, user_access: all_users}
  wiki: {type: radiu, name: Wiki, user_access: all_users}
  old: {type: radius, name: Old, user_access: permitted_groups}
";

fn sarif(folder: &Folder) -> Value {
    folder.duoctl(["validate", "--format", "sarif"]).run().exits(1).json()
}

fn results(log: &Value) -> &Vec<Value> {
    log["runs"][0]["results"].as_array().unwrap()
}

#[test]
fn sarif_is_valid_and_each_result_has_a_rule_and_a_place() {
    let folder = Folder::with(WRONG);
    let log = sarif(&folder);
    let schema = std::fs::read_to_string("tests/data/sarif-2.1.0.schema.json").unwrap();
    // The published pattern of a language has an extra bracket, which makes it invalid.
    let schema = serde_json::from_str(&schema.replace("{2}]?$", "{2}$")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(
        !validator.is_valid(&serde_json::json!({"version": "2.1.0", "runs": [{}]})),
        "the schema refuses"
    );
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(results(&log).len() >= 3, "{log:#}");
    for result in results(&log) {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["markdown"].as_str().unwrap().contains("duoctl explain"));
        let (page, anchor) = rule["helpUri"].as_str().unwrap().split_once('#').unwrap();
        let (_, page) = page.split_once("/blob/main/").unwrap();
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains(&format!("\n### {anchor}\n")), "the link leads to an explanation");
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "duo.yaml");
        assert!(location["region"]["startLine"].as_u64().unwrap() > 5, "{location}");
    }
    let driver = &log["runs"][0]["tool"]["driver"];
    assert!(driver["informationUri"].as_str().unwrap().starts_with("https://"), "{driver}");
    // Without findings there is a log, too.
    folder.declare(THREE);
    let clean = folder.duoctl(["validate", "--format", "sarif"]).run().exits(0).json();
    assert!(validator.is_valid(&clean) && results(&clean).is_empty());
}

#[test]
fn fingerprints_stay_when_lines_move_and_differ_among_findings() {
    let folder = Folder::with(WRONG);
    let prints = |folder: &Folder| -> Vec<String> {
        let log = sarif(folder);
        let print =
            |result: &Value| result["partialFingerprints"]["duoctlFinding/v1"].as_str().unwrap().to_owned();
        let mut all: Vec<String> = results(&log).iter().map(print).collect();
        all.sort();
        all
    };
    let before = prints(&folder);
    let mut distinct = before.clone();
    distinct.dedup();
    assert_eq!(before.len(), distinct.len());
    folder.declare(&format!("# a comment\n\n{WRONG}"));
    assert_eq!(prints(&folder), before);
}

#[test]
fn paths_are_those_of_the_repository() {
    let folder = Folder::empty();
    std::fs::create_dir_all(folder.path("a b/duo")).unwrap();
    std::fs::create_dir(folder.path(".git")).unwrap();
    folder.write("a b/duo/duo.yaml", &format!("{}{WRONG}", crate::support::HEAD));
    let inside = |format: &str| {
        crate::support::Call::new(&folder.path("a b/duo"), ["validate", "--format", format]).run().exits(1)
    };
    let log: Value = inside("sarif").json();
    let uri = &results(&log)[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "a%20b/duo/duo.yaml");
    assert_eq!(inside("gitlab").json()[0]["location"]["path"], "a b/duo/duo.yaml");
    assert!(inside("github").stdout.starts_with("::error file=a b/duo/duo.yaml,line="));
}

#[test]
fn code_quality_has_what_gitlab_requires() {
    let folder = Folder::with(WRONG);
    let report = folder.duoctl(["validate", "--format", "gitlab"]).run().exits(1).json();
    let issues = report.as_array().unwrap();
    assert!(issues.len() >= 3);
    for issue in issues {
        for key in ["description", "check_name", "fingerprint"] {
            assert!(issue[key].as_str().is_some_and(|text| !text.is_empty()), "{issue}");
        }
        assert!(
            ["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap())
        );
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
    }
    assert_eq!(issues[0]["severity"], "critical", "the worst comes first");
}

#[test]
fn drift_stands_at_the_lines_of_its_address() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    server.edit("VPN", serde_json::json!({"user_access": "ALL_USERS"}));
    let line = folder.read("duo.yaml").lines().position(|line| line.starts_with("  vpn:")).unwrap() + 1;
    let log = folder.duoctl(["drift", "--format", "github"]).at(&server).run().exits(2);
    let warning = log.stdout.lines().find(|line| line.contains("drift at applications.vpn")).unwrap();
    assert!(warning.starts_with(&format!("::warning file=duo.yaml,line={line}")), "{warning}");
    assert!(warning.contains("user_access%3A") || warning.contains("user_access: Duo has"), "{warning}");
    let report = folder.duoctl(["drift", "--format", "gitlab"]).at(&server).run().exits(2).json();
    let issue = report.as_array().unwrap().iter().find(|issue| issue["check_name"] == "drift").unwrap();
    assert_eq!(issue["location"]["lines"]["begin"], line);
}

/// A forge knows a file by its real path.
#[cfg(unix)]
#[test]
fn a_workspace_behind_a_link_is_named_by_its_real_path_in_the_repository() {
    let folder = Folder::empty();
    folder
        .shell("git init -q && mkdir -p infra/duo sub && ln -s infra/duo link && ln -s ../infra sub/up")
        .run()
        .exits(0);
    folder.write("duo.yaml", "");
    let text = std::fs::read_to_string(Folder::with(WRONG).path("duo.yaml")).unwrap();
    folder.write("infra/duo/duo.yaml", &text);
    folder.shell("rm duo.yaml && ln -s infra/duo/duo.yaml duo.yaml").run().exits(0);
    let real = "infra/duo/duo.yaml";
    let absolute = folder.path("link").display().to_string();
    for path in ["link", "infra/duo", "sub/up/duo", "duo.yaml", absolute.as_str()] {
        let run = |format: &str| folder.duoctl(["validate", path, "--format", format]).run().exits(1);
        let github = run("github").stdout;
        let named = github.lines().filter(|line| line.starts_with("::error"));
        assert!(named.clone().count() >= 3, "{github}");
        assert!(named.clone().all(|line| line.contains(&format!("file={real},"))), "{path}: {github}");
        for result in results(&run("sarif").json()) {
            let location = &result["locations"][0]["physicalLocation"];
            assert_eq!(location["artifactLocation"]["uri"], real, "{path}");
        }
        for issue in run("gitlab").json().as_array().unwrap() {
            assert_eq!(issue["location"]["path"], real, "{path}");
        }
    }
    // Outside the repository there is no such path.
    let other = Folder::with(WRONG);
    let outside = other.path("duo.yaml").display().to_string();
    let github = folder.duoctl(["validate", &outside, "--format", "github"]).run().exits(1).stdout;
    assert!(github.contains(&format!("file={outside}")), "{github}");
}
