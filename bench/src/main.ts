import { BenchError, type Command, commandHelp } from './command.js';

/** Loaded when called: `micro` needs no model runtime, `load --url` no gateway. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  load: async () => (await import('./load/load-command.js')).load,
  micro: async () => (await import('./micro/micro-command.js')).micro,
  delay: async () => (await import('./delay/delay-command.js')).delay,
  smoothing: async () => (await import('./smoothing/smoothing-command.js')).smoothing,
  rest: async () => (await import('./rest/rest-command.js')).rest,
  batch: async () => (await import('./batch/batch-command.js')).batch,
  soak: async () => (await import('./soak/soak-command.js')).soak,
  data: async () => (await import('./data/data-command.js')).data,
  fleet: async () => (await import('./fleet/fleet-command.js')).fleet,
  report: async () => (await import('./report/report-command.js')).report,
  compare: async () => (await import('./compare/compare-command.js')).compare,
  peers: async () => (await import('./peers/peers-command.js')).peers,
};

/** Leaves the exit code in `process.exitCode`: 0 measured, 1 not, 2 no such command. */
export async function main(argv: readonly string[]): Promise<void> {
  const [name, ...rest] = argv;
  const find = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name];
  if (name === undefined || find === undefined) {
    const help = name === '--help' || name === '-h' || name === 'help';
    const text = await overview();
    if (help) process.stdout.write(text);
    else process.stderr.write(`${name === undefined ? '' : `bench: there is no command "${name}"\n\n`}${text}`);
    process.exitCode = help ? 0 : 2;
    return;
  }
  const command = await find();
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(`${commandHelp(name, command)}\n`);
    return;
  }
  try {
    const { result, lines, json, exitCode } = await command.run(rest, name);
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${lines.join('\n')}\n`);
    if (exitCode !== undefined) process.exitCode = exitCode;
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    for (const line of error.message.split('\n')) process.stderr.write(`bench: ${line}\n`);
    process.exitCode = 1;
  }
}

async function overview(): Promise<string> {
  const lines = ['usage: npm run bench -- COMMAND [options]', ''];
  for (const [name, find] of Object.entries(COMMANDS)) lines.push(`  ${name.padEnd(11)}${(await find()).summary}`);
  return `${[...lines, '', 'npm run bench -- COMMAND --help shows its options.'].join('\n')}\n`;
}
