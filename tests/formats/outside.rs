//! Documents in which every text that other people may have written is the same one.

use serde_json::{Value, json};

fn steps(text: &str) -> Value {
    json!([{
        "address": text, "action": "update", "integration_key": text, "type": text, "name": text,
        "changes": [
            {"field": text, "before": text, "after": [text, text], "origin": "drift", "risk": "widens_access", "reason": text, "drift": {"risk": "widens_access", "reason": text}},
            {"field": text, "before": {text: text}, "after": null, "origin": "both", "risk": "neutral", "reason": "", "drift": null},
        ],
        "delivery": {"store": text, "path": text, "place": text, "reason": text},
        "risks": [{"risk": "widens_access", "reason": text}], "drift": [{"risk": "widens_access", "reason": text}],
        "consequences": [text], "affected": {
            "access_changes": true, "gains": {"bound": "exactly", "count": 2, "first": [text]}, "loses": {"bound": "unknown", "count": 0, "first": []},
            "policy": {
                "users": {"bound": "at_most", "count": 1, "first": [text]}, "from": null,
                "to": {"policy_key": text, "name": text, "shared_with": [{"integration_key": text, "name": text, "address": text}]},
            },
        },
        "place": {"file": text, "line": 3, "column": 4, "end_line": 3, "end_column": 9},
    }, {
        "address": text, "action": "delete", "integration_key": text, "type": text, "name": text, "changes": [],
        "delivery": null, "risks": [{"risk": "destroys", "reason": text}], "drift": [], "consequences": [], "affected": null,
    }])
}

/// Everything in a plan that other people may have written.
pub(crate) fn plan(text: &str) -> Value {
    json!({
        "format_version": "1.0", "kind": "drift", "tool_version": "0.1.0", "workspace": "acme", "api_hostname": text, "empty": false,
        "summary": {"add": 0, "change": 1, "adopt": 0, "delete": 1, "unmanaged": 0, "handoffs": 1, "deliveries": 1, "rotations": 0, "retain": 1},
        "risks": {"widens_access": 1}, "drift": {"widens_access": 1}, "blocked": [text],
        "left_out": 1, "left_out_addresses": [text], "left_out_pending": [text],
        "impact": {"requests": 3, "budget": 3, "exhausted": true, "counts_disabled": true, "problems": [text]},
        "steps": steps(text),
        "handoffs": [{"address": text, "place": text, "purpose": "enter", "then": [text], "fingerprint": null, "attested": null, "fields": [
            {"tab": text, "label": text, "value": text, "secret": false, "delivered_to": null, "application": null, "outstanding": true},
            {"tab": text, "label": text, "value": text, "secret": true, "delivered_to": text, "application": text, "outstanding": true},
        ]}],
        "orphans": [{"address": text, "ikey": format!("{text}-"), "name": text, "quarantined_since": text, "protected": false, "in_console": false}],
        "rotations": [{"address": text, "stage": "delivered", "since": null, "delivered_at": null, "old": text, "successor": text, "seen": [text], "waits_for": [text]}],
        "retired": [{"address": text, "ikey": format!("{text}-"), "name": text, "quarantined_since": text, "protected": false, "in_console": false}],
        "refusals": [{"guard": text, "address": text, "message": text, "lift": text}],
        "diagnostics": [{
            "code": text, "severity": "error", "message": text, "help": text,
            "place": {"file": text, "line": 1, "column": 1}, "related": [{"place": null, "label": text}],
        }],
        "fingerprint": {"tool_version": text, "host": text, "yaml": text, "ikeys": text, "objects": {}, "steps": text},
        "who": {"complete": true, "days": 30, "by_address": {text: [
            {"when": text, "who": text, "actor": text, "from": text, "action": text, "target": text, "target_name": text},
        ]}},
    })
}

/// `fix` may have several lines, and each is shown on its own.
pub(crate) fn verify(text: &str, fix: &str) -> Value {
    let check = json!({"name": text, "verdict": "failed", "detail": text, "fix": fix});
    json!({
        "format_version": "1.0", "kind": "verify", "workspace": "acme", "passed": false,
        "summary": {"verified": 0, "not_testable": 0, "inconclusive": 0, "failed": 1},
        "identity_intelligence": [{"address": text, "display_name": text, "verdict": "failed", "reached": text, "checks": [check]}],
        "applications": [{"address": text, "integration_key": text, "type": text, "name": text, "verdict": "failed", "checks": [check]}],
    })
}

pub(crate) fn apply(text: &str, fix: &str) -> Value {
    let mut planned = plan(text);
    planned["kind"] = json!("plan");
    json!({
        "format_version": "1.0", "kind": "apply", "plan": planned, "left": planned, "verify": verify(text, fix),
        "summary": {"applied": 0, "failed": 1, "not_attempted": 0}, "left_out": [text],
        "handoffs": planned["handoffs"],
        "steps": [{"address": text, "action": "update", "integration_key": text, "status": "failed", "reason": text, "delivered": text}],
        "normalised": [{"address": text, "field": text, "sent": text, "kept": text}],
    })
}

pub(crate) fn failure(text: &str) -> Value {
    json!({
        "format_version": "1.0", "kind": "failure", "command": "plan", "exit_code": 1, "message": text, "help": [text],
        "diagnostics": [],
    })
}

pub(crate) fn documents(text: &str) -> Vec<Value> {
    let fix = text.lines().map(|line| format!("{line}^")).collect::<Vec<_>>().join("\n");
    vec![plan(text), verify(text, &fix), apply(text, &fix), failure(text)]
}

/// The documents of the commands that list.
pub(crate) fn lists(text: &str) -> Vec<Value> {
    let check = json!({"name": text, "verdict": "failed", "detail": text, "fix": text});
    let rotation = json!({
        "address": text, "stage": "delivered", "since": "2026-11-01T00:00:00Z", "delivered_at": "2026-11-02T00:00:00Z", "old": text,
        "successor": text, "seen": [text], "waits_for": [text], "old_used_at": "2026-11-03T00:00:00Z", "new_used_at": "2026-11-04T00:00:00Z",
    });
    let entry = |age: Value, due: &str| {
        json!({
            "address": text, "integration_key": text, "place": text, "state": "due", "reason": text, "delivered_at": text, "age": age,
            "overdue": true, "due_at": due, "rotating_since": "2026-11-01T00:00:00Z", "proven": false, "proof": text,
        })
    };
    let since = json!({"known": "since", "at": "2026-01-01T00:00:00Z", "from": text});
    vec![
        json!({
            "format_version": "1.0", "kind": "list", "workspace": text, "api_hostname": text, "uses_since": text, "objects": [{
                "address": text, "kind": text, "id": text, "type": text, "name": text, "access": text, "policy": text, "key_age": since,
                "key_age_days": 3, "last_use": "2026-11-01T00:00:00Z", "state": "differs", "key_ids": [text], "sso": {text: text},
            }],
        }),
        json!({
            "format_version": "1.0", "kind": "keys", "read_at": "2026-11-28T00:00:00Z", "rotations": [rotation], "applications": [
                entry(since.clone(), "2026-04-01T00:00:00Z"), entry(json!({"known": "unknown", "reason": text}), "2030-01-01T00:00:00Z"),
                entry(json!({"known": "before", "at": "2026-02-01T00:00:00Z", "from": text}), "2030-01-01T00:00:00Z"),
            ],
        }),
        json!({"format_version": "1.0", "kind": "rotations", "rotations": [rotation]}),
        json!({"format_version": "1.0", "kind": "doctor", "healthy": false, "checks": [check]}),
        json!({"format_version": "1.0", "kind": "handoff", "handoffs": plan(text)["handoffs"]}),
        json!({
            "format_version": "1.0", "kind": "validate", "workspace": text, "valid": false, "diagnostics": plan(text)["diagnostics"],
        }),
        json!({
            "format_version": "1.0", "kind": "import", "unmanaged_fields": 1, "files": [{"path": text, "added": 1}],
            "entries": [{"address": text, "integration_key": text, "type": text, "name": text, "unsaid": 1}],
            "left_out": [{"integration_key": text, "name": text, "reason": "impossible", "detail": text}],
        }),
        json!({
            "format_version": "1.0", "kind": "edit", "command": text, "unchanged": [{"address": text, "reason": text}],
            "edits": [{"address": text, "field": text, "before": text, "after": [text], "file": text}],
            "refused": [{"address": text, "reason": text}],
        }),
        json!({
            "format_version": "1.0", "kind": "key_changes", "command": text, "planned": steps(text), "rotations": [rotation],
            "left_alone": [{"address": text, "reason": text}], "young": 1, "refusals": plan(text)["refusals"], "consent": text,
            "diagnostics": plan(text)["diagnostics"], "retired": [text], "summary": {"applied": 0, "failed": 1, "not_attempted": 0},
            "steps": apply(text, text)["steps"],
        }),
        graph(text),
    ]
}

/// A graph in which every text is this one. Nodes are told apart by their IDs.
pub(crate) fn graph(text: &str) -> Value {
    let id = |number: usize| format!("{text}{number}");
    let member = json!({"id": text, "name": text, "type": text});
    let node = |number: usize, kind: &str| json!({"id": id(number), "kind": kind, "name": text});
    let application = |number: usize, members: usize, change: &str| {
        let mut node = node(number, "application");
        node["access"] = json!(text);
        node["unmanaged"] = json!(true);
        node["members"] = json!(vec![member.clone(); members]);
        if !change.is_empty() {
            node["change"] = json!(change);
        }
        node
    };
    let edge = |from: usize, to: usize, change: &str| {
        let mut edge = json!({"from": id(from), "to": id(to)});
        if !change.is_empty() {
            edge["change"] = json!(change);
        }
        edge
    };
    json!({
        "format_version": "1.0", "kind": "graph", "workspace": text, "api_hostname": text, "source": "account",
        "nodes": [
            node(0, "users"), node(1, "group"), node(2, "identity_intelligence"), application(3, 1, "added"),
            application(4, 3, "removed"), application(5, 1, ""), node(6, "policy"), node(7, "permission"), node(8, "secret_store"),
        ],
        "edges": [
            edge(0, 3, "added"), edge(1, 3, "removed"), edge(1, 4, "removed"), edge(2, 5, ""), edge(3, 6, ""), edge(4, 7, ""),
            edge(5, 8, "changed"),
        ],
    })
}
