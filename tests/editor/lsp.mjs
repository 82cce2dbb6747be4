// Drives `duoctl lsp` with the protocol library of VS Code. One JSON request on stdin, one JSON answer on stdout.
//
//   {"command": [PROGRAM, ...], "folder": PATH, "abilities": {...}, "options": {...}, "steps": [...]}
//
// Steps, each with one answer: {"open": NAME, "text"}, {"change": NAME, "text", "range"?}, {"ask": METHOD, "name",
// "params"?}, {"findings": NAME}. Opening and changing answer with the findings that the server publishes next, and after
// how many milliseconds; asking with the result and the milliseconds. The last answer is {"exit": CODE, "told": [...]}.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const { createProtocolConnection } = require('vscode-languageserver-protocol/node');

const request = JSON.parse(readFileSync(0, 'utf8'));
const [program, ...args] = request.command;
const server = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
const connection = createProtocolConnection(server.stdout, server.stdin);
const ended = new Promise((resolve) => server.on('exit', resolve));

const told = [];
const found = new Map();
let published = [];
const versions = new Map();
connection.onNotification('textDocument/publishDiagnostics', ({ uri, version, diagnostics }) => {
  found.set(uri, diagnostics);
  const waiting = published;
  published = [];
  // Findings of an older text are not those that are waited for.
  waiting.forEach((check) => check(version === undefined || version >= versions.get(uri) ? uri : ''));
});
connection.onNotification('window/showMessage', (message) => told.push(message));
connection.onRequest('workspace/configuration', ({ items }) => items.map(() => request.options ?? {}));
connection.onRequest('client/registerCapability', () => null);
connection.listen();

const place = (name) => pathToFileURL(join(request.folder, name)).href;
const next = async (uri) => {
  for (;;) if ((await new Promise((resolve) => published.push(resolve))) === uri) return found.get(uri);
};

const root = pathToFileURL(`${request.folder}/`).href;
const initialized = await connection.sendRequest('initialize', {
  processId: process.pid, rootUri: root, workspaceFolders: [{ uri: root, name: 'workspace' }],
  capabilities: request.abilities ?? {}, initializationOptions: request.options ?? {},
});
await connection.sendNotification('initialized', {});

/** The processor time of the server so far, which a busy machine does not change; only Linux tells. */
const processor = () => {
  try {
    const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return null;
  }
};

const answers = [initialized];
for (const step of request.steps) {
  const start = performance.now();
  const elapsed = () => performance.now() - start;
  const name = step.open ?? step.change ?? step.name ?? step.findings;
  const uri = place(name);
  if (step.open !== undefined) {
    versions.set(uri, 1);
    const findings = next(uri);
    await connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'yaml', version: 1, text: step.text },
    });
    answers.push({ findings: await findings, milliseconds: elapsed() });
  } else if (step.change !== undefined) {
    versions.set(uri, versions.get(uri) + 1);
    const findings = next(uri);
    await connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: versions.get(uri) },
      contentChanges: [step.range ? { range: step.range, text: step.text } : { text: step.text }],
    });
    answers.push({ findings: await findings, milliseconds: elapsed(), processor: processor() });
  } else if (step.ask !== undefined) {
    const params = { textDocument: { uri }, ...step.params };
    const result = await connection.sendRequest(step.ask, params).catch((error) => ({ error: error.message }));
    answers.push({ result, milliseconds: elapsed() });
  } else {
    answers.push({ findings: found.get(uri) ?? null });
  }
}
let kilobytes = null;
try {
  kilobytes = Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]);
} catch { /* Only Linux tells. */ }
await connection.sendRequest('shutdown');
await connection.sendNotification('exit');
answers.push({ exit: await ended, told, kilobytes });
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
