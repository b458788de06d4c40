import { type OptionTable, SETTINGS, type Values } from '@sinew/config';
import type { LinkConditions } from './link.js';

export const LOAD_OPTIONS = {
  robots: { type: 'integer', default: 200, min: 1, max: 10_000, help: 'sessions' },
  hz: { type: 'number', default: 10, min: 1, max: 100, help: 'control rate of each' },
  obs_hz: {
    type: 'number',
    default: null,
    min: 0.1,
    max: 100,
    help: 'observations a second of each; without it, the control rate',
  },
  seconds: { type: 'number', default: 20, min: 1, max: 600, help: 'measured time' },
  warmup: {
    type: 'number',
    default: 10,
    min: 0,
    max: 120,
    help: 'seconds before, not measured: the robots begin one by one, then run at full rate',
  },
  policy: { type: 'string', default: 'null', help: '`null` (a fixed chunk, no computing) or a bundle' },
  policy_threads: {
    type: 'integer',
    default: SETTINGS.policy_threads.default,
    min: 1,
    help: 'inference threads of the gateway',
  },
  image: {
    type: 'choice',
    default: 'jpeg',
    choices: ['jpeg', 'rgb8'],
    help: 'camera frames: JPEG filled up to --frame-kb, or raw pixels in the policy’s size',
  },
  frame_kb: {
    type: 'string',
    default: '20',
    help: 'size of a JPEG frame, 1,000 bytes; or a mix over the robots: KB:SHARE,…, e.g. 2:0.5,20:0.4,300:0.1',
  },
  pacing: {
    type: 'choice',
    default: 'paced',
    choices: ['paced', 'chunked', 'lockstep'],
    help: 'one action a tick, one chunk an inference, or one chunk an observation',
  },
  delay_ms: {
    type: 'number',
    default: 0,
    min: 0,
    max: 10_000,
    help: 'each frame is held back so long on its way, both ways, in the client',
  },
  jitter_ms: {
    type: 'number',
    default: 0,
    min: 0,
    max: 10_000,
    help: 'standard deviation of what comes on top; frames stay in order',
  },
  loss: {
    type: 'number',
    default: 0,
    min: 0,
    max: 0.5,
    help: 'share of TCP segments lost, as a model: what is lost stalls its connection until it is sent again',
  },
  reconnect_storm: {
    type: 'string',
    default: null,
    help: 'EVERY_S,SHARE: cuts that share of the sockets at once, every so many seconds; they resume with their tokens',
  },
  ramp: {
    type: 'string',
    default: null,
    help: 'FROM:TO:SECONDS robots, in steps, instead of --robots and --seconds: where the gateway’s knee is',
  },
  seed: {
    type: 'integer',
    default: 1,
    min: 0,
    max: 2 ** 31 - 1,
    help: 'of the network’s dice and of which sockets are cut',
  },
  idle: { type: 'boolean', default: false, help: 'only open the sessions, and measure the memory that each holds' },
  hostile: {
    type: 'boolean',
    default: false,
    help: 'measure twice: the robots alone, then beside a thousand silent sockets, clients that never read, and floods of garbage',
  },
  bare: {
    type: 'boolean',
    default: false,
    help: 'measure twice: the ceiling (the same sockets and frames, a canned action a tick, nothing else), then the gateway',
  },
  profile: { type: 'path', default: null, help: 'a folder for a V8 CPU profile of the gateway’s main thread' },
  url: {
    type: 'url',
    default: null,
    protocols: ['ws:', 'http:'],
    help: 'a running gateway instead of one of the bench’s own (then without CPU time and memory)',
  },
  key: { type: 'string', default: null, secret: true, env: 'SINEW_API_KEY', help: 'the API key for --url' },
} as const satisfies OptionTable;

export type LoadOptions = Values<typeof LOAD_OPTIONS>;

export const conditionsOf = ({ delay_ms, jitter_ms, loss }: LoadOptions): LinkConditions => ({
  delayMs: delay_ms,
  jitterMs: jitter_ms,
  loss,
});
