import { expect, test } from 'vitest';
import { startTestGateway } from './testing/test-gateway.js';

test('a gateway comes back to the port that was picked for it while its last connections are being forgotten', async () => {
  const first = await startTestGateway({ settings: { port: 0 } });
  const robot = await first.robot();
  // The server closes first, so that the connection's end stays on its port.
  const stopped = first.stop();
  expect((await robot.closed()).code).toBe(4503);
  await stopped;
  const second = await startTestGateway({ settings: { port: first.gateway.port } });
  expect(second.gateway.port).toBe(first.gateway.port);
  await second.stop();
});
