// Installs and builds what is missing, so that `npm start` and `npm test` work on a fresh clone. Runs before anything is
// installed: Node's own modules only. npm skips `prestart` and `pretest` here (`.npmrc` has ignore-scripts), hence this.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeTurn } from './one-at-a-time.js';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const WORKSPACES = ['libs', 'apps'];
const BUILD_STAMP = join(ROOT, 'node_modules', '.sinew-built');

/** Refuses a Node that cannot run this, in words instead of a stack trace. */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  process.stderr.write(`sinew needs Node 20.19 or newer, this is ${process.version} (${process.execPath}).\n`);
  process.exit(1);
}

/** Progress goes to stderr: stdout belongs to the command that follows. */
export async function bootstrap() {
  checkNode();
  if (isInstalled() && isBuilt(newestSource())) return;
  // Two first commands at once would install into each other's folders.
  const release = await takeTurn(join(ROOT, '.bootstrap.lock'), () =>
    process.stderr.write('sinew: another command is installing or building; waiting for it …\n'),
  );
  try {
    await installAndBuild();
  } finally {
    release();
  }
}

async function installAndBuild() {
  if (!isInstalled()) await install();
  const newest = newestSource();
  if (!isBuilt(newest)) {
    const started = new Date();
    await step('building', [process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'), '-b', '--pretty']);
    // The stamp carries the time before the build: a file saved while it ran counts as newer.
    stamp(started);
  }
}

function stamp(time) {
  try {
    writeFileSync(BUILD_STAMP, '');
    utimesSync(BUILD_STAMP, time, time);
  } catch (error) {
    // An installation that cannot be written to: the compiler looks again next time, which costs a moment and no more.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
  }
}

/** Exactly what the lock file says; where `npm ci` cannot have that, as near as can be. */
async function install() {
  const what = 'installing packages';
  const fresh = !existsSync(join(ROOT, 'node_modules'));
  if (fresh && (await step(what, npmCommand(['ci']), { last: false }))) return;
  await step(what, npmCommand(['install', '--no-save']));
}

/** npm writes this file last: an interrupted install does not have it. */
function isInstalled() {
  const installed = modified(join(ROOT, 'node_modules/.package-lock.json'));
  return installed > 0 && installed >= modified(join(ROOT, 'package-lock.json'));
}

function isBuilt(newest) {
  // Without the compiler (installed with --omit=dev) what was built elsewhere is used as it is.
  if (!existsSync(join(ROOT, 'node_modules/typescript/bin/tsc'))) {
    if (existsSync(join(ROOT, 'apps/cli/dist/main.js'))) return true;
    process.stderr.write('sinew is not built, and its compiler is not installed. Install it: npm ci --include=dev\n');
    process.exit(1);
  }
  const missing = projects().some((project) => !existsSync(join(project, 'dist/.tsbuildinfo')));
  return !missing && newest < modified(BUILD_STAMP);
}

/** Every TypeScript project of the workspace. */
function projects() {
  const folders = WORKSPACES.flatMap((group) =>
    entries(join(ROOT, group)).map((entry) => join(ROOT, group, entry.name)),
  );
  return [...folders, join(ROOT, 'bench')].filter((folder) => existsSync(join(folder, 'tsconfig.json')));
}

/** Folders count as well: a deleted file changes only its folder. */
function newestSource() {
  const settings = ['tsconfig.json', 'package.json'];
  const shared = [join(ROOT, 'tsconfig.json'), join(ROOT, '.config/tsconfig.base.json')].map(modified);
  const own = projects().flatMap((project) => [
    ...settings.map((name) => modified(join(project, name))),
    newestIn(join(project, 'src')),
  ]);
  return Math.max(...shared, ...own);
}

function newestIn(folder) {
  let newest = modified(folder);
  for (const entry of entries(folder)) {
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestIn(path) : modified(path));
  }
  return newest;
}

const entries = (folder) => (existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []);
const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** The npm that started us, where one did; else the one on the PATH. */
function npmCommand(args) {
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const own = process.env.npm_execpath ?? '';
  if (basename(own) === 'npm-cli.js') return [process.execPath, own, ...args, ...flags];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', ...args, ...flags];
}

/** Whether it went well; where there is nothing else to try (`last`), failing ends the process. */
async function step(what, [command, ...args], { last = true } = {}) {
  const started = performance.now();
  process.stderr.write(`sinew: ${what} …\n`);
  const code = await runCommand(command, args);
  if (code === 0) {
    process.stderr.write(`sinew: ${what} done in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
    return true;
  }
  const hint = code === null ? 'was interrupted' : `failed (exit ${code}); the lines above say why`;
  process.stderr.write(`sinew: ${what} ${hint}. By hand: ${[basename(command), ...args.map(shorten)].join(' ')}\n`);
  if (last || code === null) process.exit(code ?? 130);
  return false;
}

const shorten = (word) => word.replace(ROOT, '');

/** The exit code, or null when a signal ended it. A signal sent to this process alone is passed on. */
function runCommand(command, args) {
  return new Promise((resolve) => {
    // Its output is progress too, and belongs on stderr with ours.
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
    const forward = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward);
    const finish = (code) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, forward);
      resolve(code);
    };
    child.once('error', (error) => {
      process.stderr.write(`sinew: cannot run ${command}: ${error.message}\n`);
      finish(127);
    });
    child.once('exit', finish);
  });
}
