// A stub of the editor's API, complete enough for the language client: events that the test fires, settings that it sets, and
// a record of what the extension shows.
'use strict';
const { EventEmitter } = require('node:events');
const { pathToFileURL, fileURLToPath } = require('node:url');

class Disposable {
  constructor(dispose) { this.dispose = dispose ?? (() => {}); }
  static from(...all) { return new Disposable(() => all.forEach((one) => one.dispose())); }
}
class Uri {
  constructor(text) { this.text = text; this.scheme = text.split(':')[0]; }
  static parse(text) { return new Uri(text); }
  static file(path) { return new Uri(pathToFileURL(path).href); }
  get fsPath() { return fileURLToPath(this.text); }
  get path() { return new URL(this.text).pathname; }
  toString() { return this.text; }
}
class Position { constructor(line, character) { Object.assign(this, { line, character }); } }
class Range {
  constructor(...places) {
    const [start, end] = places.length === 2 ? places : [new Position(places[0], places[1]), new Position(places[2], places[3])];
    Object.assign(this, { start, end });
  }
}
class Diagnostic { constructor(range, message, severity) { Object.assign(this, { range, message, severity }); } }
class TabInputText { constructor(uri) { this.uri = uri; } }
class CodeActionKind {
  constructor(value) { this.value = value; }
  append(part) { return new CodeActionKind(this.value ? `${this.value}.${part}` : part); }
}
for (const name of ['QuickFix', 'Refactor', 'RefactorExtract', 'RefactorInline', 'RefactorRewrite', 'Source', 'SourceOrganizeImports', 'Notebook']) {
  CodeActionKind[name] = new CodeActionKind(name);
}
CodeActionKind.Empty = new CodeActionKind('');
class CancellationTokenSource {
  constructor() { this.token = { isCancellationRequested: false, onCancellationRequested: () => new Disposable() }; }
  cancel() {}
  dispose() {}
}
class Emitter {
  constructor() {
    this.emitter = new EventEmitter();
    this.event = (listener, self) => {
      const call = self ? listener.bind(self) : listener;
      this.emitter.on('it', call);
      return new Disposable(() => this.emitter.off('it', call));
    };
  }
  fire(value) { this.emitter.emit('it', value); }
  dispose() { this.emitter.removeAllListeners(); }
}

/** A part of the API: what is not stubbed is a class, an event or a function that does nothing, by its name. */
function part(known) {
  return new Proxy(known, {
    get(target, name) {
      if (name in target || typeof name === 'symbol' || name === 'then') return target[name];
      if (/^on(Did|Will)/.test(name)) target[name] = () => new Disposable();
      else if (/^[A-Z]/.test(name)) target[name] = class { constructor(...values) { this.values = values; } };
      else target[name] = () => new Disposable();
      return target[name];
    },
  });
}

module.exports = function stub({ folder, documents = [], settings = {}, folderSettings = {}, trusted = true }) {
  const record = { errors: [], log: [], diagnostics: new Map(), commands: new Map(), executed: [], selectors: [] };
  const events = { trust: new Emitter(), configuration: new Emitter(), opened: new Emitter(), changed: new Emitter() };
  const state = { trusted, settings, folderSettings, answer: undefined };
  const defaults = require('../package.json').contributes.configuration.properties;
  const value = (key) => state.folderSettings[key] ?? state.settings[key] ?? defaults[key]?.default;
  const level = (name) => (text) => record.log.push(`${name} ${text}`);
  const channel = () => part({
    error: level('error'), warn: level('warn'), info: level('info'), debug: level('debug'), trace: level('trace'),
    append: level('append'), appendLine: level('line'), show: () => record.log.push('shown'), dispose() {},
  });
  const collection = () => part({
    set: (uri, found) => record.diagnostics.set(uri.toString(), found),
    delete: (uri) => record.diagnostics.delete(uri.toString()),
    clear: () => record.diagnostics.clear(),
    has: (uri) => record.diagnostics.has(uri.toString()),
    dispose: () => record.diagnostics.clear(),
  });
  const workspace = part({
    get isTrusted() { return state.trusted; },
    workspaceFolders: folder === undefined ? undefined : [{ uri: Uri.file(folder), name: 'folder', index: 0 }],
    textDocuments: documents.map(({ path, text }) => ({
      uri: Uri.file(path), languageId: 'yaml', version: 1, getText: () => text, isClosed: false, fileName: path,
    })),
    notebookDocuments: [],
    getConfiguration: (section) => ({
      get: (key) => value(section ? `${section}.${key}` : key),
      inspect: (key) => ({
        defaultValue: defaults[`${section}.${key}`]?.default,
        globalValue: state.settings[`${section}.${key}`],
        workspaceValue: state.folderSettings[`${section}.${key}`],
      }),
    }),
    onDidGrantWorkspaceTrust: events.trust.event,
    onDidChangeConfiguration: events.configuration.event,
    onDidOpenTextDocument: events.opened.event,
    onDidChangeTextDocument: events.changed.event,
    createFileSystemWatcher: () => part({ dispose() {} }),
    getWorkspaceFolder: () => workspace.workspaceFolders?.[0],
    fs: part({}),
  });
  const vscode = part({
    Disposable, Uri, Position, Range, Diagnostic, CodeActionKind, TabInputText, EventEmitter: Emitter, CancellationTokenSource,
    version: '1.91.0',
    env: part({ appName: 'stub', language: 'en', createTelemetryLogger: () => part({}) }),
    workspace,
    commands: part({
      registerCommand: (name, run) => { record.commands.set(name, run); return new Disposable(() => record.commands.delete(name)); },
      executeCommand: async (...call) => { record.executed.push(call); },
    }),
    languages: part({
      createDiagnosticCollection: collection,
      // Whether a selector covers a document, by the patterns that the extension uses.
      match: (selector, document) => {
        record.selectors.push(...[selector].flat());
        const path = document.uri.path;
        return [selector].flat().some(({ pattern }) => pattern === undefined ? false
          : pattern === '**/duo.yaml' ? path.endsWith('/duo.yaml') : pattern === '**/*.duo.yaml' && path.endsWith('.duo.yaml')) ? 10 : 0;
      },
    }),
    window: part({
      createOutputChannel: channel,
      showErrorMessage: async (text, ...actions) => { record.errors.push({ text, actions }); return state.answer; },
      tabGroups: part({ all: [{ tabs: documents.map(({ path }) => ({ input: new TabInputText(Uri.file(path)) })) }], onDidChangeTabs: () => new Disposable() }),
      visibleTextEditors: [],
      activeTextEditor: undefined,
    }),
    DiagnosticSeverity: { Error: 0, Warning: 1, Information: 2, Hint: 3 },
    DiagnosticTag: { Unnecessary: 1, Deprecated: 2 },
    LogLevel: { Off: 0, Trace: 1, Debug: 2, Info: 3, Warning: 4, Error: 5 },
    TextDocumentSaveReason: { Manual: 1, AfterDelay: 2, FocusOut: 3 },
    ...Object.fromEntries([
      'CompletionItemKind', 'CompletionItemTag', 'CompletionTriggerKind', 'SymbolKind', 'SymbolTag', 'FoldingRangeKind',
      'CodeActionTriggerKind', 'InlayHintKind', 'DocumentHighlightKind', 'SignatureHelpTriggerKind', 'InlineCompletionTriggerKind',
      'ProgressLocation', 'TextDocumentChangeReason', 'FileType', 'ConfigurationTarget',
    ].map((name) => [name, new Proxy({}, { get: (_, key) => (typeof key === 'string' ? 1 : undefined) })])),
  });
  return { vscode, record, events, state };
};
