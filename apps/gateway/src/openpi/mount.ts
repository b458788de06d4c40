import type { TemplatedApp, WebSocket } from 'uWebSockets.js';
import { v7 as uuidv7 } from 'uuid';
import type { Authenticator, Principal } from '../auth.js';
import { authFault, errorReply, type Reply, write } from '../http/reply.js';
import type { ModelCatalogue } from '../models.js';
import type { Refusal } from '../session/open.js';
import type { BufferLimits } from '../stream/socket-handle.js';
import { answerWithoutUpgrade } from '../stream/upgrade.js';
import type { OpenpiConnection } from './connection.js';
import { OpenpiSocket } from './openpi-socket.js';
import { type OpenpiParameters, readParameters } from './parameters.js';

interface SocketData {
  readonly principal: Principal;
  readonly parameters: OpenpiParameters;
  connection: OpenpiConnection | null;
}

export interface OpenpiMount {
  readonly authenticator: Authenticator;
  readonly models: ModelCatalogue;
  /** A query that every connection's own goes before. */
  readonly defaults: string;
  /** Whom a client without any key is; null: it is refused. */
  readonly keyOfOthers: string | null;
  /** Why no socket is accepted now, or null. */
  readonly refusal: (requestId: string) => Reply | null;
  readonly crowded: (principal: Principal, requestId: string) => Reply | null;
  readonly prepare: (principal: Principal) => Promise<void>;
  /** Why no session would come of it now, or null. */
  readonly judge: (parameters: OpenpiParameters, principal: Principal) => Refusal | null;
  readonly connect: (socket: OpenpiSocket, principal: Principal, parameters: OpenpiParameters) => OpenpiConnection;
  readonly disconnect: (connection: OpenpiConnection) => void;
  readonly buffers: BufferLimits;
  readonly maxFrameBytes: number;
}

function refusalReply({ code, details, field, message, reason }: Refusal, requestId: string): Reply {
  return errorReply(code, message, requestId, { field, reason, details });
}

/** `Api-Key` is what openpi's client sends. */
export function readKey(header: string): string | null {
  return /^(?:Api-Key|Bearer) +(\S+)$/i.exec(header)?.[1] ?? null;
}

/** Speaks openpi at `path`: what is wrong with the key or the query is answered before the upgrade, over HTTP. */
export function mountOpenpi(app: TemplatedApp, path: string, mount: OpenpiMount): void {
  app.ws<SocketData>(path, {
    // No compression, as openpi's own ends; pings are ours, and count with frames.
    maxPayloadLength: mount.maxFrameBytes,
    maxBackpressure: mount.buffers.hard + 1_048_576,
    idleTimeout: 0,
    sendPingsAutomatically: false,

    upgrade: async (res, req, context) => {
      let aborted = false;
      res.onAborted(() => {
        aborted = true;
      });
      const requestId = uuidv7();
      // Any page in a browser on this machine may open a socket to it, and the browser says so: a page is nobody's client.
      const others = req.getHeader('origin') === '' ? mount.keyOfOthers : null;
      const key = readKey(req.getHeader('authorization')) ?? others;
      const socketKey = req.getHeader('sec-websocket-key');
      const extensions = req.getHeader('sec-websocket-extensions');
      const query = req.getQuery() ?? '';
      const refuse = (reply: Reply) => {
        if (!aborted) res.cork(() => write(res, reply));
      };
      if (socketKey === '') return refuse(errorReply('bad_message', 'This endpoint speaks WebSocket', requestId));
      if (key === null)
        return refuse(errorReply('unauthorized', 'Send `Authorization: Api-Key vla_live_…`', requestId));
      const early = mount.refusal(requestId);
      if (early !== null) return refuse(early);
      const read = readParameters(query, mount.defaults, mount.models);
      if (!read.ok) {
        const { field, reason } = read;
        return refuse(errorReply('validation_failed', `${field}: ${reason}`, requestId, { field, reason }));
      }
      const result = await mount.authenticator.authenticate(key);
      if (result.kind !== 'ok') return refuse(authFault(result.kind, requestId));
      await mount.prepare(result.principal);
      const late = mount.refusal(requestId) ?? mount.crowded(result.principal, requestId);
      if (late !== null) return refuse(late);
      // Here a client is told why; once it has a socket it waits for metadata, and makes nothing of a text.
      const judged = mount.judge(read.parameters, result.principal);
      if (judged !== null) return refuse(refusalReply(judged, requestId));
      if (aborted) return;
      // Not corked, as in stream/upgrade.ts. Subprotocols mean nothing here, and none is answered.
      const data = { principal: result.principal, parameters: read.parameters, connection: null };
      res.upgrade(data, socketKey, '', extensions, context);
    },

    open: (ws) => {
      const data = ws.getUserData();
      const socket = new OpenpiSocket(ws as WebSocket<unknown>, mount.buffers);
      data.connection = mount.connect(socket, data.principal, data.parameters);
      void data.connection.open();
    },
    message: (ws, frame, isBinary) => ws.getUserData().connection?.receive(frame, isBinary),
    pong: (ws) => ws.getUserData().connection?.heard(),
    ping: (ws) => ws.getUserData().connection?.heard(),
    close: (ws) => {
      const data = ws.getUserData();
      if (data.connection === null) return;
      data.connection.closed();
      mount.disconnect(data.connection);
      data.connection = null;
    },
  });
  answerWithoutUpgrade(app, path);
}

/** The paths of openpi's own server: the wire at `/`, whose clients name no path, and its health. */
export function mountOpenpiPort(app: TemplatedApp, mount: OpenpiMount): void {
  mountOpenpi(app, '/', mount);
  app.get('/healthz', (res) => {
    res.cork(() => write(res, { status: 200, body: 'OK\n', contentType: 'text/plain; charset=utf-8' }));
  });
  app.any('/*', (res) => {
    res.cork(() => write(res, errorReply('not_found', 'No such endpoint', uuidv7())));
  });
}
