// How fast the language server is, and the processor time of an edit, next to yaml-language-server in the same run. By
// hand, with a release build:
//
//   node tests/editor/latency.mjs target/release/duoctl [APPLICATIONS]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const program = resolve(process.argv[2] ?? 'target/release/duoctl');
const applications = Number(process.argv[3] ?? 10000);
const EDITS = 20;
const QUESTIONS = 5;

const HEAD = 'version: 1\nworkspace: bench\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n';
const entry = (n) => `  vpn-${n}:\n    type: radius\n    name: VPN of branch ${n}\n    user_access: permitted_groups\n    `
  + `groups_allowed: [VPN Users, Contractors]\n    policy: Require trusted endpoints\n    greeting: Branch ${n}\n`;
const block = (from, to) => `applications:\n${Array.from({ length: to - from }, (_, n) => entry(from + n)).join('')}`;

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const round = (number) => Math.round(number);

/** Edits and questions in the middle of a document. */
function measure(command, files, name, extra) {
  const folder = mkdtempSync(join(tmpdir(), 'duoctl-latency-'));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const text = files[name];
  const lines = text.split('\n');
  const middle = lines.findIndex((line, index) => index > lines.length / 2 && line.startsWith('    greeting'));
  const end = lines[middle].length;
  const at = (line, character) => ({ line, character });
  const steps = [...extra, { open: name, text }];
  for (let edit = 0; edit < EDITS; edit += 1) {
    steps.push({ change: name, text: 'x', range: { start: at(middle, end + edit), end: at(middle, end + edit) } });
  }
  steps.push({ change: name, text: '\n    ', range: { start: at(middle, end + EDITS), end: at(middle, end + EDITS) } });
  // Each question comes after an edit: what is known of the old text is of no use then.
  const asked = (method, position) => {
    const range = { start: at(middle, end), end: at(middle, end) };
    steps.push({ change: name, text: 'y', range }, { ask: `textDocument/${method}`, name, params: { position } });
  };
  for (let question = 0; question < QUESTIONS; question += 1) asked('completion', at(middle + 1, 4));
  for (let question = 0; question < QUESTIONS; question += 1) asked('hover', at(middle - 2, 8));
  const input = JSON.stringify({ command, folder, steps });
  const run = spawnSync(process.execPath, [join(here, 'lsp.mjs')], { input, maxBuffer: 1 << 30, encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  if (run.status !== 0) throw new Error(run.stderr);
  const all = JSON.parse(run.stdout);
  const times = (slice) => slice.map(({ milliseconds }) => milliseconds);
  const begin = 1 + extra.length;
  const [opened] = times(all.slice(begin, begin + 1));
  const edits = times(all.slice(begin + 1, begin + 1 + EDITS));
  const used = all[begin + EDITS].processor - all[begin + 1].processor;
  const answers = times(all.slice(begin + 2 + EDITS, begin + 2 + EDITS + 4 * QUESTIONS)).filter((_, index) => index % 2 === 1);
  const completions = answers.slice(0, QUESTIONS);
  const hovers = answers.slice(QUESTIONS);
  return {
    'first findings': `${round(opened)} ms`, 'after an edit': `${round(median(edits))} ms`,
    slowest: `${round(Math.max(...edits))} ms`, processor: `${round(used / (EDITS - 1))} ms`, completion: `${round(median(completions))} ms`,
    hover: `${round(median(hovers))} ms`, memory: `${round(all.at(-1).kilobytes / 1024)} MB`,
  };
}

const one = { 'duo.yaml': HEAD + block(0, applications) };
const FILES = 50;
const each = applications / FILES;
const many = { 'duo.yaml': HEAD };
for (let file = 0; file < FILES; file += 1) many[`part-${file}.duo.yaml`] = block(file * each, (file + 1) * each);
const table = {
  'duoctl lsp, one file': measure([program, 'lsp'], one, 'duo.yaml', []),
  [`duoctl lsp, ${FILES} files`]: measure([program, 'lsp'], many, 'part-25.duo.yaml', []),
};
const yls = createRequire(import.meta.url).resolve('yaml-language-server/bin/yaml-language-server');
const schema = spawnSync(program, ['schema'], { encoding: 'utf8' }).stdout;
const modeline = '# yaml-language-server: $schema=duoctl.schema.json\n';
const theirs = { 'duoctl.schema.json': schema, 'duo.yaml': modeline + one['duo.yaml'] };
table['yaml-language-server, one file'] = measure([process.execPath, yls, '--stdio'], theirs, 'duo.yaml', []);
console.table(table);
