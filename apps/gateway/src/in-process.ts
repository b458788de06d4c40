import type { WebSocket } from 'uWebSockets.js';
import { createMemoryState } from '@sinew/cache';
import type { JournalWriter } from '@sinew/journal';
import { ConsentCache } from '@sinew/privacy';
import type { Logger, Metrics } from '@sinew/telemetry';
import type { Principal } from './auth.js';
import type { Clock } from './clock.js';
import type { ModelCatalogue } from './models.js';
import type { PacerTimer } from './pacer.js';
import { composeSessions } from './session/compose.js';
import type { OpenSettings } from './session/open.js';
import type { SessionRegistry } from './session/registry.js';
import { Connection, type ConnectionSettings } from './stream/connection.js';
import { SocketHandle } from './stream/socket-handle.js';

export type { Connection } from './stream/connection.js';

/** The part of a socket that a session writes to. `send` must copy: its bytes are written over by the next frame. */
export interface ClientEnd {
  send(bytes: Uint8Array): void;
  /** The server ends the connection. */
  end(code: number, reason: string): void;
}

export interface InProcessDeps {
  readonly settings: OpenSettings & ConnectionSettings & { max_frame_bytes: number; resume_window_ms: number };
  readonly clock: Clock;
  readonly timer: PacerTimer;
  readonly journal: JournalWriter;
  readonly models: ModelCatalogue;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export interface InProcessGateway {
  readonly sessions: SessionRegistry;
  /** A robot's socket is up. Frames of the client go to the connection's `receive`, its end to `closed`. */
  connect(client: ClientEnd): Connection;
  /** Every 250 ms of whatever time it is: what no frame and no tick would notice. */
  sweep(): void;
  close(): Promise<void>;
}

/** Whoever connects: an enterprise customer's key, whose limits are not what is looked at here. */
const PRINCIPAL: Principal = {
  customerId: '01900000-0000-7000-8000-000000000001',
  keyId: '01900000-0000-7000-8000-0000000000a1',
  tier: 'enterprise',
  scopes: new Set(['stream']),
  operator: false,
  limits: null,
};
const BUFFERS = { soft: 262_144, hard: 4_194_304 };

/**
 * A gateway's sessions without its sockets, its HTTP side and its clock: connections, gates, control loops, pacer and
 * scheduler are the gateway's own. For measurements under a virtual clock; nothing here listens anywhere.
 */
export function serveInProcess(deps: InProcessDeps): InProcessGateway {
  const { clock, metrics, settings } = deps;
  const connections = new Set<Connection>();
  const { customers, opener, pacer, places, refusals, refusedInstructions, registry } = composeSessions({
    ...deps,
    settings: { ...settings, metrics_customer_labels: false },
    shared: createMemoryState(() => clock.now()),
    consents: new ConsentCache(async () => new Map(), { now: () => clock.now(), wall: () => clock.now() }),
    usedInMonth: async () => new Map(),
    wallNow: () => clock.now(),
    opened: () => {},
    exhausted: () => {},
  });
  return {
    sessions: registry,
    connect: (client) => {
      const socket = new SocketHandle(socketOf(client), BUFFERS);
      const account = customers.of(PRINCIPAL);
      const connection = new Connection(socket, PRINCIPAL, clock, opener, metrics, refusals, account, places, settings);
      connections.add(connection);
      return connection;
    },
    sweep: () => {
      const now = clock.now();
      for (const connection of connections) {
        if (connection.socket.open) connection.sweep(now);
        else connections.delete(connection);
      }
      for (const session of registry) session.sweep(now);
      refusedInstructions.sweep();
      refusals.sweep();
    },
    close: async () => {
      for (const session of [...registry]) session.close('drained', null);
      pacer.stop();
      refusals.close();
      refusedInstructions.close();
      places.close();
      await customers.close();
    },
  };
}

/** What `SocketHandle` asks of a socket; a client here takes what it is sent at once. */
function socketOf({ send, end }: ClientEnd): WebSocket<unknown> {
  const socket = {
    getBufferedAmount: () => 0,
    send: (bytes: Uint8Array) => {
      send(bytes);
      return 1;
    },
    end,
    ping: () => 1,
    cork: (work: () => void) => {
      work();
      return socket;
    },
  };
  return socket as unknown as WebSocket<unknown>;
}
