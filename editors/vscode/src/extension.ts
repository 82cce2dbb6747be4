// The client of `duoctl lsp`. Everything that it shows comes from the server.
import * as vscode from 'vscode';
import { CloseAction, ErrorAction, LanguageClient, type ErrorHandler, type LanguageClientOptions } from 'vscode-languageclient/node';

import { check, find, Unusable } from './program';

const SECTION = 'duoctl';
const FILES = ['**/duo.yaml', '**/*.duo.yaml'];
const SETTINGS = 'Open settings';
const LOG = 'Show log';

let client: LanguageClient | undefined;
let log: vscode.LogOutputChannel;
/** Starts and stops run one after the other. */
let turn: Promise<void> = Promise.resolve();

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  log = vscode.window.createOutputChannel('duoctl', { log: true });
  context.subscriptions.push(
    log,
    vscode.commands.registerCommand('duoctl.restart', restart),
    vscode.workspace.onDidGrantWorkspaceTrust(restart),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${SECTION}.path`)) void restart();
    }),
  );
  await restart();
}

export async function deactivate(): Promise<void> {
  await inTurn(stop);
}

function restart(): Promise<void> {
  return inTurn(async () => {
    await stop();
    await start();
  });
}

function inTurn(work: () => Promise<void>): Promise<void> {
  turn = turn.then(work).catch(report);
  return turn;
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  if (running) await end(running);
}

/** A server that did not start, or ended, cannot be stopped: that must not prevent a new one. */
async function end(running: LanguageClient): Promise<void> {
  await running.dispose().catch((error: unknown) => log.warn(String(error)));
}

async function start(): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const cwd = folder?.scheme === 'file' ? folder.fsPath : undefined;
  const program = await find({
    path: path(),
    trustedFolder: vscode.workspace.isTrusted ? cwd : undefined,
    env: process.env,
    platform: process.platform,
  });
  await check(program, cwd);
  const settings = vscode.workspace.getConfiguration(SECTION);
  // The client restarts a server that ends, but not one that did not start, or that was replaced.
  let started: LanguageClient | undefined;
  let usual: ErrorHandler | undefined;
  const stopped = { action: CloseAction.DoNotRestart, handled: true };
  const errorHandler: ErrorHandler = {
    error: (...what) => usual?.error(...what) ?? { action: ErrorAction.Continue },
    closed: () => (client !== undefined && client === started && usual ? usual.closed() : stopped),
  };
  const options: LanguageClientOptions = {
    errorHandler,
    documentSelector: FILES.map((pattern) => ({ scheme: 'file', pattern })),
    initializationOptions: { snapshot: settings.get<string>('snapshot'), plan: settings.get<string>('plan') },
    synchronize: { configurationSection: SECTION },
    outputChannel: log,
  };
  const server = { command: program, args: ['lsp'], ...(cwd ? { options: { cwd } } : {}) };
  started = new LanguageClient(SECTION, 'duoctl', server, options);
  usual = started.createDefaultErrorHandler();
  try {
    await started.start();
  } catch (error) {
    await end(started);
    throw error;
  }
  client = started;
}

/** The setting of the user. That of a folder counts only if the folder is trusted, whatever the editor has filtered. */
function path(): string {
  const settings = vscode.workspace.getConfiguration(SECTION);
  if (vscode.workspace.isTrusted) return settings.get<string>('path') ?? '';
  const known = settings.inspect<string>('path');
  return known?.globalValue ?? known?.defaultValue ?? '';
}

function report(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  log.error(message);
  const known = error instanceof Unusable;
  const shown = known ? message : `duoctl's language server does not start: ${message}`;
  // Not awaited: the message stays until it is answered.
  void vscode.window.showErrorMessage(shown, known ? SETTINGS : LOG).then((answer) => {
    if (answer === SETTINGS) void vscode.commands.executeCommand('workbench.action.openSettings', `${SECTION}.path`);
    if (answer === LOG) log.show();
  });
}
