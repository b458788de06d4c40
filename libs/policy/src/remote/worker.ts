import { parentPort, workerData } from 'node:worker_threads';
import { threadCpuClock } from '../onnx/thread-cpu.js';
import { connectTo } from './connect.js';
import type { FromRemote, RemoteSetup, ToRemote } from './messages.js';
import { RemoteHost } from './remote-host.js';

// The thread's entry: keeps its servers, and answers batches until it is told to close.

const port = parentPort;
if (port === null) throw new Error('the remote policy worker runs as a worker thread only');
const setup = workerData as RemoteSetup;

const post = (message: FromRemote, transfer: ArrayBuffer[]) => port.postMessage(message, transfer);
const host = new RemoteHost({ setup, connect: connectTo, post, cpu: threadCpuClock() });
port.on('message', (message: ToRemote) => {
  if (message.kind === 'run') void host.run(message);
  else {
    host.close();
    port.close();
  }
});
host.start();
