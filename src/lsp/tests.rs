//! A client in this process: every ability, and edits at random.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread::JoinHandle;

use lsp_server::{Connection, Message, Notification, Request, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Ended, serve};
use crate::config::load::Terms;

mod random;
mod refreshed;

const HEAD: &str = "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n";

/// A client with a folder.
struct Client {
    folder: TempDir,
    connection: Option<Connection>,
    server: Option<JoinHandle<Result<Ended, String>>>,
    next: i32,
    /// The newest findings of each file.
    found: BTreeMap<String, Value>,
    told: Vec<Notification>,
    /// What the server asked.
    asked: Vec<Request>,
    /// Answers that nothing waits for yet.
    early: Vec<Response>,
}

impl Client {
    fn start(files: &[(&str, &str)]) -> Self {
        Self::with(files, json!({}), json!({}))
    }

    fn with(files: &[(&str, &str)], abilities: Value, options: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), text).unwrap();
        }
        let (ours, theirs) = Connection::memory();
        let server = std::thread::spawn(move || serve(&theirs, Terms::default()));
        let mut client = Self {
            folder,
            connection: Some(ours),
            server: Some(server),
            next: 100,
            found: BTreeMap::new(),
            told: Vec::new(),
            asked: Vec::new(),
            early: Vec::new(),
        };
        let root = client.uri("");
        client.ask(
            "initialize",
            json!({"capabilities": abilities, "workspaceFolders": [{"uri": root, "name": "w"}], "initializationOptions": options}),
        );
        client.tell("initialized", json!({}));
        client
    }

    fn path(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().canonicalize().unwrap();
        if name.is_empty() { folder } else { folder.join(name) }
    }

    fn uri(&self, name: &str) -> String {
        gen_lsp_types::Uri::from_file_path(self.path(name)).unwrap().to_string()
    }

    fn send(&self, message: impl Into<Message>) {
        self.connection.as_ref().unwrap().sender.send(message.into()).unwrap();
    }

    fn tell(&self, method: &str, params: Value) {
        self.send(Notification { method: method.to_owned(), params });
    }

    /// The next message that is not an answer is kept.
    fn receive(&mut self) -> Option<Response> {
        match self.connection.as_ref().unwrap().receiver.recv().unwrap() {
            Message::Response(response) => return Some(response),
            Message::Notification(told) if told.method == "textDocument/publishDiagnostics" => {
                let uri = told.params["uri"].as_str().unwrap().to_owned();
                self.found.insert(uri, told.params["diagnostics"].clone());
                self.told.push(told);
            }
            Message::Notification(told) => self.told.push(told),
            Message::Request(asked) => self.asked.push(asked),
        }
        None
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.try_ask(method, params).unwrap_or_else(|message| panic!("{method}: {message}"))
    }

    fn try_ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        let id = self.begin(method, params);
        self.answer(id)
    }

    /// Sends a request and does not wait for the answer.
    fn begin(&mut self, method: &str, params: Value) -> i32 {
        self.next += 1;
        self.send(Request { id: self.next.into(), method: method.to_owned(), params });
        self.next
    }

    fn answer(&mut self, id: i32) -> Result<Value, String> {
        loop {
            if let Some(at) = self.early.iter().position(|response| response.id == id.into()) {
                return self.early.remove(at).response_result.map_err(|error| error.message);
            }
            let response = self.receive();
            self.early.extend(response);
        }
    }

    fn open(&self, name: &str, text: &str) {
        let item = json!({"uri": self.uri(name), "languageId": "yaml", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": item}));
    }

    /// Replaces a range of a document, or all of it.
    fn change(&self, name: &str, range: Option<Value>, text: &str) {
        let mut change = json!({"text": text});
        if let Some(range) = range {
            change["range"] = range;
        }
        let document = json!({"uri": self.uri(name), "version": 2});
        self.tell("textDocument/didChange", json!({"textDocument": document, "contentChanges": [change]}));
    }

    /// Everything sent before is handled, and the findings are there.
    fn settle(&mut self, name: &str) {
        let uri = self.uri(name);
        self.ask("textDocument/codeLens", json!({"textDocument": {"uri": uri}}));
    }

    /// The messages of the findings of a file.
    fn messages(&self, name: &str) -> Vec<String> {
        let found = self.found.get(&self.uri(name)).and_then(Value::as_array);
        found.into_iter().flatten().map(|it| it["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Asks about the `|` in a text, which becomes the text of a document.
    fn at(&mut self, method: &str, name: &str, marked: &str) -> Value {
        let params = self.place(name, marked);
        self.ask(method, params)
    }

    fn place(&mut self, name: &str, marked: &str) -> Value {
        let (before, after) = marked.split_once('|').unwrap();
        self.change(name, None, &format!("{before}{after}"));
        self.settle(name);
        let line = before.matches('\n').count();
        let character = before.rsplit('\n').next().unwrap().encode_utf16().count();
        json!({"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character}, "context": {"includeDeclaration": true}})
    }

    fn end(&mut self) -> Ended {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        self.server.take().unwrap().join().unwrap().unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Without the connection, the server ends.
        self.connection = None;
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn labels(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap()).collect()
}

const APPLICATIONS: &str = "applications:\n  vpn:\n    type: radius\n    name: VPN\n    user_access: permitted_groups\n    groups_allowed: [VPN Users]\n    secret: {store: vault, path: vpn}\n";
const STORES: &str = "secret_stores:\n  vault: {type: file, path: secrets}\n";

#[test]
fn findings_are_those_of_the_whole_workspace_with_what_is_open() {
    let mut client =
        Client::start(&[("duo.yaml", HEAD), ("a.duo.yaml", APPLICATIONS), ("b.duo.yaml", STORES)]);
    client.open("b.duo.yaml", STORES);
    client.settle("b.duo.yaml");
    assert_eq!(client.found.len(), 3, "also those that are not open: {:?}", client.found);
    assert!(client.found.values().all(|found| *found == json!([])), "{:?}", client.found);
    // A change in one file, a finding in another that is not open.
    client.change("b.duo.yaml", None, &STORES.replace("vault", "valt"));
    client.settle("b.duo.yaml");
    assert_eq!(
        client.messages("a.duo.yaml"),
        ["there is no secret store `vault`\nhelp: did you mean `valt`?"]
    );
    // What is open counts, not what is on disk.
    fs::write(client.path("b.duo.yaml"), "no: [").unwrap();
    client.change("b.duo.yaml", None, STORES);
    let before = client.told.len();
    client.settle("b.duo.yaml");
    assert_eq!(client.messages("a.duo.yaml"), Vec::<String>::new());
    // Those of an open document are sent again although they are the same; the client may wait for them.
    client.change("b.duo.yaml", None, STORES);
    client.settle("b.duo.yaml");
    let sent = |name: &str| {
        let uri = json!(client.uri(name));
        client.told.iter().skip(before).filter(|it| it.params["uri"] == uri).count()
    };
    assert_eq!(["duo.yaml", "a.duo.yaml", "b.duo.yaml"].map(sent), [0, 1, 2]);
    // After it is closed, the disk counts.
    client.open("a.duo.yaml", APPLICATIONS);
    client.tell("textDocument/didClose", json!({"textDocument": {"uri": client.uri("b.duo.yaml")}}));
    client.settle("a.duo.yaml");
    assert_eq!(client.messages("b.duo.yaml").len(), 1);
    // A file that goes leaves no findings.
    fs::remove_file(client.path("b.duo.yaml")).unwrap();
    let gone = json!({"changes": [{"uri": client.uri("b.duo.yaml"), "type": 3}]});
    client.tell("workspace/didChangeWatchedFiles", gone);
    client.settle("a.duo.yaml");
    assert_eq!(client.messages("b.duo.yaml"), Vec::<String>::new());
    assert!(client.messages("a.duo.yaml")[0].starts_with("there is no secret store"));
    assert_eq!(client.end(), Ended::Orderly);
}

/// A folder behind a link has the name that the client knows.
#[test]
#[cfg(unix)]
fn files_have_the_names_that_the_client_uses() {
    let mut client = Client::start(&[("duo.yaml", HEAD), ("a.duo.yaml", "what: 1\n")]);
    let link = client.folder.path().canonicalize().unwrap().with_extension("link");
    std::os::unix::fs::symlink(client.path(""), &link).unwrap();
    let uri = |name: &str| gen_lsp_types::Uri::from_file_path(link.join(name)).unwrap().to_string();
    let folders = json!({"event": {"added": [{"uri": uri(""), "name": "w"}], "removed": [{"uri": client.uri(""), "name": "w"}]}});
    client.tell("workspace/didChangeWorkspaceFolders", folders);
    let item = json!({"uri": uri("duo.yaml"), "languageId": "yaml", "version": 1, "text": HEAD});
    client.tell("textDocument/didOpen", json!({"textDocument": item}));
    client.ask("textDocument/codeLens", json!({"textDocument": {"uri": uri("duo.yaml")}}));
    fs::remove_file(&link).unwrap();
    assert_eq!(client.found[&uri("a.duo.yaml")].as_array().unwrap().len(), 1, "{:?}", client.found.keys());
}

#[test]
fn several_workspaces_in_a_folder_are_each_checked_alone() {
    let one = HEAD.replace("acme", "one");
    let two = format!("{}what: 1\n", HEAD.replace("acme", "two"));
    let mut client = Client::start(&[("one.duo.yaml", &one), ("two.duo.yaml", &two), ("sub/duo.yaml", HEAD)]);
    client.open("one.duo.yaml", &one);
    client.settle("one.duo.yaml");
    assert_eq!(client.messages("one.duo.yaml"), Vec::<String>::new());
    client.open("two.duo.yaml", &two);
    client.settle("two.duo.yaml");
    assert!(
        client.messages("two.duo.yaml")[0].starts_with("the file has no key `what`"),
        "{:?}",
        client.found
    );
    assert_eq!(client.found[&client.uri("sub/duo.yaml")], json!([]), "its own workspace");
}

#[test]
fn completion_knows_the_type_the_names_and_the_snapshot() {
    let snapshot = json!({
        "kind": "snapshot", "format_version": "1", "api_hostname": "api-1a2b3c4d.duosecurity.com", "read_at": "",
        "groups": [{"name": "Contractors", "id": "DG1"}], "policies": [{"name": "Strict: all", "id": "PO1"}], "applications": [],
    });
    let files = [("duo.yaml", HEAD), ("b.duo.yaml", STORES), ("names.json", &snapshot.to_string())];
    let mut client = Client::with(&files, json!({}), json!({"snapshot": "names.json"}));
    client.open("a.duo.yaml", APPLICATIONS);
    let mut complete = |marked: &str| client.at("textDocument/completion", "a.duo.yaml", marked);
    let vpn = |line: &str| format!("{APPLICATIONS}    {line}\n");
    let keys = complete(&vpn("|"));
    assert!(labels(&keys).contains(&"policy") && labels(&keys).contains(&"greeting"), "{keys}");
    assert!(!labels(&keys).contains(&"permissions") && !labels(&keys).contains(&"type"), "{keys}");
    let keys = complete("applications:\n  siem:\n    type: adminapi\n    |\n");
    assert!(labels(&keys).contains(&"permissions") && !labels(&keys).contains(&"groups_allowed"), "{keys}");
    assert_eq!(labels(&complete("applications:\n  vpn: {secret: {store: |, path: x}}\n")), ["vault"]);
    assert!(labels(&complete("applications:\n  vpn: {type: ra|}\n")).contains(&"radius"));
    let policies = complete(&vpn("policy: |"));
    assert_eq!(labels(&policies), ["Strict: all"]);
    assert_eq!(policies["items"][0]["textEdit"]["newText"], "\"Strict: all\"");
    let groups = complete(&APPLICATIONS.replace("VPN Users", "VPN Users, |"));
    assert_eq!(labels(&groups), ["Contractors", "VPN Users"]);
    client.open("s.duo.yaml", "groups:\n  staff: {name: Staff}\n");
    let groups = client.at("textDocument/completion", "a.duo.yaml", &APPLICATIONS.replace("VPN Users", "|"));
    assert_eq!(labels(&groups), ["Contractors", "groups.staff"]);
    assert_eq!(groups["items"][1]["detail"], "Staff");
    let mut complete = |marked: &str| client.at("textDocument/completion", "a.duo.yaml", marked);
    let allow =
        complete(&format!("{APPLICATIONS}guards:\n  allow:\n    - risk: widens_access\n      address: |\n"));
    assert_eq!(labels(&allow), ["applications.vpn", "groups.staff"]);
    let risks = complete("guards:\n  allow:\n    - risk: |\n");
    let risk = risks["items"].as_array().unwrap().iter().find(|it| it["label"] == "destroys").unwrap();
    assert!(risk["documentation"]["value"].as_str().unwrap().contains("deleted"), "{risk}");
    let vars = complete("vars: {host: {default: x, description: where}}\ntenant:\n  api_hostname: ${v|\n");
    assert_eq!(
        (labels(&vars), &vars["items"][0]["textEdit"]["newText"]),
        (vec!["${vars.host}"], &json!("${vars.host}"))
    );
    assert!(labels(&complete("|")).contains(&"identity_intelligence"));
}

#[test]
fn hover_explains_keys_values_and_names() {
    let mut client = Client::start(&[("duo.yaml", HEAD), ("b.duo.yaml", STORES)]);
    client.open("a.duo.yaml", APPLICATIONS);
    let mut hover = |old: &str, new: &str| {
        let answer = client.at("textDocument/hover", "a.duo.yaml", &APPLICATIONS.replace(old, new));
        answer["contents"]["value"].as_str().unwrap_or_default().to_owned()
    };
    assert!(hover("user_access", "user_a|ccess").contains("Who may log in"));
    assert!(hover("permitted_groups", "permitted_|groups").starts_with("**`permitted_groups`**:"));
    assert!(hover("radius", "rad|ius").contains("RADIUS"));
    assert!(hover("vault", "va|ult").starts_with("secret store **`vault`**: file"));
    assert!(hover("  vpn:", "  v|pn:").starts_with("address **`applications.vpn`**: radius, VPN"));
    assert_eq!(hover("name: VPN", "name: VPN # wh|y"), "");
}

#[test]
fn names_are_found_and_renamed_over_all_files() {
    let guards = "guards:\n  allow:\n    - {risk: widens_access, address: vpn, reason: r}\nvars: {host: {default: x}}\n";
    let annotated =
        json!({"workspace": {"workspaceEdit": {"documentChanges": true, "changeAnnotationSupport": {}}}});
    let files =
        [("duo.yaml", HEAD), ("a.duo.yaml", APPLICATIONS), ("b.duo.yaml", STORES), ("g.duo.yaml", guards)];
    for abilities in [json!({}), annotated] {
        let annotated = abilities["workspace"].is_object();
        let mut client = Client::with(&files, abilities, json!({}));
        client.open("a.duo.yaml", APPLICATIONS);
        let store = APPLICATIONS.replace("vault", "va|ult");
        let defined = client.at("textDocument/definition", "a.duo.yaml", &store);
        assert_eq!(
            (&defined[0]["uri"], &defined[0]["range"]["start"]["line"]),
            (&json!(client.uri("b.duo.yaml")), &json!(1))
        );
        let address = APPLICATIONS.replace("  vpn:", "  v|pn:");
        let used = client.at("textDocument/references", "a.duo.yaml", &address);
        assert_eq!(used.as_array().unwrap().len(), 2, "{used}");
        let prepared = client.at("textDocument/prepareRename", "a.duo.yaml", &address);
        assert_eq!(prepared["placeholder"], "vpn");
        let mut params = client.place("a.duo.yaml", &address);
        params["newName"] = json!("remote");
        let edit = client.ask("textDocument/rename", params.clone());
        let text = edit.to_string();
        assert_eq!(text.matches("\"newText\":\"remote\"").count(), 2, "{text}");
        let told = client.told.iter().any(|it| {
            it.method == "window/showMessage" && it.params.to_string().contains("adopt applications.remote")
        });
        assert_eq!(told, !annotated, "the consequence is said");
        assert_eq!(
            text.contains("\"needsConfirmation\":true") && text.contains("adopt applications.remote"),
            annotated
        );
        params["newName"] = json!("Not Valid");
        assert!(
            client.try_ask("textDocument/rename", params).unwrap_err().contains("is not a valid address")
        );
        // A group of the workspace, by its address.
        let group = APPLICATIONS.replace("VPN Users", "groups.staf|f");
        client.change("a.duo.yaml", None, &group.replace('|', ""));
        client.open("s.duo.yaml", "groups:\n  staff: {name: Staff}\n");
        let defined = client.at("textDocument/definition", "a.duo.yaml", &group);
        assert_eq!(
            (&defined[0]["uri"], &defined[0]["range"]["start"]["line"]),
            (&json!(client.uri("s.duo.yaml")), &json!(1))
        );
        let mut params = client.place("a.duo.yaml", &group);
        params["newName"] = json!("people");
        let edit = client.ask("textDocument/rename", params).to_string();
        assert_eq!(edit.matches("\"newText\":\"people\"").count(), 2, "{edit}");
        let group = APPLICATIONS.replace("VPN Users", "VPN| Users");
        let params = client.place("a.duo.yaml", &group);
        assert!(client.try_ask("textDocument/prepareRename", params).is_err());
    }
}

#[test]
fn a_document_is_formatted_outlined_folded_and_fixed() {
    let mut client = Client::start(&[("duo.yaml", HEAD)]);
    let text = "applications:\n  # One\n  # Two\n  \u{1f511}vpn:   {type: radius,  name: \"VPN\", user_acces: no_users}\n";
    client.open("a.duo.yaml", &text.replace('\u{1f511}', ""));
    let document = json!({"textDocument": {"uri": client.uri("a.duo.yaml")}});
    let edits = client.ask("textDocument/formatting", document.clone());
    assert!(edits[0]["newText"].as_str().unwrap().contains("name: VPN"), "{edits}");
    let symbols = client.ask("textDocument/documentSymbol", document.clone());
    assert_eq!(
        (&symbols[0]["name"], &symbols[0]["children"][0]["detail"]),
        (&json!("applications"), &json!("radius, VPN"))
    );
    let folds = client.ask("textDocument/foldingRange", document.clone());
    assert_eq!(folds.as_array().unwrap().len(), 2, "{folds}");
    let lenses = client.ask("textDocument/codeLens", document.clone());
    let lens =
        lenses.as_array().unwrap().iter().find(|it| it["command"]["title"] == "explain unknown-key").unwrap();
    let command = json!({"command": lens["command"]["command"], "arguments": lens["command"]["arguments"]});
    let explained = client.ask("workspace/executeCommand", command);
    assert!(explained.as_str().unwrap().starts_with("unknown-key, a finding:"), "{explained}");
    assert!(client.told.iter().any(|it| it.method == "window/showMessage"));
    let mut params = document.clone();
    params["range"] = json!({"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 80}});
    params["context"] = json!({"diagnostics": []});
    let actions = client.ask("textDocument/codeAction", params);
    let titles: Vec<&str> =
        actions.as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Change to `user_access`"]);
    assert_eq!(actions[0]["edit"]["changes"][client.uri("a.duo.yaml")][0]["newText"], "user_access");
}

#[test]
fn what_is_not_the_protocol_is_answered_or_ignored() {
    let mut client = Client::start(&[("duo.yaml", HEAD)]);
    assert!(client.try_ask("no/method", json!({})).unwrap_err().contains("unknown method `no/method`"));
    client.tell("textDocument/didChange", json!({"textDocument": {"uri": "untitled:x", "version": 1}}));
    client.tell("textDocument/didOpen", json!([1, 2]));
    client.tell("$/cancelRequest", json!({"id": 1}));
    for method in
        ["textDocument/hover", "textDocument/rename", "textDocument/codeAction", "textDocument/completion"]
    {
        assert_eq!(
            client.try_ask(method, json!({"textDocument": {"uri": "file:///none/duo.yaml"}})),
            Ok(Value::Null)
        );
        assert_eq!(client.try_ask(method, json!(null)), Ok(Value::Null));
    }
    client.tell("exit", Value::Null);
    assert_eq!(client.server.take().unwrap().join().unwrap(), Ok(Ended::Abruptly), "without `shutdown`");
}
