//! What the server tells the client that it can do, and what it reads from the client's own abilities.

use std::path::{Path, PathBuf};

use gen_lsp_types as lsp;
use serde_json::{Value, json};

use super::completion::Abilities;
use super::documents::path_of;
use super::hints::EXPLAIN;
use super::position::Encoding;

/// The abilities of the client. Unknown or malformed ones count as missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    pub(super) can: Abilities,
    /// Whether it asks for the findings of open documents itself.
    pub(super) pulls: bool,
    /// Whether it answers questions about settings.
    pub(super) configuration: bool,
    /// Whether it can watch files for the server.
    pub(super) watches: bool,
    /// Whether it asks for findings again if the server says so.
    pub(super) refreshes_findings: bool,
    /// The same for inlay hints.
    pub(super) refreshes_hints: bool,
    /// Whether a pattern of files to watch may have its own folder.
    pub(super) relative_patterns: bool,
    /// Whether it shows annotations of changes, and asks before it makes them.
    pub(super) annotations: bool,
    /// The folders that are open.
    pub(super) folders: Vec<PathBuf>,
}

impl Client {
    /// Reads the parameters of `initialize`.
    pub(super) fn of(params: &Value) -> Self {
        let has = |path: &str| {
            params
                .pointer(&format!("/capabilities/{path}"))
                .is_some_and(|it| *it != Value::Bool(false) && !it.is_null())
        };
        let encodings = params.pointer("/capabilities/general/positionEncodings").and_then(Value::as_array);
        let utf8 = encodings.is_some_and(|all| all.iter().any(|encoding| encoding == "utf-8"));
        Self {
            can: Abilities {
                encoding: if utf8 { Encoding::Utf8 } else { Encoding::Utf16 },
                snippets: has("textDocument/completion/completionItem/snippetSupport"),
            },
            pulls: has("textDocument/diagnostic"),
            configuration: has("workspace/configuration"),
            watches: has("workspace/didChangeWatchedFiles/dynamicRegistration"),
            refreshes_findings: has("workspace/diagnostics/refreshSupport"),
            refreshes_hints: has("workspace/inlayHint/refreshSupport"),
            relative_patterns: has("workspace/didChangeWatchedFiles/relativePatternSupport"),
            annotations: has("workspace/workspaceEdit/changeAnnotationSupport")
                && has("workspace/workspaceEdit/documentChanges"),
            folders: folders(params),
        }
    }
}

fn folders(params: &Value) -> Vec<PathBuf> {
    let uri = |value: &Value| path_of(&lsp::Uri::parse(value.as_str()?).ok()?);
    let all = params.get("workspaceFolders").and_then(Value::as_array);
    match all {
        Some(all) => all.iter().filter_map(|folder| uri(folder.get("uri")?)).collect(),
        None => params.get("rootUri").and_then(uri).into_iter().collect(),
    }
}

/// The abilities of the server.
pub(super) fn capabilities(client: &Client) -> Value {
    let encoding = match client.can.encoding {
        Encoding::Utf8 => "utf-8",
        Encoding::Utf16 => "utf-16",
    };
    let mut capabilities = json!({
        "positionEncoding": encoding,
        "textDocumentSync": {"openClose": true, "change": 2, "save": {"includeText": false}},
        "completionProvider": {"triggerCharacters": [":", " ", "-", "[", "{", ",", "$", "."]},
        "hoverProvider": true,
        "definitionProvider": true,
        "referencesProvider": true,
        "renameProvider": {"prepareProvider": true},
        "documentSymbolProvider": true,
        "foldingRangeProvider": true,
        "documentFormattingProvider": true,
        "codeActionProvider": {"codeActionKinds": ["quickfix"]},
        "codeLensProvider": {},
        "inlayHintProvider": true,
        "executeCommandProvider": {"commands": [EXPLAIN]},
        "workspace": {"workspaceFolders": {"supported": true, "changeNotifications": true}},
    });
    if client.pulls
        && let Value::Object(all) = &mut capabilities
    {
        let provider =
            json!({"identifier": "duoctl", "interFileDependencies": true, "workspaceDiagnostics": true});
        all.insert("diagnosticProvider".to_owned(), provider);
    }
    json!({"capabilities": capabilities, "serverInfo": {"name": "duoctl", "version": env!("CARGO_PKG_VERSION")}})
}

/// The request to watch the files of workspaces.
pub(super) fn watchers() -> Value {
    let globs = ["**/duo.yaml", "**/*.duo.yaml", "**/duo.yml", "**/*.duo.yml"];
    registration("duoctl-files", globs.iter().map(|glob| json!(glob)))
}

/// The request to watch a file that a setting names.
pub(super) fn watcher_of(file: &Path, client: &Client) -> Option<Value> {
    let name = file.file_name()?.to_string_lossy();
    let folder = file.parent().filter(|folder| folder.is_absolute());
    let folder = folder.and_then(|folder| lsp::Uri::from_file_path(folder).ok());
    let pattern = match folder {
        Some(folder) if client.relative_patterns => json!({"baseUri": folder, "pattern": name}),
        // Relative to the folder of a workspace, which may be any.
        _ => json!(format!("**/{name}")),
    };
    Some(registration(WATCHED_REPORT, std::iter::once(pattern)))
}

/// The name of the registration of [`watcher_of`].
const WATCHED_REPORT: &str = "duoctl-report";

/// The request to end [`watcher_of`].
pub(super) fn unwatch() -> Value {
    json!({"unregisterations": [{"id": WATCHED_REPORT, "method": WATCH}]})
}

const WATCH: &str = "workspace/didChangeWatchedFiles";

fn registration(id: &str, globs: impl Iterator<Item = Value>) -> Value {
    let watchers: Vec<Value> = globs.map(|glob| json!({"globPattern": glob})).collect();
    json!({"registrations": [{"id": id, "method": WATCH, "registerOptions": {"watchers": watchers}}]})
}
