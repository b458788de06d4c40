import type { TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import type { SharedState } from '@sinew/cache';
import type { Settings } from '@sinew/config';
import { checkInstruction } from '@sinew/contracts';
import type { JournalWriter } from '@sinew/journal';
import type { ConsentCache } from '@sinew/privacy';
import { ERRORS } from '@sinew/protocol';
import { OPENPI_PATH } from '@sinew/protocol/openpi';
import type { Logger, Metrics } from '@sinew/telemetry';
import { Authenticator, type FindKey } from './auth.js';
import type { Clock } from './clock.js';
import type { Route } from './http/bind.js';
import { documentationRoutes } from './http/documentation.js';
import { estopClearRoute } from './http/estop-clear.js';
import { InFlight } from './http/in-flight.js';
import { inferenceRoute } from './http/inference.js';
import { errorReply } from './http/reply.js';
import { mount } from './http/router.js';
import { informationRoutes } from './http/routes.js';
import { RequestLimit } from './limits/request-limit.js';
import type { ModelCatalogue } from './models.js';
import { type Network, uwsNetwork } from './network.js';
import { OpenpiConnection } from './openpi/connection.js';
import { mountOpenpi, mountOpenpiPort, type OpenpiMount } from './openpi/mount.js';
import { type RecordingStore, Recordings } from './recording/recordings.js';
import { recordingRoute } from './recording/route.js';
import { composeSessions } from './session/compose.js';
import type { SessionRegistry } from './session/registry.js';
import type { Session } from './session/session.js';
import { GatewayStatus } from './status.js';
import { Connection } from './stream/connection.js';
import { mountStream, type StreamDeps } from './stream/upgrade.js';
import type { TlsFiles } from './tls.js';
import { within } from './within.js';

export type GatewaySettings = Pick<
  Settings,
  | 'host'
  | 'port'
  | 'max_sessions'
  | 'max_frame_bytes'
  | 'stale_after_ms'
  | 'resume_window_ms'
  | 'open_timeout_ms'
  | 'ping_interval_ms'
  | 'drain_ms'
  | 'soft_limit_bytes'
  | 'hard_limit_bytes'
  | 'metrics_customer_labels'
> &
  Partial<Pick<Settings, 'horizon' | 'openpi_port' | 'openpi_defaults'>>;

export interface GatewayDeps {
  readonly settings: GatewaySettings;
  readonly clock: Clock;
  readonly journal: JournalWriter;
  readonly models: ModelCatalogue;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Checked before; without it the gateway speaks in the clear. */
  readonly tls?: TlsFiles;
  /** uWebSockets.js without. */
  readonly network?: Network;
  readonly findKey: FindKey;
  /** What gateways know together: limits, places, counters, answers given. Closed by whoever opened it. */
  readonly shared: SharedState;
  /** Inferences in the month that begins on this day, by customer, as they are stored. Rejects when the database is away. */
  readonly usedInMonth: (customerIds: readonly string[], month: string) => Promise<ReadonlyMap<string, number>>;
  /** Unix milliseconds. */
  readonly wallNow: () => number;
  /** What customers consented to. The journal asks the same one. */
  readonly consents: ConsentCache;
  readonly pingDatabase: () => Promise<void>;
  /** Where recordings of customers that are recorded are kept; without it none is. */
  readonly recordings?: RecordingStore;
  /** Whom clients of the openpi port are that bring no key; without it they are refused. */
  readonly openpiKey?: string;
  /** The endpoints over what the database holds. */
  readonly routes?: readonly Route[];
}

export interface Gateway {
  readonly port: number;
  /** Null: there is none. */
  readonly openpiPort: number | null;
  readonly status: GatewayStatus;
  readonly sessions: SessionRegistry;
  readonly recordings: Recordings;
  /** Whether something of this customer goes on: a session, or anybody's request beside the one that asks. */
  busy(customerId: string): boolean;
  /** S9: refuses what is new, lets sessions finish for `drain_ms`, holds, closes. Resolves when nothing is left. */
  drain(): Promise<void>;
}

const SWEEP_MS = 250;
/** Sockets beyond the session limit that may be on their way to `open`. */
const SPARE_SOCKETS = 1_000;
/** Sockets of one customer beyond two a session (a robot that resumes has its old one for a while): nobody takes them all. */
const SPARE_SOCKETS_OF_CUSTOMER = 32;
/** How often what customers consented to is asked for, where it is not fresh. */
const CONSENT_REFRESH_MS = 1_000;
/** How long a new customer's first connection waits for that. */
const CONSENT_WAIT_MS = 500;
/** How often the keys of live sessions are looked at; the authenticator asks the database only every few seconds. */
const RECHECK_MS = 1_000;
/** The longest that a drain waits for robots to brake and for one holding tick of the slowest (S9). */
const LAST_HOLD_MS = 2_000;
/** For replies that a drain's end finds still unfinished. */
const LAST_REPLY_MS = 1_000;
/** For a robot to brake by the server's hand before its session ends with its key: that is due within five seconds. */
const REVOKED_HOLD_MS = 400;
/** uWS calls a socket closed once its close frame is queued: this is for what is queued to leave. */
const LINGER_MS = 200;

/** Starts listening; rejects when the address is taken. Everything it needs comes in ready. */
export async function startGateway(deps: GatewayDeps): Promise<Gateway> {
  const { clock, consents, journal, log, metrics, models, settings } = deps;
  // The rules' expressions are compiled when first used, and again as they get hot: 0.1 s that no robot should stand behind.
  for (let i = 0; i < 3; i++) checkInstruction('pick up the red cube');
  const recordings = new Recordings({ clock, consents, metrics, log, store: deps.recordings ?? null });
  const { customers, opener, pacer, places, refusals, refusedInstructions, registry, safety } = composeSessions({
    ...deps,
    opened: (session) => recordings.opened(session),
    exhausted: (customerId) => tellExhausted(registry, customerId),
  });
  const status = new GatewayStatus(journal, registry, models, metrics);
  const authenticator = new Authenticator(deps.findKey, clock, deps.wallNow);
  const connections = new Set<Connection | OpenpiConnection>();
  const inFlight = new InFlight();
  const requestLimit = new RequestLimit(deps.shared.limiter, customers, metrics.rateLimited);
  const consentKnown = async (customerId: string): Promise<void> => {
    if (consents.of(customerId) === 'unknown') await within(CONSENT_WAIT_MS, consents.known(customerId));
  };

  // Its thread does one thing after the other: what is recorded from now on comes after it.
  void recordings.recover();

  const { network = uwsNetwork } = deps;
  const app = network.app(deps.tls);
  const disconnect = (connection: Connection | OpenpiConnection): void => {
    connections.delete(connection);
    status.connections(-1);
  };
  const connected = <T extends Connection | OpenpiConnection>(connection: T): T => {
    connections.add(connection);
    status.connections(1);
    return connection;
  };
  const doors: Omit<StreamDeps, 'connect' | 'disconnect'> = {
    authenticator,
    maxFrameBytes: settings.max_frame_bytes,
    buffers: { soft: settings.soft_limit_bytes, hard: settings.hard_limit_bytes },
    prepare: ({ customerId }) => consentKnown(customerId),
    refusal: (requestId) => {
      if (status.phase() === 'draining') return errorReply('draining', 'The server is stopping', requestId);
      if (journal.pressure().level === 'full') {
        return errorReply('journal_full', 'The journal has reached its disk budget', requestId);
      }
      if (connections.size >= settings.max_sessions + SPARE_SOCKETS) {
        return errorReply('session_limit', 'Too many sockets', requestId, { status: 503 });
      }
      return null;
    },
    crowded: (principal, requestId) => {
      const { limits, users } = customers.of(principal);
      if (users < 2 * limits.sessions + SPARE_SOCKETS_OF_CUSTOMER) return null;
      return errorReply('session_limit', 'Too many sockets of this customer', requestId, { status: 503 });
    },
  };
  mountStream(app, {
    ...doors,
    disconnect,
    connect: (socket, principal) => {
      const account = customers.of(principal);
      return connected(new Connection(socket, principal, clock, opener, metrics, refusals, account, places, settings));
    },
  });
  const openpi: OpenpiMount = {
    ...doors,
    disconnect,
    models,
    defaults: settings.openpi_defaults ?? '',
    judge: ({ open }, principal) => opener.refusal(open, principal, true),
    keyOfOthers: null,
    connect: (socket, principal, parameters) => {
      const parts = { clock, opener, metrics, refusals, places, pingIntervalMs: settings.ping_interval_ms };
      return connected(new OpenpiConnection(socket, principal, parameters, customers.of(principal), parts));
    },
  };
  mountOpenpi(app, OPENPI_PATH, openpi);
  const openpiPort = settings.openpi_port ?? null;
  const openpiApp = openpiPort === null ? null : network.app(deps.tls);
  if (openpiApp !== null) mountOpenpiPort(openpiApp, { ...openpi, keyOfOthers: deps.openpiKey ?? null });
  mount(
    app,
    [
      ...documentationRoutes(),
      ...informationRoutes({ models, metrics, status, pingDatabase: deps.pingDatabase }),
      estopClearRoute({ sessions: registry, journal, clock, log }),
      recordingRoute({ sessions: registry, recordings, log }),
      inferenceRoute({
        models,
        journal,
        metrics,
        safety,
        refusedInstructions,
        refusals,
        consentKnown,
        customers,
        dedup: deps.shared.dedup,
        clock,
        draining: () => status.phase() === 'draining',
      }),
      ...(deps.routes ?? []),
    ],
    {
      authenticator,
      metrics,
      log,
      inFlight,
      refusals,
      limit: (principal, _contract, requestId) => requestLimit.check(principal, requestId),
    },
  );

  const listening = await listen(network, app, settings.host, settings.port, 'port');
  const openpiListening =
    openpiApp === null || openpiPort === null
      ? null
      : await listen(network, openpiApp, settings.host, openpiPort, 'openpi-port').catch((error: unknown) => {
          network.stopListening(listening);
          throw error;
        });
  const sweeper = setInterval(() => {
    const now = clock.now();
    for (const connection of connections) connection.sweep(now);
    for (const session of registry) session.sweep(now);
    refusedInstructions.sweep();
    refusals.sweep();
    const level = status.journalLevelChange();
    if (level !== null) log.warn({ level, ...status.journal() }, 'journal level');
  }, SWEEP_MS);
  const consentRefresher = setInterval(() => void consents.refresh(), CONSENT_REFRESH_MS);
  const recheck = (): void => {
    void endRevoked(registry, authenticator, clock);
    void recordings.recheck((principal) => authenticator.again(principal));
  };
  const rechecker = setInterval(recheck, RECHECK_MS);
  // Sooner than that where news comes: of a key or of a customer, by its id.
  const endNews = deps.shared.bus.subscribe('keys', (id) => {
    authenticator.forget(id);
    recheck();
  });
  status.enter('ready');

  const drain = async (): Promise<void> => {
    // The listen socket stays open to the end: who comes meanwhile is told 503, not nothing.
    status.enter('draining');
    opener.stop();
    const lingers = connections.size > 0 || inFlight.size > 0;
    for (const connection of connections) connection.drain();
    for (const session of registry) session.beginDrain();
    await until(() => attached(registry).length === 0 && inFlight.size === 0, settings.drain_ms, clock);
    for (const session of attached(registry)) session.guard(() => session.holdForDrain());
    await until(() => attached(registry).every((session) => session.settled(clock.now())), LAST_HOLD_MS, clock);
    for (const session of [...registry]) session.close('drained', 4503);
    await recordings.close();
    await until(() => inFlight.size === 0, LAST_REPLY_MS, clock);
    if (lingers) await delay(LINGER_MS);
    network.stopListening(listening);
    if (openpiListening !== null) network.stopListening(openpiListening);
    clearInterval(sweeper);
    clearInterval(rechecker);
    endNews();
    clearInterval(consentRefresher);
    refusals.close();
    places.close();
    await customers.close();
    refusedInstructions.close();
    pacer.stop();
    app.close();
    openpiApp?.close();
    await journal.sync();
    status.close();
  };
  const busy = (customerId: string): boolean =>
    inFlight.size > 1 || [...registry].some(({ profile }) => profile.principal.customerId === customerId);
  return {
    port: network.portOf(listening),
    openpiPort: openpiListening === null ? null : network.portOf(openpiListening),
    status,
    sessions: registry,
    recordings,
    busy,
    drain,
  };
}

/** Sessions with a socket: one without has no robot to hold, and cannot be resumed while the gateway drains. */
const attached = (registry: SessionRegistry): Session[] =>
  [...registry].filter(({ state }) => state.kind !== 'detached');

/** A robot that runs is not stopped for a quota: its session goes on, is counted, and hears of it once. */
function tellExhausted(registry: SessionRegistry, customerId: string): void {
  for (const session of registry) {
    if (session.profile.principal.customerId !== customerId) continue;
    session.outbox.notice(
      'quota_exceeded',
      'The inferences of this month are used up: this session goes on, but no new one is opened',
    );
  }
}

/** Ends the sessions whose key was revoked or has expired since they were opened, detached ones too. */
async function endRevoked(registry: SessionRegistry, authenticator: Authenticator, clock: Clock): Promise<void> {
  const principals = new Map([...registry].map(({ profile: { principal } }) => [principal.keyId, principal]));
  await Promise.all(
    [...principals.values()].map(async (principal) => {
      if (!(await authenticator.revoked(principal))) return;
      const ending = [...registry].filter(({ profile }) => profile.principal.keyId === principal.keyId);
      for (const session of ending) session.guard(() => session.holdForDrain());
      await until(() => ending.every((session) => session.settled(clock.now())), REVOKED_HOLD_MS, clock);
      for (const session of ending) {
        if (session.state.kind === 'closed') continue;
        session.outbox.fail('key_revoked', 'The API key was revoked or has expired');
        session.close('key_revoked', ERRORS.key_revoked.close);
      }
    }),
  );
}

async function listen(
  network: Network,
  app: TemplatedApp,
  host: string,
  wanted: number,
  setting: string,
): Promise<us_listen_socket> {
  const port = wanted === 0 ? ((await network.freePort?.(host)) ?? 0) : wanted;
  return await new Promise((resolve, reject) => {
    app.listen(host, port, (socket) => {
      if (socket === false) reject(new Error(`${host}:${port} is in use; choose another --${setting}`));
      else resolve(socket);
    });
  });
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(done: () => boolean, withinMs: number, clock: Clock): Promise<void> {
  const deadline = clock.now() + withinMs;
  while (!done() && clock.now() < deadline) await delay(20);
}
