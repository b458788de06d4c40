import { App, us_socket_local_port } from 'uWebSockets.js';
import { encodeOpenpi, float32Array, OpenpiFloat } from '@sinew/protocol/openpi';
import { onBenchGone, sayListening } from './server-line.js';

// The ceiling: takes a frame, looks at nothing, and sends a canned chunk (`canned`) or the frame itself (`echo`).

process.title = 'sinew bench echo';
const [what = 'canned', chunk = '[8,7]'] = process.argv.slice(2);
const [rows = 0, columns = 0] = JSON.parse(chunk) as number[];
const timing = { infer_ms: new OpenpiFloat(0.01) };
const canned = encodeOpenpi({
  actions: float32Array([rows, columns], new Float32Array(rows * columns).fill(0.001)),
  policy_timing: timing,
  server_timing: { ...timing, prev_total_ms: new OpenpiFloat(0.02) },
});
const greeting = encodeOpenpi({});

App()
  .ws('/*', {
    maxPayloadLength: 4_194_304,
    idleTimeout: 0,
    open: (ws) => {
      ws.send(greeting, true, false);
    },
    message: (ws, frame) => {
      ws.send(what === 'echo' ? frame : canned, true, false);
    },
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (socket === false) throw new Error('no port');
    sayListening({ port: us_socket_local_port(socket), versions: { node: process.version, answer: what } });
  });
onBenchGone(() => process.exit(0));
