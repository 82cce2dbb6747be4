//! The loop: messages of the client in, answers and findings out. Everything happens on one thread, in order.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gen_lsp_types as lsp;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::config::files;
use crate::config::load::Terms;

use super::answers::{self, Answered};
use super::diagnostics;
use super::documents::{Documents, path_of, real};
use super::findings::{Findings, Report, Way};
use super::hints;
use super::protocol::{Client, capabilities, unwatch, watcher_of, watchers};
use super::settings::{Reports, Settings};
use super::state::{Here, State};
use super::workspaces::Workspaces;

/// How long the server waits for more changes before it checks the YAML: a client sends a question right after a change,
/// and that is answered first.
const QUIET: Duration = Duration::from_millis(10);

/// The longest time without a check while changes keep coming.
const PATIENCE: Duration = Duration::from_millis(200);

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
        findings: Findings::default(),
        reports: Reports::new(settings),
    };
    let mut server = Server {
        connection,
        state,
        asked: 0,
        settings: None,
        watched: None,
        waiting: Vec::new(),
        changed: None,
        elsewhere: false,
        stopping: false,
    };
    server.begin();
    Ok(server.run())
}

struct Server<'c> {
    connection: &'c Connection,
    state: State,
    /// The id of the newest request.
    asked: i32,
    /// The id of the newest request for settings.
    settings: Option<RequestId>,
    /// The plan that the client watches.
    watched: Option<PathBuf>,
    /// Requests for all findings from a client that has them already: they are answered when there are others.
    waiting: Vec<(RequestId, Value)>,
    /// When the first change came that is not checked yet.
    changed: Option<Instant>,
    /// Whether something changed that is not an edit.
    elsewhere: bool,
    stopping: bool,
}

impl Server<'_> {
    fn begin(&mut self) {
        if self.state.client.watches {
            self.ask("client/registerCapability", watchers());
        }
        self.watch_plan();
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

    fn ask(&mut self, method: &str, params: Value) -> RequestId {
        self.asked += 1;
        self.send(Request { id: self.asked.into(), method: method.to_owned(), params });
        self.asked.into()
    }

    fn ask_for_settings(&mut self) {
        if self.state.client.configuration {
            let params = json!({"items": [{"section": "duoctl"}]});
            self.settings = Some(self.ask("workspace/configuration", params));
        }
    }

    fn response(&mut self, response: Response) {
        if self.settings.as_ref() == Some(&response.id)
            && let Ok(Value::Array(values)) = response.response_result
            && let Some(value) = values.first().filter(|value| value.is_object())
        {
            self.set(Settings::from(value));
        }
    }

    fn set(&mut self, settings: Settings) {
        if self.state.reports.settings != settings {
            self.state.reports.settings = settings;
            self.watch_plan();
            self.refresh_hints();
        }
    }

    /// Asks the client to watch the plan that the settings name.
    fn watch_plan(&mut self) {
        let plan = self.state.reports.settings.plan.clone();
        if !self.state.client.watches || plan == self.watched {
            return;
        }
        if self.watched.take().is_some() {
            self.ask("client/unregisterCapability", unwatch());
        }
        if let Some(watcher) = plan.as_ref().and_then(|plan| watcher_of(plan, &self.state.client)) {
            self.ask("client/registerCapability", watcher);
            self.watched = plan;
        }
    }

    fn refresh_hints(&mut self) {
        if self.state.client.refreshes_hints {
            self.ask("workspace/inlayHint/refresh", Value::Null);
        }
    }

    fn notification(&mut self, told: Notification) {
        let Notification { method, params } = told;
        match method.as_str() {
            "textDocument/didOpen" => {
                let opened = read(params).and_then(|it: lsp::DidOpenTextDocumentParams| {
                    self.state.documents.open(it.text_document)
                });
                opened.iter().for_each(|path| self.touch(path));
            }
            "textDocument/didChange" => {
                let encoding = self.state.client.can.encoding;
                let changed = read(params).and_then(|it| self.state.documents.change(it, encoding));
                changed.iter().for_each(|path| self.touch(path));
            }
            "textDocument/didClose" => {
                let uri = params.pointer("/textDocument/uri").and_then(|uri| lsp::Uri::deserialize(uri).ok());
                let closed = uri.and_then(|uri| self.state.documents.close(&uri));
                self.elsewhere |= closed.is_some();
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
                    self.set(Settings::from(settings));
                }
            }
            "$/cancelRequest" => {
                let id = params.get("id").and_then(|id| RequestId::deserialize(id).ok());
                self.cancel(ErrorCode::RequestCanceled, |waiting| Some(waiting) == id.as_ref());
            }
            _ => {}
        }
    }

    fn touch(&mut self, path: &Path) {
        self.state.workspaces.touch(&real(path));
        self.changed.get_or_insert_with(Instant::now);
    }

    fn files_changed(&mut self, params: Value) {
        let Some(changes) = read(params).map(|it: lsp::DidChangeWatchedFilesParams| it.changes) else {
            return;
        };
        self.elsewhere = true;
        let found = |change: &lsp::FileEvent| {
            change.kind != lsp::FileChangeType::Changed
                && path_of(&change.uri).is_some_and(|path| files::is_near(&path))
        };
        if changes.iter().any(found) {
            return self.rediscover();
        }
        for path in changes.iter().filter_map(|change| path_of(&change.uri)) {
            self.touch(&path);
        }
        if self.state.reports.plan_changed() {
            self.refresh_hints();
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
        self.state.findings.keep(&self.state.workspaces.roots());
        self.elsewhere = true;
        self.changed.get_or_insert_with(Instant::now);
    }

    /// Checks what has changed, and tells the client the findings.
    fn flush(&mut self) {
        self.changed = None;
        for root in self.state.workspaces.refresh(&self.state.documents) {
            let Some(unit) = self.state.workspaces.unit(&root) else { continue };
            let encoding = self.state.client.can.encoding;
            let mut found = diagnostics::by_file(unit, &root, &self.state.documents, encoding);
            // A folder with several workspaces also holds the files of those below it.
            found.retain(|file, _| self.state.workspaces.unit_of(file).is_none_or(|owner| owner == root));
            self.state.findings.set(&root, found);
        }
        self.publish();
        for (id, params) in std::mem::take(&mut self.waiting) {
            self.report(id, params);
        }
        if std::mem::take(&mut self.elsewhere) && self.state.client.refreshes_findings {
            self.ask("workspace/diagnostic/refresh", Value::Null);
        }
        if self.state.reports.plan_changed() {
            self.refresh_hints();
        }
    }

    /// Sends the findings that the client does not ask for.
    fn publish(&mut self) {
        let State { documents, client, findings, .. } = &mut self.state;
        let waits = !self.waiting.is_empty();
        let send = findings.unsent(|file| match documents.at(file).is_some() {
            open if client.pulls && (open || waits) => Way::Asked,
            true => Way::Sent,
            false => Way::SentIfNew,
        });
        for (file, found) in send {
            self.publish_one(&file, &found);
        }
    }

    /// Answers a request for all findings, as soon as the client does not have them.
    fn report(&mut self, id: RequestId, params: Value) {
        let State { documents, findings, .. } = &self.state;
        let known = params.get("previousResultIds").and_then(Value::as_array).into_iter().flatten();
        let known = known.filter_map(|known| {
            let uri = lsp::Uri::deserialize(known.get("uri")?).ok()?;
            Some((real(&path_of(&uri)?), known.get("value")?.as_str()?.to_owned()))
        });
        let known = known.collect();
        let Some(reports) = findings.unknown_to(&known) else {
            self.waiting.push((id, params));
            return;
        };
        let item = |report: Report<'_>| {
            let kind = if report.found.is_some() { "full" } else { "unchanged" };
            let mut item = Map::from_iter([
                ("uri".to_owned(), json!(documents.uri(report.file)?)),
                ("version".to_owned(), json!(documents.at(report.file).map(|document| document.version))),
                ("kind".to_owned(), json!(kind)),
            ]);
            item.extend(report.number.map(|number| ("resultId".to_owned(), json!(number.to_string()))));
            item.extend(report.found.map(|found| ("items".to_owned(), json!(found))));
            Some(Value::Object(item))
        };
        let items: Vec<Value> = reports.into_iter().filter_map(item).collect();
        self.send(Response { id, response_result: Ok(json!({"items": items})) });
    }

    /// Ends requests that wait.
    fn cancel(&mut self, code: ErrorCode, which: impl Fn(&RequestId) -> bool) {
        let (ended, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(id, _)| which(id));
        self.waiting = waiting;
        for (id, _) in ended {
            self.send(Response::new_err(id, number(code), "the request is cancelled".to_owned()));
        }
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
        if method == "workspace/diagnostic" && !self.stopping {
            if self.state.workspaces.is_stale() {
                self.flush();
            }
            self.report(id, params);
            return self.publish();
        }
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
                self.cancel(ErrorCode::ServerCancelled, |_| true);
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
        ErrorCode::RequestCanceled => -32800,
        ErrorCode::ServerCancelled => -32802,
        _ => -32803,
    }
}

/// Reads parameters; malformed ones are ignored.
fn read<T: DeserializeOwned>(params: Value) -> Option<T> {
    serde_json::from_value(params).ok()
}
