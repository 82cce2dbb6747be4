// Drives yaml-language-server over LSP, as an editor does. One JSON request on stdin, one JSON answer on stdout.
//
//   {"folder": PATH, "documents": [{"name", "text", "complete": [[line, character]], "hover": [[line, character]], "format": SETTINGS}]}
//   -> [{"name", "diagnostics": [...], "completions": [[...]], "hovers": [...], "formatted": TEXT}]
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const request = JSON.parse(readFileSync(0, 'utf8'));
const main = createRequire(import.meta.url).resolve('yaml-language-server/bin/yaml-language-server');
const server = spawn(process.execPath, [main, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });

let buffer = Buffer.alloc(0);
let next = 0;
const waiting = new Map();
const diagnostics = new Map();
const published = [];

function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
  server.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
  server.stdin.write(body);
}

function ask(method, params) {
  const id = ++next;
  send({ id, method, params });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

const tell = (method, params) => send({ method, params });

const settings = {
  yaml: {
    validate: true, hover: true, completion: true, format: { enable: true, ...request.documents.find(({ format }) => format)?.format },
    schemaStore: { enable: false }, schemas: {}, disableDefaultProperties: false,
  },
  http: {}, '[yaml]': {}, 'vs-kubernetes': {},
};

function receive(message) {
  if (message.method === 'textDocument/publishDiagnostics') {
    diagnostics.set(message.params.uri, message.params.diagnostics);
    published.splice(0).forEach((check) => check());
  } else if (message.method === 'workspace/configuration') {
    const result = message.params.items.map(({ section }) => settings[section] ?? {});
    send({ id: message.id, result });
  } else if (message.method && message.id !== undefined) {
    send({ id: message.id, result: null });
  } else if (waiting.has(message.id)) {
    const { resolve, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    message.error ? reject(new Error(JSON.stringify(message.error))) : resolve(message.result);
  }
}

server.stdout.on('data', (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  for (;;) {
    const end = buffer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())[1]);
    if (buffer.length < end + 4 + length) return;
    const message = JSON.parse(buffer.subarray(end + 4, end + 4 + length).toString());
    buffer = buffer.subarray(end + 4 + length);
    receive(message);
  }
});
server.on('exit', (code) => { if (code) process.exit(2); });

async function diagnosed(uri) {
  while (!diagnostics.has(uri)) await new Promise((resolve) => published.push(resolve));
  return diagnostics.get(uri);
}

// The text after formatting. The server answers with one edit, or none.
async function formatted(uri, text) {
  const options = { tabSize: 2, insertSpaces: true };
  const edits = await ask('textDocument/formatting', { textDocument: { uri }, options });
  if (!edits?.length) return text;
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const place = ({ line, character }) => (starts[line] ?? text.length) + (line < starts.length ? character : 0);
  return edits.reduceRight((all, { range, newText }) => all.slice(0, place(range.start)) + newText + all.slice(place(range.end)), text);
}

const root = pathToFileURL(`${request.folder}/`).href;
await ask('initialize', {
  processId: process.pid, rootUri: root, workspaceFolders: [{ uri: root, name: 'workspace' }],
  capabilities: {
    workspace: { configuration: true },
    textDocument: {
      completion: { completionItem: { snippetSupport: true, documentationFormat: ['markdown', 'plaintext'] } },
      formatting: { dynamicRegistration: false },
      hover: { contentFormat: ['markdown', 'plaintext'] },
      publishDiagnostics: { relatedInformation: true },
    },
  },
});
tell('initialized', {});
tell('workspace/didChangeConfiguration', { settings });

const place = (name) => pathToFileURL(join(request.folder, name)).href;
for (const { name, text } of request.documents) {
  // The modeline refers to the schema by its path, as for a user.
  writeFileSync(join(request.folder, name), text);
  tell('textDocument/didOpen', { textDocument: { uri: place(name), languageId: 'yaml', version: 1, text } });
}
const answers = [];
for (const { name, text, complete = [], hover = [], format } of request.documents) {
  const uri = place(name);
  const found = await diagnosed(uri);
  const completions = [];
  for (const [line, character] of complete) {
    const list = await ask('textDocument/completion', { textDocument: { uri }, position: { line, character } });
    completions.push(list?.items ?? list ?? []);
  }
  const hovers = [];
  for (const [line, character] of hover) {
    hovers.push(await ask('textDocument/hover', { textDocument: { uri }, position: { line, character } }));
  }
  answers.push({ name, diagnostics: found, completions, hovers, formatted: format && await formatted(uri, text) });
}
await ask('shutdown', null);
tell('exit');
process.stdout.write(JSON.stringify(answers));
