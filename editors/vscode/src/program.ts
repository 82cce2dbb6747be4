// Finds the program, and checks that it has a language server.
import { execFile } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** Why the server cannot be started, for people. */
export class Unusable extends Error {}

/** What decides where the program is. */
export interface Surroundings {
  /** The setting `duoctl.path`. */
  path: string;
  /** The first folder of the workspace, if the workspace is trusted. */
  trustedFolder: string | undefined;
  env: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
}

/**
 * The absolute path of the program. A bare name is searched only in the absolute folders of `PATH`: on Windows, the system
 * would first look into the opened folder, which other people may have written.
 */
export async function find({ path, trustedFolder, env, platform }: Surroundings): Promise<string> {
  const name = path.trim() || 'duoctl';
  const windows = platform === 'win32';
  const endings = windows && !/\.(exe|com)$/i.test(name) ? ['.exe', '.com'] : [''];
  const places: string[] = [];
  if (isAbsolute(name)) {
    places.push(name);
  } else if (/[\\/]/.test(name)) {
    if (trustedFolder === undefined) {
      throw new Unusable(`\`duoctl.path\` is the relative path "${name}", which is run only in a trusted folder.`);
    }
    places.push(resolve(trustedFolder, name));
  } else {
    const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter);
    places.push(...folders.filter(isAbsolute).map((folder) => join(folder, name)));
  }
  for (const place of places.flatMap((place) => endings.map((ending) => place + ending))) {
    if (await isProgram(place, windows)) return place;
  }
  const where = isAbsolute(name) || /[\\/]/.test(name) ? `"${places[0]}" is not a program` : `"${name}" is not in PATH`;
  throw new Unusable(`duoctl was not found: ${where}. Install it, or set \`duoctl.path\`.`);
}

async function isProgram(path: string, windows: boolean): Promise<boolean> {
  try {
    await access(path, windows ? constants.F_OK : constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** Refuses a program without a language server, such as an old version. */
export async function check(program: string, cwd: string | undefined): Promise<void> {
  const asked = await run(program, ['lsp', '--help'], cwd);
  if (asked.ok) return;
  const told = await run(program, ['--version'], cwd);
  const version = /^duoctl (\S+)/.exec(told.stdout)?.[1];
  throw new Unusable(
    version === undefined
      ? `"${program}" is not duoctl, or cannot be run${asked.reason}. Correct \`duoctl.path\`.`
      : `duoctl ${version} has no language server. Update duoctl ("${program}").`,
  );
}

interface Answer {
  ok: boolean;
  stdout: string;
  reason: string;
}

function run(program: string, args: string[], cwd: string | undefined): Promise<Answer> {
  const options = { timeout: 10_000, windowsHide: true, ...(cwd === undefined ? {} : { cwd }) };
  return new Promise((done) => {
    execFile(program, args, options, (error, stdout) => {
      const reason = error && typeof error.code === 'string' ? ` (${error.code})` : '';
      done({ ok: error === null, stdout, reason });
    });
  });
}
