// Drives the bundle with a stub of the editor's API and a small server; with DUOCTL set, also with that program.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const stub = require('./vscode.cjs');
const root = realpathSync(mkdtempSync(join(tmpdir(), 'duoctl-vscode-')));
const bundle = join(root, 'extension.js');
const TEXT = 'version: 1\nworkspce: acme\n';
const env = { ...process.env };
let folder, bin, log, running;

before(() => { execFileSync(process.execPath, ['build.mjs', bundle], { cwd: join(here, '..') }); });
after(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  folder = mkdtempSync(join(root, 'folder-'));
  bin = mkdtempSync(join(root, 'bin-'));
  log = join(bin, 'record');
  writeFileSync(join(folder, 'duo.yaml'), TEXT);
  process.env.PATH = `${bin}:${dirname(process.execPath)}`;
  process.env.RECORD = log;
});
afterEach(async () => {
  await running?.extension.deactivate();
  running = undefined;
  const alive = ({ pid }) => { try { return process.kill(pid, 0); } catch { return false; } };
  await until('the end of every server', () => !starts().some(alive));
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
});

/** Puts the server somewhere, under a name. */
function install(place, name = 'duoctl') {
  mkdirSync(place, { recursive: true });
  // A package of its own, since the file has no ending that tells node its form.
  writeFileSync(join(place, 'package.json'), '{"type": "module"}');
  copyFileSync(join(here, 'server.mjs'), join(place, name));
  chmodSync(join(place, name), 0o755);
  return join(place, name);
}

/** Loads the bundle anew, with a stub as its `vscode`, and activates it. */
async function activate(options = {}) {
  const documents = [{ path: join(folder, 'duo.yaml'), text: TEXT }, ...(options.documents ?? [])];
  const editor = stub({ folder, ...options, documents });
  const load = Module._load;
  Module._load = (name, ...rest) => (name === 'vscode' ? editor.vscode : load(name, ...rest));
  try {
    delete require.cache[bundle];
    running = { ...editor, extension: require(bundle), context: { subscriptions: [] } };
  } finally {
    Module._load = load;
  }
  await running.extension.activate(running.context);
  return running;
}

const received = () => existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
const starts = () => received().filter(({ started }) => started);

async function until(what, condition) {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const found = condition();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`waited in vain for ${what}: ${JSON.stringify([received(), running?.record.log, running?.record.errors]).slice(-2500)}`);
}

test('diagnostics of the server reach the editor, for the files of duoctl only', async () => {
  install(bin);
  const others = [['a.duo.yaml', true], ['other.yaml', false], ['my-duo.yaml', false]].map(([name, ours]) => ({ path: join(folder, name), text: TEXT, ours }));
  const { record, vscode } = await activate({ documents: others });
  const uri = vscode.Uri.file(join(folder, 'duo.yaml')).toString();
  const [found] = await until('diagnostics', () => record.diagnostics.get(uri));
  assert.equal(found.message, 'found by the server');
  await until('the second file', () => record.diagnostics.get(vscode.Uri.file(others[0].path).toString()));
  const opened = received().filter(({ method }) => method === 'textDocument/didOpen').map(({ params }) => params.textDocument.uri);
  assert.deepEqual(opened.sort(), [uri, vscode.Uri.file(others[0].path).toString()].sort());
  assert.deepEqual(record.errors, []);
  assert.equal(starts()[0].cwd, folder);
  assert.deepEqual(starts()[0].args, ['lsp']);
});

test('the settings are sent when the server starts', async () => {
  install(bin);
  await activate({ folderSettings: { 'duoctl.snapshot': 'names.json', 'duoctl.plan': 'plan.json' } });
  const { params } = await until('initialize', () => received().find(({ method }) => method === 'initialize'));
  assert.deepEqual(params.initializationOptions, { snapshot: 'names.json', plan: 'plan.json' });
  assert.ok(params.capabilities.workspace.configuration, 'the server may ask for them again');
});

test('the command restarts the server, and so does a change of the path, once each', async () => {
  install(bin);
  const { record, events, state } = await activate();
  await record.commands.get('duoctl.restart')();
  assert.equal(starts().length, 2);
  const other = install(mkdtempSync(join(root, 'other-')));
  state.settings['duoctl.path'] = other;
  events.configuration.fire({ affectsConfiguration: (name) => name === 'duoctl.plan' });
  events.configuration.fire({ affectsConfiguration: (name) => name === 'duoctl.path' });
  await until('the third start', () => starts().length === 3);
  assert.equal(starts()[2].started, other);
  assert.equal(received().filter(({ method }) => method === 'exit').length, 2, 'the earlier ones ended');
});

test('a missing program is said, with what to do', async () => {
  const { record, state } = await activate();
  assert.match(record.errors[0].text, /^duoctl was not found: "duoctl" is not in PATH\. Install it, or set `duoctl\.path`\.$/);
  state.answer = record.errors[0].actions[0];
  await record.commands.get('duoctl.restart')();
  await until('the settings', () => record.executed.some(([name, what]) => name === 'workbench.action.openSettings' && what === 'duoctl.path'));
  install(bin);
  await record.commands.get('duoctl.restart')();
  assert.equal(starts().length, 1, 'it works once the program is there');
});

test('a program that is too old, or another one, is said', async () => {
  const program = install(bin);
  process.env.OLD_DUOCTL = 'duoctl 0.0.9';
  const { record } = await activate();
  assert.equal(record.errors[0].text, `duoctl 0.0.9 has no language server. Update duoctl ("${program}").`);
  process.env.OLD_DUOCTL = 'something else';
  await record.commands.get('duoctl.restart')();
  assert.match(record.errors[1].text, /is not duoctl/);
  assert.equal(starts().length, 0);
});

test('a server that ends at once is said, and can be restarted', async () => {
  install(bin);
  process.env.BROKEN_DUOCTL = '1';
  const { record } = await activate();
  assert.match(record.errors.at(-1).text, /does not start/);
  delete process.env.BROKEN_DUOCTL;
  await record.commands.get('duoctl.restart')();
  await until('diagnostics', () => record.diagnostics.size > 0);
});

test('a server that ends later is started again', async () => {
  install(bin);
  const { record } = await activate();
  // It is idle: the client gives up on a server that breaks off in the middle of a message.
  await until('diagnostics', () => record.diagnostics.size > 0);
  await until('the settings', () => received().some(({ method }) => method === 'workspace/didChangeConfiguration'));
  process.kill(starts()[0].pid);
  await until('the second start', () => starts().length === 2);
});

test('a folder that is not trusted does not choose the program', async () => {
  const evil = install(join(folder, 'evil'));
  install(bin);
  const { events, state } = await activate({ trusted: false, folderSettings: { 'duoctl.path': evil } });
  assert.deepEqual(starts().map(({ started }) => started), [join(bin, 'duoctl')]);
  state.trusted = true;
  events.trust.fire();
  await until('the restart', () => starts().length === 2);
  assert.equal(starts()[1].started, evil, 'after it was trusted, it does');
});

test('a relative path and a relative folder in PATH are not run without trust', async () => {
  install(folder);
  install(join(folder, 'bin'));
  const before = process.cwd();
  process.chdir(folder);
  try {
    process.env.PATH = `.:bin:${dirname(process.execPath)}`;
    const { record, state } = await activate({ trusted: false, settings: { 'duoctl.path': './duoctl' } });
    assert.match(record.errors[0].text, /only in a trusted folder/);
    state.settings['duoctl.path'] = 'duoctl';
    await record.commands.get('duoctl.restart')();
    assert.match(record.errors[1].text, /is not in PATH/);
    assert.equal(starts().length, 0);
    state.settings['duoctl.path'] = './duoctl';
    state.trusted = true;
    await record.commands.get('duoctl.restart')();
    assert.equal(starts().length, 1);
  } finally {
    process.chdir(before);
  }
});

test('the manifest restricts what an untrusted folder may set', () => {
  const { capabilities, contributes, activationEvents } = require('../package.json');
  assert.equal(capabilities.untrustedWorkspaces.supported, 'limited');
  assert.deepEqual(capabilities.untrustedWorkspaces.restrictedConfigurations, ['duoctl.path']);
  assert.equal(contributes.configuration.properties['duoctl.path'].scope, 'machine-overridable');
  assert.ok(activationEvents.includes('workspaceContains:**/duo.yaml'));
});

const duoctl = process.env.DUOCTL;
const served = duoctl !== undefined && spawnSync(duoctl, ['lsp', '--help']).status === 0;
test('duoctl itself serves the bundle', { skip: !served && 'DUOCTL is not a program with `duoctl lsp`' }, async () => {
  const { record, vscode } = await activate({ settings: { 'duoctl.path': duoctl } });
  const uri = vscode.Uri.file(join(folder, 'duo.yaml')).toString();
  const found = await until('diagnostics', () => record.diagnostics.get(uri)?.length && record.diagnostics.get(uri));
  assert.ok(found.some(({ message }) => message.includes('workspce')), JSON.stringify(found));
  assert.deepEqual(record.errors, []);
});
