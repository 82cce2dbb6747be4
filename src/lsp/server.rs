//! The loop: messages of the client in, answers and findings out. Everything happens on one thread, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gen_lsp_types as lsp;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::config::load::Terms;

use super::answers::{self, Answered};
use super::diagnostics;
use super::documents::{Documents, path_of, real};
use super::hints;
use super::protocol::{Client, capabilities, watchers};
use super::settings::{Reports, Settings};
use super::state::{Here, State};
use super::workspaces::Workspaces;

/// How long the server waits for more changes before it checks the YAML: a client sends a question right after a change,
/// and that is answered first.
const QUIET: Duration = Duration::from_millis(10);

/// The longest time without a check while changes keep coming.
const PATIENCE: Duration = Duration::from_millis(200);

/// The settings that the server asks for have this request id.
const SETTINGS: i32 = 1;

/// How the client ended the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With `shutdown` and `exit`.
    Orderly,
    /// Without `shutdown`, or by closing the connection.
    Abruptly,
}

/// Serves a client until it ends the connection.
///
/// # Errors
///
/// The client does not follow the protocol.
pub fn serve(connection: &Connection, terms: Terms) -> Result<Ended, String> {
    let (id, params) = connection.initialize_start().map_err(|error| error.to_string())?;
    let client = Client::of(&params);
    connection.initialize_finish(id, capabilities(&client)).map_err(|error| error.to_string())?;
    let settings = params.get("initializationOptions").map(Settings::from).unwrap_or_default();
    let state = State {
        client,
        documents: Documents::default(),
        workspaces: Workspaces::new(terms),
        reports: Reports::new(settings),
    };
    let mut server = Server { connection, state, published: BTreeMap::new(), changed: None, stopping: false };
    server.begin();
    Ok(server.run())
}

struct Server<'c> {
    connection: &'c Connection,
    state: State,
    /// The files of each workspace whose findings the client has.
    published: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// When the first change came that is not checked yet.
    changed: Option<Instant>,
    stopping: bool,
}

impl Server<'_> {
    fn begin(&mut self) {
        if self.state.client.watches {
            self.ask("client/registerCapability", watchers(), 0);
        }
        self.ask_for_settings();
        self.rediscover();
    }

    fn run(&mut self) -> Ended {
        loop {
            let message = match self.changed {
                Some(since) if since.elapsed() >= PATIENCE => None,
                Some(_) => match self.connection.receiver.recv_timeout(QUIET) {
                    Ok(message) => Some(message),
                    Err(error) if error.is_timeout() => None,
                    Err(_) => return Ended::Abruptly,
                },
                None => match self.connection.receiver.recv() {
                    Ok(message) => Some(message),
                    Err(_) => return Ended::Abruptly,
                },
            };
            match message {
                None => self.flush(),
                Some(Message::Request(request)) => self.request(request),
                Some(Message::Notification(told)) if told.method == "exit" => {
                    return if self.stopping { Ended::Orderly } else { Ended::Abruptly };
                }
                Some(Message::Notification(told)) => self.notification(told),
                Some(Message::Response(response)) => self.response(response),
            }
        }
    }

    fn send(&self, message: impl Into<Message>) {
        // A client that is gone ends the loop at the next message.
        let _ = self.connection.sender.send(message.into());
    }

    fn tell(&self, method: &str, params: Value) {
        self.send(Notification { method: method.to_owned(), params });
    }

    fn ask(&self, method: &str, params: Value, id: i32) {
        self.send(Request { id: id.into(), method: method.to_owned(), params });
    }

    fn ask_for_settings(&self) {
        if self.state.client.configuration {
            self.ask("workspace/configuration", json!({"items": [{"section": "duoctl"}]}), SETTINGS);
        }
    }

    fn response(&mut self, response: Response) {
        if response.id == SETTINGS.into()
            && let Ok(Value::Array(values)) = response.response_result
            && let Some(value) = values.first().filter(|value| value.is_object())
        {
            self.state.reports.settings = Settings::from(value);
        }
    }

    fn notification(&mut self, told: Notification) {
        let Notification { method, params } = told;
        match method.as_str() {
            "textDocument/didOpen" => {
                let opened = read(params).and_then(|it: lsp::DidOpenTextDocumentParams| {
                    self.state.documents.open(it.text_document)
                });
                if let Some(path) = opened {
                    self.touch(&path);
                    self.take_over(&path);
                }
            }
            "textDocument/didChange" => {
                let encoding = self.state.client.can.encoding;
                let changed = read(params).and_then(|it| self.state.documents.change(it, encoding));
                changed.iter().for_each(|path| self.touch(path));
            }
            "textDocument/didClose" => {
                let uri = params.pointer("/textDocument/uri").and_then(|uri| lsp::Uri::deserialize(uri).ok());
                let closed = uri.and_then(|uri| self.state.documents.close(&uri));
                closed.iter().for_each(|path| self.touch(path));
            }
            "textDocument/didSave" => {
                let uri = params.pointer("/textDocument/uri").and_then(|uri| lsp::Uri::deserialize(uri).ok());
                let path = uri.as_ref().and_then(path_of);
                path.iter().for_each(|path| self.touch(path));
            }
            "workspace/didChangeWatchedFiles" => self.files_changed(params),
            "workspace/didChangeWorkspaceFolders" => {
                let folders = |list: &str| -> Vec<PathBuf> {
                    let all = params.pointer(list).and_then(Value::as_array).into_iter().flatten();
                    let uris = all.filter_map(|it| lsp::Uri::deserialize(it.get("uri")?).ok());
                    uris.filter_map(|uri| path_of(&uri)).collect()
                };
                let removed = folders("/event/removed");
                self.state.client.folders.retain(|folder| !removed.contains(folder));
                self.state.client.folders.extend(folders("/event/added"));
                self.rediscover();
            }
            "workspace/didChangeConfiguration" => {
                if self.state.client.configuration {
                    self.ask_for_settings();
                } else if let Some(settings) = params.get("settings") {
                    self.state.reports.settings = Settings::from(settings);
                }
            }
            _ => {}
        }
    }

    fn touch(&mut self, path: &Path) {
        self.state.workspaces.touch(&real(path));
        self.changed.get_or_insert_with(Instant::now);
    }

    /// A client that asks for the findings of a document gets them once, not twice.
    fn take_over(&mut self, path: &Path) {
        if self.state.client.pulls
            && let Some(uri) = self.state.documents.uri(path)
        {
            self.tell("textDocument/publishDiagnostics", json!({"uri": uri, "diagnostics": []}));
        }
    }

    fn files_changed(&mut self, params: Value) {
        let Some(changes) = read(params).map(|it: lsp::DidChangeWatchedFilesParams| it.changes) else {
            return;
        };
        if changes.iter().any(|change| change.kind != lsp::FileChangeType::Changed) {
            return self.rediscover();
        }
        for path in changes.iter().filter_map(|change| path_of(&change.uri)) {
            self.touch(&path);
        }
    }

    /// Finds the workspaces of all folders and documents.
    fn rediscover(&mut self) {
        self.state.workspaces.reset();
        self.state.documents.within(&self.state.client.folders);
        for folder in self.state.client.folders.clone() {
            self.state.workspaces.discover(&real(&folder));
        }
        let open: Vec<PathBuf> = self.state.documents.paths().map(Path::to_owned).collect();
        open.iter().for_each(|path| self.state.workspaces.touch(path));
        let roots: BTreeSet<PathBuf> = self.state.workspaces.roots().into_iter().collect();
        let gone: Vec<PathBuf> =
            self.published.keys().filter(|root| !roots.contains(*root)).cloned().collect();
        for files in gone.iter().filter_map(|root| self.published.remove(root)).collect::<Vec<_>>() {
            files.iter().for_each(|file| self.publish_one(file, &[]));
        }
        self.changed.get_or_insert_with(Instant::now);
    }

    /// Checks what has changed, and tells the client the findings.
    fn flush(&mut self) {
        self.changed = None;
        for root in self.state.workspaces.refresh(&self.state.documents) {
            self.publish(&root);
        }
    }

    fn publish(&mut self, root: &Path) {
        let Some(unit) = self.state.workspaces.unit(root) else { return };
        let mut found =
            diagnostics::by_file(unit, root, &self.state.documents, self.state.client.can.encoding);
        // A folder with several workspaces also holds the files of those below it.
        found.retain(|file, _| self.state.workspaces.unit_of(file).is_none_or(|owner| owner == root));
        let before = self.published.remove(root).unwrap_or_default();
        for file in before.iter().filter(|file| !found.contains_key(*file)) {
            self.publish_one(file, &[]);
        }
        for (file, diagnostics) in &found {
            let pulled = self.state.client.pulls && self.state.documents.at(file).is_some();
            if !pulled {
                self.publish_one(file, diagnostics);
            }
        }
        self.published.insert(root.to_owned(), found.into_keys().collect());
    }

    fn publish_one(&self, file: &Path, diagnostics: &[lsp::Diagnostic]) {
        let Some(uri) = self.state.documents.uri(file) else { return };
        let mut params = json!({"uri": uri, "diagnostics": diagnostics});
        if let (Some(document), Value::Object(params)) = (self.state.documents.at(file), &mut params) {
            params.insert("version".to_owned(), json!(document.version));
        }
        self.tell("textDocument/publishDiagnostics", params);
    }

    fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        let answer = if self.stopping {
            Err((ErrorCode::InvalidRequest, "the server is shutting down".to_owned()))
        } else {
            self.answer(&method, params)
        };
        self.send(match answer {
            Ok(result) => Response { id, response_result: Ok(result) },
            Err((code, message)) => Response::new_err(id, number(code), message),
        });
    }

    fn answer(&mut self, method: &str, params: Value) -> Result<Value, (ErrorCode, String)> {
        match method {
            "shutdown" => {
                self.stopping = true;
                return Ok(Value::Null);
            }
            "workspace/executeCommand" => return self.execute(&params),
            _ => {}
        }
        let Some(answer) = answers::by_method(method) else {
            return Err((ErrorCode::MethodNotFound, format!("unknown method `{method}`")));
        };
        let Some(here) = Here::of(&params, &mut self.state) else { return Ok(Value::Null) };
        if answer.fresh && self.state.workspaces.is_stale() {
            self.flush();
        }
        let Answered { result, warning } = (answer.run)(&mut self.state, &here, &params)
            .map_err(|message| (ErrorCode::RequestFailed, message))?;
        if let Some(message) = warning {
            self.tell("window/showMessage", json!({"type": 2, "message": message}));
        }
        Ok(result)
    }

    /// Runs a command of the server: shows the explanation of a code.
    fn execute(&self, params: &Value) -> Result<Value, (ErrorCode, String)> {
        let command = params.get("command").and_then(Value::as_str).unwrap_or_default();
        if command != hints::EXPLAIN {
            return Err((ErrorCode::InvalidRequest, format!("unknown command `{command}`")));
        }
        let code = params.pointer("/arguments/0").and_then(Value::as_str).unwrap_or_default();
        let Some(text) = hints::explanation(code) else { return Ok(Value::Null) };
        self.tell("window/showMessage", json!({"type": 3, "message": text}));
        Ok(json!(text))
    }
}

/// The number of an error of the protocol.
fn number(code: ErrorCode) -> i32 {
    match code {
        ErrorCode::InvalidRequest => -32600,
        ErrorCode::MethodNotFound => -32601,
        _ => -32803,
    }
}

/// Reads parameters; malformed ones are ignored.
fn read<T: DeserializeOwned>(params: Value) -> Option<T> {
    serde_json::from_value(params).ok()
}
