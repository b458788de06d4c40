import {
  App,
  type us_listen_socket,
  us_listen_socket_close,
  us_socket_local_port,
  type WebSocket,
} from 'uWebSockets.js';
import { PacerWheel } from '@sinew/control';
import type { ModelCatalogue } from '@sinew/gateway';
import {
  type Action,
  decodeClientFrame,
  encodeServerMessage,
  type ModelDescription,
  type Opened,
  STREAM_PATH,
  SUBPROTOCOL,
  TickFrames,
} from '@sinew/protocol';
import type { Metrics } from '@sinew/telemetry';

interface Robot {
  /** Null until its first observation. */
  ticks: number | null;
}

/**
 * What the same robots, sockets and frames cost where nothing is done with a frame: a canned action at each control tick, on
 * a timer of one millisecond. No check, no policy, no governor, no journal: the ceiling of what a gateway could be, for no robot.
 */
export class BareGateway {
  readonly port: number;
  readonly #listening: us_listen_socket;
  readonly #timer: NodeJS.Timeout;

  private constructor(listening: us_listen_socket, timer: NodeJS.Timeout) {
    this.#listening = listening;
    this.#timer = timer;
    this.port = us_socket_local_port(listening);
  }

  static async start(models: ModelCatalogue, metrics: Metrics, now: () => number): Promise<BareGateway> {
    const model = [...models][0];
    if (model === undefined) throw new Error('no model to describe');
    const dim = model.description.action_dim;
    const frames = new TickFrames();
    const action: Action = {
      type: 'action',
      seq: 0,
      observation_seq: 0,
      values: new Float64Array(dim).fill(0.001),
      age_ms: 0.5,
      safety: { score: 1, checks_passed: 4, flags: [], clamped: false },
      latency: { queue_ms: 0.5, inference_ms: 0.5, total_ms: 0.5 },
      log_id: 1,
    };
    const wheel = new PacerWheel<WebSocket<Robot>>();
    const emit = (ws: WebSocket<Robot>, n: number, dueMs: number): void => {
      metrics.tickJitter.observe(Math.abs(now() - dueMs) / 1_000);
      action.seq = n;
      ws.send(frames.action(action), true, false);
    };
    let hz = 0;
    const app = App()
      .ws<Robot>(STREAM_PATH, {
        maxPayloadLength: 4_194_304,
        idleTimeout: 0,
        upgrade: (res, req, context) =>
          res.upgrade(
            { ticks: null },
            req.getHeader('sec-websocket-key'),
            SUBPROTOCOL,
            req.getHeader('sec-websocket-extensions'),
            context,
          ),
        message: (ws, frame) => {
          const robot = ws.getUserData();
          if (robot.ticks === null) {
            // The first frame is `open`: what it asks for is read once, for the rate.
            const asked = decodeClientFrame(new Uint8Array(frame));
            if (!asked.ok || asked.message.type !== 'open' || !('robot_type' in asked.message)) return ws.close();
            hz = asked.message.control_hz ?? model.bundle.manifest.control_hz;
            robot.ticks = -1;
            ws.send(opened(model.description, hz), true, false);
          } else if (robot.ticks < 0) {
            robot.ticks = 0;
            wheel.add(ws, now(), hz);
          }
        },
        close: (ws) => wheel.remove(ws),
      })
      .get('/metrics', (res) => {
        res.onAborted(() => {});
        void metrics.registry.metrics().then((page) => res.cork(() => res.end(page)));
      });
    const timer = setInterval(() => wheel.advance(now() + 0.5, emit), 1);
    const listening = await new Promise<us_listen_socket>((resolve, reject) => {
      app.listen('127.0.0.1', 0, (socket) => (socket === false ? reject(new Error('no port')) : resolve(socket)));
    });
    return new BareGateway(listening, timer);
  }

  stop(): void {
    clearInterval(this.#timer);
    us_listen_socket_close(this.#listening);
  }
}

const opened = (model: ModelDescription, hz: number): Uint8Array => {
  const message: Opened = {
    type: 'opened',
    session_id: '01900000-0000-7000-8000-000000000000',
    resume_token: '',
    epoch: 1,
    resumed: false,
    estopped: false,
    control_hz: hz,
    pacing: 'paced',
    limits: { max_frame_bytes: 4_194_304, stale_after_ms: 500 },
    server_time_ms: 0,
    robot: {},
    model,
  };
  return encodeServerMessage(message);
};
