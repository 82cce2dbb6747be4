//! The example of rules for OPA and conftest, run by an interpreter of Rego on plans of the binary.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::Folder;
use crate::support::python::{python_of, skip};

/// What the rules say of each plan: `deny` and `warn`.
fn judge(python: &std::path::Path, plans: &[Value]) -> Vec<Value> {
    let mut child = Command::new(python)
        .args(["tests/gitops/policy.py", "examples/ci/policy/duoctl.rego"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(json!(plans).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn rules_about_a_plan() {
    let python = match python_of("gitops") {
        Ok(python) => python,
        Err(reason) => return skip("the rules for OPA", &reason),
    };
    let folder = Folder::with(
        "applications:\n  wiki: {type: websdk, name: Wiki, user_access: all_users}\n  \
         siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info]}\n",
    );
    // A saved plan is what a pipeline gives to conftest.
    folder.duoctl(["plan", ".", "--sandbox", "--out", "plan.json"]).run().exits(0);
    let plan: Value = serde_json::from_str(&folder.read("plan.json")).unwrap();
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut plan = plan.clone();
        edit(&mut plan);
        plan
    };
    let quiet = edited(&|plan| plan["steps"] = json!([]));
    let deleting = edited(&|plan| {
        plan["steps"] =
            json!([{"address": "applications.vpn", "action": "delete", "changes": [], "risks": []}]);
        plan["summary"]["unmanaged"] = json!(21);
    });
    let escalating = edited(&|plan| {
        for step in plan["steps"].as_array_mut().unwrap() {
            step["risks"] = json!([{"risk": "escalates_privilege", "reason": ""}]);
            step["changes"] = json!([]);
        }
    });
    let one = |plan: &Value| {
        let mut plan = plan.clone();
        plan["steps"].as_array_mut().unwrap().truncate(1);
        plan
    };
    let judged = judge(&python, &[plan.clone(), quiet, deleting, one(&escalating), escalating]);
    assert_eq!(
        judged,
        [
            json!({"deny": ["applications.wiki: user_access: all_users; name the groups instead"], "warn": []}),
            json!({"deny": [], "warn": []}),
            json!({
                "deny": ["applications.vpn: a pipeline may not delete it"],
                "warn": ["21 applications are not in the YAML"],
            }),
            json!({"deny": [], "warn": []}),
            json!({"deny": ["2 keys get more rights; use one pull request for each"], "warn": []}),
        ]
    );
}
