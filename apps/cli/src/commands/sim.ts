import { SETTINGS } from '@sinew/config';
import { BLENDS, SinewError, SMOOTHINGS } from '@sinew/protocol';
import { ConnectionError, hostEnvironment } from '@sinew/sdk';
import { BLINDS, runSim, type SimReport } from '@sinew/simulator';
import { defineCommand, noWords, pick, type Terminal } from '../command.js';
import { Failure } from '../failure.js';
import { findGateway, GATEWAY_OPTIONS, socketsTo } from '../instance/find-gateway.js';
import { JSON_OPTION } from '../json-option.js';
import { systemClock } from '../supervisor/clock.js';
import { PlainView, TableView, type View } from '../up/console-view.js';
import { Screen } from '../up/screen.js';

export const sim = defineCommand({
  name: 'sim',
  summary:
    'Simulated robots stream camera frames to a gateway, do their tasks, and report how it went as one JSON object.',
  usage: ['sim [--url URL --key KEY] [options]'],
  options: {
    ...GATEWAY_OPTIONS,
    robots: { type: 'integer', default: 4, min: 1, max: 10_000, help: 'how many at once' },
    episodes: { type: 'integer', default: 20, min: 1, max: 10_000_000, help: 'how many tasks they do between them' },
    seed: {
      type: 'integer',
      default: 0,
      min: 0,
      max: 2 ** 31 - 1,
      help: 'episode i is drawn from (seed + i) mod 2^31',
    },
    hz: { type: 'number', default: null, min: 1, max: 100, help: "control rate; not set: the policy's own" },
    pacing: { type: 'choice', default: 'paced', choices: ['paced', 'chunked', 'lockstep'], help: 'how actions come' },
    wire: {
      type: 'choice',
      default: 'sinew.v1',
      choices: ['sinew.v1', 'openpi'],
      help: 'what the robots speak: openpi is lockstep, and executes 4 actions of each chunk unless --execute says otherwise',
    },
    model: { type: 'string', default: null, help: "which policy; not set: the gateway's first" },
    execute: {
      type: 'integer',
      default: null,
      min: 1,
      max: 1000,
      help: "ticks of a chunk before the next is asked for; not set: the policy's own",
    },
    blend: {
      type: 'choice',
      default: null,
      choices: BLENDS,
      help: "how a new chunk joins the one before; not set: the policy's own",
    },
    smoothing: {
      type: 'choice',
      default: null,
      choices: SMOOTHINGS,
      help: "what smooths the way; not set: the policy's own",
    },
    delay_ms: {
      type: 'number',
      default: 0,
      min: 0,
      max: 1500,
      help: 'hold back every frame to the gateway by so much; an observation may be at most 2 s old',
    },
    blind: {
      type: 'choice',
      default: null,
      choices: BLINDS,
      help: 'take sight or understanding away: grey image, image of another episode, rotated colour words',
    },
    ...pick(SETTINGS, 'data_dir'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    noWords(rest, 'sim');
    if (values.wire === 'openpi' && (values.delay_ms > 0 || values.blend !== null))
      throw new Failure('--delay-ms and --blend are not for --wire openpi');
    const gateway = findGateway(values);
    const interrupted = new AbortController();
    const interrupt = (): void => interrupted.abort();
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', interrupt);
    const view = values.json ? null : progressView(terminal);
    try {
      const report = await runSim({
        url: gateway.http,
        apiKey: gateway.key,
        robots: values.robots,
        episodes: values.episodes,
        seed: values.seed,
        pacing: values.pacing,
        wire: values.wire,
        tlsCa: gateway.tlsCa,
        delayMs: values.delay_ms,
        blind: values.blind,
        signal: interrupted.signal,
        environment: hostEnvironment(socketsTo(gateway.tlsCa)),
        ...(values.hz === null ? {} : { hz: values.hz }),
        ...(values.model === null ? {} : { model: values.model }),
        ...(values.execute === null ? {} : { execute: values.execute }),
        ...(values.blend === null ? {} : { blend: values.blend }),
        ...(values.smoothing === null ? {} : { smoothing: values.smoothing }),
        ...(view === null ? {} : { onStatus: (rows) => view.robots(rows) }),
        onEvent: (robot, event) => {
          if (event.type === 'reconnecting')
            view?.message(`${robot}: link lost (${event.error.message}), reconnecting`);
        },
      });
      view?.close();
      print(report, values.json, terminal);
      return interrupted.signal.aborted ? 130 : 0;
    } catch (error) {
      view?.close();
      throw explain(error, gateway.http);
    } finally {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    }
  },
});

/** Progress goes to stderr: stdout holds the result alone. */
function progressView(terminal: Terminal): View {
  if (terminal.isTty && process.stderr.isTTY) return new TableView(new Screen(process.stderr), '');
  return new PlainView(
    (line) => terminal.err(line),
    () => systemClock.now(),
  );
}

function print(report: SimReport, json: boolean, terminal: Terminal): void {
  terminal.out(JSON.stringify(report, null, json ? 0 : 2));
}

function explain(error: unknown, http: string): unknown {
  if (error instanceof ConnectionError) {
    return new Failure(`${http} does not answer: ${error.message}`, ['is the gateway running there? (npm start)']);
  }
  if (!(error instanceof SinewError)) return error;
  const advice: Readonly<Record<string, string>> = {
    unauthorized: 'is the key right? sinew keys list shows those that are valid',
    forbidden: 'the key needs the scope `stream`: sinew keys create NAME --scopes stream',
    capacity: 'ask for fewer --robots or a lower --hz',
    session_limit: 'ask for fewer --robots',
  };
  const hint = advice[error.code];
  return new Failure(`the gateway refused: ${error.message}`, hint === undefined ? [] : [hint]);
}
