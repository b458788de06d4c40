// Loaded into the processes of an instance under test by NODE_OPTIONS=--import: threads cannot be killed or stopped from
// outside their process, and a heap cannot be measured after a collection. The product itself runs unchanged.
import { existsSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, threadId } from 'node:worker_threads';

const dir = process.env.CHAOS_DIR;
const LOOK_EVERY_MS = 25;

/** Takes a demand away from every other thread. */
function claim(demand) {
  const path = join(dir, demand);
  if (!existsSync(path)) return false;
  const mine = `${path}.${process.pid}.${threadId}`;
  try {
    renameSync(path, mine);
  } catch {
    return false;
  }
  unlinkSync(mine);
  return true;
}

if (dir !== undefined && !isMainThread && process.argv[1]?.endsWith('/onnx/worker.js')) {
  // While it loads it is nobody's yet: what dies then is tried again and again, what hangs then is another question.
  let ready = false;
  const post = parentPort.postMessage;
  parentPort.postMessage = (message, transfer) => {
    if (message?.kind === 'ready') ready = true;
    post.call(parentPort, message, transfer);
  };
  setInterval(() => {
    if (!ready) return;
    if (claim('policy-thread-exit')) process.exit(3);
    if (claim('policy-thread-throw'))
      queueMicrotask(() => {
        throw new Error('chaos: a fault in the policy thread');
      });
    if (claim('policy-thread-hang')) for (;;);
  }, LOOK_EVERY_MS).unref();
}

if (dir !== undefined && isMainThread) {
  process.on('SIGUSR2', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    for (let i = 0; i < 3; i++) gc();
    const { heapUsed, rss, external, arrayBuffers } = process.memoryUsage();
    const resources = {};
    for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
    const path = join(dir, `memory-${process.pid}.json`);
    writeFileSync(`${path}.part`, JSON.stringify({ heapUsed, rss, external, arrayBuffers, resources }));
    renameSync(`${path}.part`, path);
  });
}
