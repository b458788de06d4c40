import { describe, expect, it } from 'vitest';
import type { Terminal } from './command.js';
import { COMMAND_NAMES, runCommand } from './main.js';

async function run(argv: string[], env: Record<string, string> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const terminal: Terminal = { env, isTty: false, out: (line) => out.push(line), err: (line) => err.push(line) };
  const code = await runCommand(argv, terminal);
  return { code, out, err };
}

describe('sinew', () => {
  it('lists its commands', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    for (const name of COMMAND_NAMES) expect(out.join('\n')).toContain(`  ${name} `);
  });

  it('without a command is a mistake, and shows the same', async () => {
    expect(await run([])).toEqual({ ...(await run(['help'])), code: 2 });
  });

  it.each(COMMAND_NAMES)('%s --help shows how it is used', async (name) => {
    const { code, out } = await run([name, '--help']);
    expect(code).toBe(0);
    expect(out.join('\n')).toContain(`usage: sinew ${name}`);
  });

  it('says its version', async () => {
    const { code, out } = await run(['--version']);
    expect({ code, out }).toEqual({ code: 0, out: [expect.stringMatching(/^\d+\.\d+\.\d+$/)] });
  });

  it('a mistyped command names the nearest', async () => {
    expect(await run(['gatway'])).toEqual({
      code: 2,
      out: [],
      err: ['sinew: there is no command "gatway"; did you mean gateway?', '       sinew --help lists them'],
    });
  });

  it('a mistyped flag names the nearest, a bad value what is allowed, all at once', async () => {
    const { code, err } = await run(['up', '--prot', '1', '--robots', '0'], { SINEW_DRAIN_MS: 'soon' });
    expect(code).toBe(2);
    expect(err).toEqual([
      'sinew: SINEW_DRAIN_MS must be a whole number from 0 to 600000, not "soon"',
      'sinew: --prot is not known here; did you mean --port?',
      'sinew: --robots must be a whole number from 1 to 10000, not "0"',
      '       sinew up --help lists what there is',
    ]);
  });

  it('settings that contradict each other are refused before anything starts', async () => {
    const { code, err } = await run(['up', '--soft-limit-bytes', '500000', '--hard-limit-bytes', '400000']);
    expect(code).toBe(2);
    expect(err[0]).toContain('SINEW_SOFT_LIMIT_BYTES (500000) must be below');
  });

  it('a stray word is refused', async () => {
    expect(await run(['up', 'now'])).toMatchObject({
      code: 2,
      err: ['sinew: sinew up takes no "now"', expect.anything()],
    });
  });
});

describe('sinew robots', () => {
  it('lists every robot type, as a table and as one line of JSON', async () => {
    const table = await run(['robots', 'list']);
    const { out } = await run(['robots', 'list', '--json']);
    expect(out).toHaveLength(1);
    const list = JSON.parse(out[0]!) as { id: string }[];
    expect(list.map((robot) => robot.id)).toContain('franka_panda');
    expect(table.out).toHaveLength(list.length + 1);
  });

  it('shows one with its limits', async () => {
    const { code, out } = await run(['robots', 'show', 'franka_panda']);
    expect(code).toBe(0);
    expect(out.join('\n')).toMatch(/panda_joint1 +-2\.897 … 2\.897 +2\.175/);
    expect(JSON.parse((await run(['robots', 'show', 'franka_panda', '--json'])).out[0]!)).toMatchObject({ dof: 7 });
  });

  it('shows by alias too: where limits are from, which point is held, and which checks apply', async () => {
    const text = (await run(['robots', 'show', 'panda'])).out.join('\n');
    expect(text).toMatch(/^franka_panda\n/);
    expect(text).toMatch(/speed m\/s +0\.25 mode +1\.7\n/);
    expect(text).toMatch(/tool point +between the fingertips of the Franka Hand/);
    expect(text).toMatch(/\ncheck +ee_delta +joint_position +joint_delta +joint_velocity\n/);
    expect(text).toMatch(/\njoint_limits +no +yes +yes +yes\n/);
    expect(text).toContain('source of the geometry: github:frankarobotics/docs');
    const [json] = (await run(['robots', 'show', 'ur5', '--json'])).out;
    expect(JSON.parse(json!)).toMatchObject({
      geometry: { convention: 'dh' },
      limits: { full: { cartesian: { a: { origin: 'derived' } } } },
      action_spaces: { joint_position: { refused: null } },
    });
  });

  it('names the nearest to one it does not know', async () => {
    const { code, err } = await run(['robots', 'show', 'franka_pnda']);
    expect(code).toBe(1);
    expect(err[1]).toContain('franka_panda');
  });
});

it('client commands say what to do when nothing runs', async () => {
  const env = { SINEW_DATA_DIR: '/nonexistent/sinew' };
  expect(await run(['infer', 'x.jpg', 'pick up the red cube'], env)).toMatchObject({
    code: 1,
    err: ['sinew: no instance of sinew runs on /nonexistent/sinew', expect.stringContaining('npm start')],
  });
  expect(await run(['logs'], env)).toMatchObject({
    code: 1,
    err: ['sinew: nothing has run on /nonexistent/sinew yet', expect.stringContaining('npm start')],
  });
});
