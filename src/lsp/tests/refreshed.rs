//! What the client asks for again: findings, and hints of a plan that has changed.

use std::fs;

use serde_json::{Value, json};

use super::{APPLICATIONS, Client, HEAD, STORES};

fn pulls() -> Value {
    json!({
        "textDocument": {"diagnostic": {}}, "general": {"positionEncodings": ["utf-8"]},
        "workspace": {"diagnostics": {"refreshSupport": true}},
    })
}

#[test]
fn a_client_that_asks_for_findings_gets_them_once() {
    let files = [("duo.yaml", HEAD), ("a.duo.yaml", "applications: {é: 1}\n")];
    let mut client = Client::with(&files, pulls(), json!({}));
    // Until the document is open, its findings are sent.
    let settle = json!({"textDocument": {"uri": client.uri("a.duo.yaml")}});
    client.open("a.duo.yaml", "applications: {é: 1}\n");
    client.ask("textDocument/codeLens", settle);
    assert_eq!(client.found.get(&client.uri("duo.yaml")), Some(&json!([])));
    assert_eq!(client.found.get(&client.uri("a.duo.yaml")), None, "it is open");
    client.open("duo.yaml", &format!("{HEAD}\u{1f511}: 1\n"));
    client.tell("textDocument/didClose", json!({"textDocument": {"uri": client.uri("a.duo.yaml")}}));
    let mut params = json!({"textDocument": {"uri": client.uri("duo.yaml")}});
    let answer = client.ask("textDocument/diagnostic", params.clone());
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{answer}");
    assert_eq!(items[0]["range"]["end"], json!({"line": 3, "character": 4}), "bytes");
    assert_eq!(client.found[&client.uri("duo.yaml")], json!([]), "not sent as well");
    assert!(!client.messages("a.duo.yaml").is_empty(), "it is closed, so it is sent");
    params["previousResultId"] = answer["resultId"].clone();
    assert_eq!(client.ask("textDocument/diagnostic", params.clone())["kind"], "unchanged");
    client.change("duo.yaml", None, HEAD);
    assert_eq!(client.ask("textDocument/diagnostic", params)["items"], json!([]));
    assert!(client.asked.iter().any(|it| it.method == "workspace/diagnostic/refresh"), "{:?}", client.asked);
}

/// The findings that a client has after the answers to `workspace/diagnostic`, by the name of the file.
#[derive(Default)]
struct Pulled {
    known: std::collections::BTreeMap<String, (Value, Value)>,
}

impl Pulled {
    fn params(&self) -> Value {
        let known: Vec<Value> =
            self.known.iter().map(|(uri, (id, _))| json!({"uri": uri, "value": id})).collect();
        json!({"identifier": "duoctl", "previousResultIds": known})
    }

    /// Takes an answer over; returns how many files are in it with their findings.
    fn take(&mut self, answer: &Value) -> usize {
        let mut full = 0;
        for item in answer["items"].as_array().unwrap() {
            let uri = item["uri"].as_str().unwrap().to_owned();
            if item["kind"] == "unchanged" {
                assert_eq!(self.known[&uri].0, item["resultId"]);
                continue;
            }
            full += 1;
            match item.get("resultId") {
                Some(id) => self.known.insert(uri, (id.clone(), item["items"].clone())),
                None => self.known.remove(&uri),
            };
        }
        full
    }

    fn codes(&self, uri: &str) -> Vec<&str> {
        self.known[uri].1.as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect()
    }
}

#[test]
fn a_client_can_ask_for_all_findings_and_wait_for_others() {
    let files = [("duo.yaml", HEAD), ("a.duo.yaml", APPLICATIONS), ("b.duo.yaml", STORES)];
    let mut client = Client::with(&files, pulls(), json!({}));
    let mut pulled = Pulled::default();
    let answer = client.ask("workspace/diagnostic", pulled.params());
    assert_eq!(pulled.take(&answer), 3);
    // The client has everything, so the answer waits for a change, and nothing is sent meanwhile.
    let waits = client.begin("workspace/diagnostic", pulled.params());
    client.open("b.duo.yaml", STORES);
    client.settle("b.duo.yaml");
    assert!(client.early.is_empty(), "{:?}", client.early);
    client.change("b.duo.yaml", None, &STORES.replace("vault", "valt"));
    let answer = client.answer(waits).unwrap();
    assert_eq!(pulled.take(&answer), 1, "only what changed: {answer}");
    assert_eq!(pulled.codes(&client.uri("a.duo.yaml")), ["unknown-store"]);
    assert_eq!(client.messages("a.duo.yaml"), Vec::<String>::new(), "not sent as well");
    let item = answer["items"].as_array().unwrap().iter().find(|it| it["uri"] == client.uri("b.duo.yaml"));
    assert_eq!((&item.unwrap()["version"], &item.unwrap()["kind"]), (&json!(2), &json!("unchanged")));
    // A file that goes leaves no findings.
    let waits = client.begin("workspace/diagnostic", pulled.params());
    fs::remove_file(client.path("a.duo.yaml")).unwrap();
    let gone = json!({"changes": [{"uri": client.uri("a.duo.yaml"), "type": 3}]});
    client.tell("workspace/didChangeWatchedFiles", gone);
    let answer = client.answer(waits).unwrap();
    pulled.take(&answer);
    assert_eq!(pulled.known.len(), 2, "{answer}");
    // A request that waits can be cancelled, and ends with the server.
    let waits = client.begin("workspace/diagnostic", pulled.params());
    client.tell("$/cancelRequest", json!({"id": waits}));
    assert!(client.answer(waits).unwrap_err().contains("cancelled"));
    let waits = client.begin("workspace/diagnostic", pulled.params());
    client.ask("shutdown", Value::Null);
    assert!(client.answer(waits).unwrap_err().contains("cancelled"));
    client.tell("exit", Value::Null);
}

#[test]
fn a_saved_plan_is_shown_next_to_the_addresses() {
    let plan = plan_document();
    let abilities = json!({"workspace": {
        "inlayHint": {"refreshSupport": true},
        "didChangeWatchedFiles": {"dynamicRegistration": true},
    }});
    let files = [
        ("duo.yaml", HEAD),
        ("a.duo.yaml", APPLICATIONS),
        ("b.duo.yaml", STORES),
        ("plan.json", plan.as_str()),
    ];
    let mut client = Client::with(&files, abilities, json!({"duoctl": {"plan": "plan.json"}}));
    client.open("a.duo.yaml", APPLICATIONS);
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}});
    let params = json!({"textDocument": {"uri": client.uri("a.duo.yaml")}, "range": range});
    let hints = client.ask("textDocument/inlayHint", params.clone());
    assert_eq!(hints.as_array().unwrap().len(), 1, "{hints}");
    assert_eq!(hints[0]["position"], json!({"line": 1, "character": 6}));
    assert!(hints[0]["label"].as_str().unwrap().starts_with("plan: create"), "{hints}");
    // The client asks again when the plan has changed, however it notices that.
    let refreshes =
        |client: &Client| client.asked.iter().filter(|it| it.method == "workspace/inlayHint/refresh").count();
    let watched = client.asked.iter().find(|it| it.params.to_string().contains("plan.json"));
    assert_eq!(watched.unwrap().method, "client/registerCapability");
    client.change("a.duo.yaml", None, APPLICATIONS);
    client.settle("a.duo.yaml");
    assert_eq!(refreshes(&client), 0, "the plan is the same");
    fs::write(client.path("plan.json"), plan.replace("\"create\"", "\"delete\"") + " ").unwrap();
    let changed = json!({"changes": [{"uri": client.uri("plan.json"), "type": 2}]});
    client.tell("workspace/didChangeWatchedFiles", changed);
    client.settle("a.duo.yaml");
    client.settle("a.duo.yaml");
    assert_eq!(refreshes(&client), 1, "once");
    let hints = client.ask("textDocument/inlayHint", params);
    assert!(hints[0]["label"].as_str().unwrap().starts_with("plan: delete"), "{hints}");
    // Another plan, and none.
    for (plan, count) in [("other.json", 2), ("", 3)] {
        client.tell("workspace/didChangeConfiguration", json!({"settings": {"duoctl": {"plan": plan}}}));
        client.settle("a.duo.yaml");
        assert_eq!(refreshes(&client), count);
    }
    let ended = client.asked.iter().filter(|it| it.method == "client/unregisterCapability").count();
    assert_eq!(ended, 2);
}

/// A plan that creates the application, as `duoctl plan --format json` prints it.
fn plan_document() -> String {
    use crate::duo::object::{Ikey, Kind};
    use crate::intelligence::expand::desired;
    use crate::output::document::PlanDocument;
    use crate::reconcile::observation::Observation;
    use crate::reconcile::observed::{Objects, Observed};
    use crate::reconcile::plan::{Options, plan};

    let yaml = format!("{HEAD}applications:\n  vpn: {{type: radius, name: VPN, user_access: no_users}}\n");
    let loaded = crate::config::load::load_text("duo.yaml".into(), yaml);
    let desired = desired(loaded.valid().unwrap());
    let now = jiff::Timestamp::now();
    let observation = Observation {
        objects: Objects::from([(Kind::Application, Observed::Present(Vec::new()))]),
        ..Observation::new("api-1a2b3c4d.duosecurity.com", Ikey::new("DIXXXXXXXXXXXXXXXXXX"), now)
    };
    let plan = plan(&desired, &observation, &Options::at(now));
    serde_json::to_string(&PlanDocument::new(&plan, &[], &desired, &loaded.sources)).unwrap()
}
