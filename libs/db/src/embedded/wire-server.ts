import { type AddressInfo, createServer, type Server } from 'node:net';
import { Backend } from './backend.js';
import { Connection, type ConnectionRules, type StartTimer } from './connection.js';
import type { Engine } from './engine.js';
import { startHousekeeping } from './housekeeping.js';
import { errorResponse } from './wire-frames.js';

export interface WireServerOptions {
  readonly engine: Engine;
  readonly password: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly idleInTransactionMs?: number;
  readonly startTimer?: StartTimer;
  readonly engineFailed: (cause: unknown) => void;
}

export interface WireServer {
  readonly port: number;
  /** Says good-bye to every client, rolls back what they left open and closes the engine. */
  close(): Promise<void>;
}

export const EMBEDDED_USER = 'postgres';
export const EMBEDDED_DATABASE = 'postgres';

const MAX_CONNECTIONS = 200;
/** What PostgreSQL reports at a connection's start and drivers decide by. */
const REPORTED = [
  'server_version',
  'server_encoding',
  'client_encoding',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'integer_datetimes',
  'standard_conforming_strings',
  'in_hot_standby',
  'default_transaction_read_only',
];

/** PostgreSQL's wire protocol on a socket, in front of an engine that has one session only. */
export async function startWireServer(options: WireServerOptions): Promise<WireServer> {
  const backend = new Backend(options.engine);
  const parameters = new Map<string, string>();
  for (const name of REPORTED) parameters.set(name, await backend.firstValue(`SHOW ${name}`));
  parameters.set('session_authorization', EMBEDDED_USER);
  parameters.set('is_superuser', 'on');
  const rules: ConnectionRules = {
    user: EMBEDDED_USER,
    database: EMBEDDED_DATABASE,
    password: options.password,
    parameters,
    idleInTransactionMs: options.idleInTransactionMs ?? 5_000,
    authenticationMs: 10_000,
    maxMessageBytes: 64 << 20,
    startTimer: options.startTimer ?? startTimer,
    engineFailed: options.engineFailed,
  };

  const housekeeping = startHousekeeping(backend, { startTimer: rules.startTimer, failed: options.engineFailed });
  const connections = new Set<Connection>();
  let nextId = 1;
  const server = createServer((socket) => {
    if (connections.size >= MAX_CONNECTIONS) {
      socket.on('error', () => socket.destroy());
      socket.end(errorResponse({ severity: 'FATAL', code: '53300', message: 'sorry, too many clients already' }));
      return;
    }
    const connection = new Connection(nextId++, socket, backend, rules);
    connections.add(connection);
    void connection.cleared.then(() => connections.delete(connection));
  });
  try {
    await listen(server, options.host, options.port);
  } catch (error) {
    await housekeeping.stop();
    throw error;
  }

  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const open = [...connections];
      for (const connection of open) {
        connection.end({
          severity: 'FATAL',
          code: '57P01',
          message: 'terminating connection due to administrator command',
        });
      }
      await Promise.all([...open.map((connection) => connection.cleared), housekeeping.stop()]);
      await closed;
      await backend.close();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

const startTimer: StartTimer = (ms, fire) => {
  const timer = setTimeout(fire, ms);
  return () => clearTimeout(timer);
};
