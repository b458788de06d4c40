import { announceReady, envOf, onStopRequested, readOptions, SETTINGS } from '@sinew/config';
import { hostEnvironment } from '@sinew/sdk';
import { runSim } from '@sinew/simulator';
import { pick } from '../command.js';
import { GATEWAY_OPTIONS, readTlsCa, socketsTo } from '../instance/find-gateway.js';

// The simulated robots of `sinew up`: a process of their own, with an address and a key like any client.
process.title = 'sinew sim';

const { values } = readOptions({ ...GATEWAY_OPTIONS, ...pick(SETTINGS, 'robots') }, { env: process.env });
const { url, key, robots, tls_ca_file } = values;
if (url === null || key === null) throw new Error(`${envOf('url', GATEWAY_OPTIONS.url)} and a key are needed`);

const stopped = new AbortController();
onStopRequested(() => stopped.abort());

const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const note = (level: number, msg: string): void =>
  void process.stderr.write(`${JSON.stringify({ level, time: Date.now(), name: 'sim', msg })}\n`);

announceReady({ robots });
await runSim({
  url,
  apiKey: key,
  robots,
  episodes: Number.POSITIVE_INFINITY,
  seed: Math.floor(Math.random() * 2 ** 31),
  name: 'sim',
  signal: stopped.signal,
  environment: hostEnvironment(socketsTo(readTlsCa(tls_ca_file))),
  onStatus: (rows) => say({ event: 'robots', robots: rows }),
  onEvent: (robot, event) => {
    if (event.type === 'reconnecting' && event.attempt === 1) note(30, `${robot}: ${event.error.message}`);
    if (event.type === 'notice' && event.code === 'session_lost') note(40, `${robot}: ${event.message}`);
    if (event.type === 'error') note(40, `${robot}: ${event.error.message}`);
  },
});
process.exit(0);
