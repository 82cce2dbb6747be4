// Bundles the extension into one file. `vscode` is what the editor itself provides.
import { build } from 'esbuild';

await build({
  entryPoints: ['src/extension.ts'],
  outfile: process.argv[2] ?? 'dist/extension.js',
  bundle: true,
  external: ['vscode'],
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
});
