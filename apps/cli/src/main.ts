import { readFileSync } from 'node:fs';
import { nearestName } from '@sinew/config';
import { type Command, commandHelp, type Terminal } from './command.js';
import { Failure, UsageError } from './failure.js';

/** In the order of the help. Each is loaded when it runs: `sinew robots list` needs no database driver. */
const COMMANDS = {
  up: ['run everything on this machine, supervised', async () => (await import('./commands/up.js')).up],
  gateway: ['run one gateway', async () => (await import('./commands/services.js')).gateway],
  worker: ['run one job worker', async () => (await import('./commands/services.js')).worker],
  shipper: ['run the journal shipper of one gateway', async () => (await import('./commands/services.js')).shipper],
  migrate: ['bring the database to the current schema', async () => (await import('./commands/migrate.js')).migrate],
  customers: ['list and change customers', async () => (await import('./commands/customers.js')).customers],
  keys: ['create, list, rotate and revoke API keys', async () => (await import('./commands/keys.js')).keys],
  consent: ['what customers allow to be kept', async () => (await import('./commands/consent.js')).consent],
  data: ['export or erase what is kept about a customer', async () => (await import('./commands/data.js')).data],
  robots: ['list and show the robot types', async () => (await import('./commands/robots.js')).robots],
  sim: ['stream simulated robots to a gateway', async () => (await import('./commands/sim.js')).sim],
  logs: ['show what was inferred', async () => (await import('./commands/logs.js')).logs],
  replay: [
    'feed recorded sessions through the control loop again',
    async () => (await import('./commands/replay.js')).replay,
  ],
  record: [
    'record a session as it goes on, for Foxglove and Rerun',
    async () => (await import('./commands/record.js')).record,
  ],
  incidents: ['show safety incidents', async () => (await import('./commands/incidents.js')).incidents],
  'estop-clear': ['release the e-stop of a robot', async () => (await import('./commands/estop-clear.js')).estopClear],
  infer: ['one inference from one image file', async () => (await import('./commands/infer.js')).infer],
} as const satisfies Record<string, readonly [string, () => Promise<Command>]>;

type CommandName = keyof typeof COMMANDS;
export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];

const systemTerminal: Terminal = {
  env: process.env,
  isTty: process.stdout.isTTY === true,
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
};

/** Runs one command and leaves its exit code in `process.exitCode`. */
export async function main(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Robots are driven on, whether or not anybody still reads what `up` says (`sinew up --json | head -1`).
      if (argv[0] === 'up') return;
      process.exit(error.code === 'EPIPE' ? 0 : 1);
    });
  }
  process.exitCode = await runCommand(argv, systemTerminal);
}

export async function runCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...args] = argv;
  try {
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      terminal.out(overview());
      return name === undefined ? 2 : 0;
    }
    if (name === '--version' || name === '-v') {
      terminal.out(version());
      return 0;
    }
    if (!isCommand(name)) {
      const near = nearestName(name, Object.keys(COMMANDS));
      throw new UsageError(`there is no command "${name}"${near === undefined ? '' : `; did you mean ${near}?`}`, [
        'sinew --help lists them',
      ]);
    }
    const command = await COMMANDS[name][1]();
    if (wantsHelp(args)) {
      terminal.out(commandHelp(command));
      return 0;
    }
    return await command.run(args, terminal);
  } catch (error) {
    if (isFileTrouble(error)) {
      terminal.err(`sinew: ${error.message}`);
      return 1;
    }
    if (!(error instanceof Failure)) throw error;
    for (const line of error.message.split('\n')) terminal.err(`sinew: ${line}`);
    for (const line of error.advice) terminal.err(`       ${line}`);
    return error.exitCode;
  }
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length)) + 2;
  const list = Object.entries(COMMANDS).map(([name, [summary]]) => `  ${name.padEnd(width)}${summary}`);
  return [
    'usage: sinew COMMAND [options]',
    '',
    ...list,
    '',
    'sinew COMMAND --help shows the options of one; sinew --version says which this is.',
  ].join('\n');
}

function version(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** No permission, no space, no such place: says enough by itself. */
const isFileTrouble = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && 'syscall' in error && 'path' in error;

const isCommand = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name);

const wantsHelp = (args: readonly string[]): boolean => {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  return own.includes('--help') || own.includes('-h');
};
