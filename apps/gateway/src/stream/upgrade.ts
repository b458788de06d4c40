import type { TemplatedApp, WebSocket } from 'uWebSockets.js';
import { BEARER_SUBPROTOCOL_PREFIX, STREAM_PATH, SUBPROTOCOL } from '@sinew/protocol';
import { v7 as uuidv7 } from 'uuid';
import type { Authenticator, Principal } from '../auth.js';
import { authFault, errorReply, type Reply, write } from '../http/reply.js';
import { bearer } from '../http/router.js';
import type { Connection } from './connection.js';
import { type BufferLimits, SocketHandle } from './socket-handle.js';

interface SocketData {
  readonly principal: Principal;
  connection: Connection | null;
}

export interface StreamDeps {
  readonly authenticator: Authenticator;
  /** Why no socket is accepted now, or null (W2). */
  readonly refusal: (requestId: string) => Reply | null;
  /** Why this customer gets no further socket now, or null. */
  readonly crowded: (principal: Principal, requestId: string) => Reply | null;
  /** What is fetched before a session may begin; bounded, and never a reason to refuse. */
  readonly prepare: (principal: Principal) => Promise<void>;
  readonly connect: (socket: SocketHandle, principal: Principal) => Connection;
  readonly disconnect: (connection: Connection) => void;
  readonly buffers: BufferLimits;
  readonly maxFrameBytes: number;
}

export interface Offer {
  /** The subprotocol to answer with: `sinew.v1`, or '' when none was offered (W1). Null: only unknown ones. */
  readonly protocol: string | null;
  /** A browser's key (W2). */
  readonly key: string | null;
}

/** W1, W2: reads `Sec-WebSocket-Protocol`. The key is an offer that is never answered, so that it is not echoed. */
export function readOffer(header: string): Offer {
  const offers = header
    .split(',')
    .map((offer) => offer.trim())
    .filter((offer) => offer !== '');
  const key = offers.find((offer) => offer.startsWith(BEARER_SUBPROTOCOL_PREFIX));
  const versions = offers.filter((offer) => offer !== key);
  const protocol = versions.includes(SUBPROTOCOL) ? SUBPROTOCOL : versions.length === 0 ? '' : null;
  return { protocol, key: key === undefined ? null : key.slice(BEARER_SUBPROTOCOL_PREFIX.length) };
}

/** `GET /v1/stream`: authenticates before the upgrade, then hands frames to the socket's connection. */
export function mountStream(app: TemplatedApp, deps: StreamDeps): void {
  app.ws<SocketData>(STREAM_PATH, {
    // W4: no compression, which is uWS's default.
    maxPayloadLength: deps.maxFrameBytes,
    // Beyond the hard limit, so that uWS never drops a frame by itself (S8).
    maxBackpressure: deps.buffers.hard + 1_048_576,
    // Pings are ours: they must count application frames as life too (W4).
    idleTimeout: 0,
    sendPingsAutomatically: false,

    upgrade: async (res, req, context) => {
      let aborted = false;
      res.onAborted(() => {
        aborted = true;
      });
      const requestId = uuidv7();
      const offer = readOffer(req.getHeader('sec-websocket-protocol'));
      const key = bearer(req.getHeader('authorization')) ?? offer.key;
      const socketKey = req.getHeader('sec-websocket-key');
      const extensions = req.getHeader('sec-websocket-extensions');
      const refuse = (reply: Reply) => {
        if (!aborted) res.cork(() => write(res, reply));
      };
      if (socketKey === '') return refuse(errorReply('bad_message', 'This endpoint speaks WebSocket', requestId));
      if (offer.protocol === null) {
        return refuse(
          errorReply('bad_message', `Offer the subprotocol ${SUBPROTOCOL}, or none`, requestId, {
            field: 'Sec-WebSocket-Protocol',
            reason: 'no known subprotocol',
          }),
        );
      }
      if (key === null) return refuse(errorReply('unauthorized', 'Send `Authorization: Bearer vla_live_…`', requestId));
      const early = deps.refusal(requestId);
      if (early !== null) return refuse(early);
      const result = await deps.authenticator.authenticate(key);
      if (result.kind !== 'ok') return refuse(authFault(result.kind, requestId));
      await deps.prepare(result.principal);
      // All this takes its time, in which a drain may have begun.
      const late = deps.refusal(requestId) ?? deps.crowded(result.principal, requestId);
      if (late !== null) return refuse(late);
      if (aborted) return;
      // Not corked: where the socket's memory stays in its place as it becomes a WebSocket, uWS's cork takes it for the HTTP
      // response that it was, may read a `Connection: close` out of it, and closes the robot's socket (1006). uWS warns on stderr
      // where the key had to be looked up first: only then is this outside its own handler.
      res.upgrade(
        { principal: result.principal, connection: null },
        socketKey,
        offer.protocol ?? '',
        extensions,
        context,
      );
    },

    open: (ws) => {
      const data = ws.getUserData();
      const handle = new SocketHandle(ws as WebSocket<unknown>, deps.buffers);
      data.connection = deps.connect(handle, data.principal);
    },
    message: (ws, frame, isBinary) => ws.getUserData().connection?.receive(frame, isBinary),
    pong: (ws) => ws.getUserData().connection?.heard(),
    ping: (ws) => ws.getUserData().connection?.heard(),
    close: (ws) => {
      const data = ws.getUserData();
      if (data.connection === null) return;
      data.connection.closed();
      deps.disconnect(data.connection);
      data.connection = null;
    },
  });
  answerWithoutUpgrade(app, STREAM_PATH);
}

/** What asks for no upgrade, uWS hands on. */
export function answerWithoutUpgrade(app: TemplatedApp, path: string): void {
  app.any(path, (res, req) => {
    const reply = errorReply('bad_message', 'This endpoint speaks WebSocket', uuidv7(), { status: 426 });
    const headOnly = req.getMethod() === 'head';
    res.cork(() => write(res, { ...reply, headers: { Upgrade: 'websocket' } }, { headOnly }));
  });
}
