#!/usr/bin/env node
// A small language server, under the name of duoctl. It writes what it receives to the file that its environment names.
import { appendFileSync } from 'node:fs';

const record = (value) => process.env.RECORD && appendFileSync(process.env.RECORD, `${JSON.stringify(value)}\n`);
const [command, option] = process.argv.slice(2);
const old = process.env.OLD_DUOCTL;
if (command === '--version') {
  console.log(old ?? 'duoctl 0.1.0');
  process.exit(0);
}
if (command !== 'lsp' || old) process.exit(64);
if (option === '--help') process.exit(0);
record({ started: process.argv[1], args: process.argv.slice(2), pid: process.pid, cwd: process.cwd() });
if (process.env.BROKEN_DUOCTL) process.exit(1);

let buffer = Buffer.alloc(0);
function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
  process.stdout.write(`Content-Length: ${body.length}\r\n\r\n`);
  process.stdout.write(body);
}
function receive({ id, method, params }) {
  if (method === undefined) return;
  record({ method, params });
  if (method === 'initialize') {
    const capabilities = { textDocumentSync: { openClose: true, change: 2 }, documentFormattingProvider: true };
    send({ id, result: { capabilities, serverInfo: { name: 'duoctl' } } });
  } else if (method === 'textDocument/didOpen') {
    const { uri } = params.textDocument;
    const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 7 } };
    const diagnostics = [{ range, severity: 1, source: 'duoctl', code: 'unknown-key', message: 'found by the server' }];
    send({ method: 'textDocument/publishDiagnostics', params: { uri, diagnostics } });
  } else if (method === 'exit') {
    process.exit(0);
  } else if (id !== undefined) {
    send({ id, result: null });
  }
}
process.stdin.on('data', (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  for (;;) {
    const end = buffer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())[1]);
    if (buffer.length < end + 4 + length) return;
    receive(JSON.parse(buffer.subarray(end + 4, end + 4 + length).toString()));
    buffer = buffer.subarray(end + 4 + length);
  }
});
process.stdin.on('end', () => process.exit(0));
