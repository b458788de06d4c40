import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { moving, scriptedModels } from '../testing/scripted-models.js';
import { KEY, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

const run = promisify(execFile);
const PROBE = fileURLToPath(new URL('../testing/openpi-probe.py', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../../libs/sdk/examples/python/openpi_robot.py', import.meta.url));
const QUERY = '?robot_type=franka_panda&workspace=-0.5,-0.5,0,0.5,0.5,0.6';

// `.ci/services` installs openpi-client where the package index has it for this Python.
const python = process.env.SINEW_TEST_PYTHON ?? 'python3';
const found = spawnSync(python, ['-c', 'import openpi_client.websocket_client_policy'], { encoding: 'utf8' });

let server: TestGateway;
beforeAll(async () => {
  server = await startTestGateway({
    models: await scriptedModels({ run: moving(0.02) }),
    settings: { openpi_port: 0, openpi_defaults: 'robot_type=franka_panda' },
    openpiKey: KEY,
  });
});
afterAll(() => server.stop());
const url = () => `${server.http.replace('http', 'ws')}/v1/openpi`;

if (found.status !== 0) {
  test.skip(`NOT RUN, openpi's own client: no openpi-client for ${python}`, () => expect.unreachable());
} else {
  test('[O1] [O3] [O4] [O8] openpi’s own client infers, executes chunks and is told what is wrong', async () => {
    const { stdout } = await run(python, [PROBE, `${url()}${QUERY}`, KEY], { timeout: 60_000 });
    expect(JSON.parse(stdout)).toMatchObject({
      metadata: { robot_type: 'franka_panda', action_horizon: 8, action_dim: 7 },
      replies: [
        { dtype: 'float32', shape: [8, 7], server_timing: ['infer_ms'] },
        { keys: ['actions', 'policy_timing', 'server_timing'], server_timing: ['infer_ms', 'prev_total_ms'] },
        { server_timing: ['infer_ms', 'prev_total_ms'] },
      ],
      nan: expect.stringContaining('validation_failed: state: every entry must be finite'),
      close: [1011, expect.stringContaining('validation_failed')],
      refused: 401,
      large: [8, 7],
    });
  });

  test('the example runs, named path and key', async () => {
    const { stdout } = await run(python, [EXAMPLE, url(), KEY, '3'], { timeout: 60_000 });
    expect(stdout.match(/^chunk float32 \(8, 7\)/gm)).toHaveLength(3);
  });

  test('[O9] the port of its own serves a client that names a host and a port and nothing else', async () => {
    const script = [
      'import sys, urllib.request, numpy as np',
      'from openpi_client.websocket_client_policy import WebsocketClientPolicy',
      "print(urllib.request.urlopen(f'http://127.0.0.1:{sys.argv[1]}/healthz').read())",
      'policy = WebsocketClientPolicy("127.0.0.1", int(sys.argv[1]))',
      "reply = policy.infer({'observation/image': np.zeros((96, 96, 3), np.uint8), 'state': np.array([0, 0, .2, 0, 0, 0, 1]), 'prompt': 'pick up the cube'})",
      "print(reply['actions'].shape)",
    ].join('\n');
    const { stdout } = await run(python, ['-c', script, String(server.gateway.openpiPort)], { timeout: 60_000 });
    expect(stdout.trim().split('\n')).toEqual(["b'OK\\n'", '(8, 7)']);
  });
}
