import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';

// Starts a process, and a start waits for the machine.
vi.setConfig({ testTimeout: 60_000 });

const REFUSAL = '-WRONGPASS invalid username-password pair or user is disabled.\r\n';
const WORKER = fileURLToPath(new URL('../dist/main.js', import.meta.url));

test('a Redis that refuses the password is logged without it', async () => {
  const redis = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    // An answer a command; commands are arrays, and no argument here begins a line with an asterisk.
    socket.on('data', (bytes) => {
      for (const _command of bytes.toString('latin1').matchAll(/^\*\d/gm)) socket.write(REFUSAL);
    });
  });
  redis.listen(0, '127.0.0.1');
  await once(redis, 'listening');
  const { port } = redis.address() as AddressInfo;
  const worker = spawn(process.execPath, [WORKER], {
    env: {
      ...process.env,
      DATABASE_URL: 'postgresql://nobody:hunter2@127.0.0.1:1/none',
      REDIS_URL: `redis://robot:hunter2@127.0.0.1:${port}`,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(worker, 'exit');
  try {
    let log = '';
    for await (const line of createInterface({ input: worker.stderr })) {
      log += line;
      // Every way into the log: the connection's own errors, and what the queues answer.
      if (log.includes('WRONGPASS') && log.includes('the queues are away')) break;
    }
    expect(log).toContain('WRONGPASS');
    expect(log).not.toContain('hunter2');
  } finally {
    worker.kill('SIGKILL');
    await exited;
    redis.close();
  }
});
