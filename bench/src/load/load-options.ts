import { availableParallelism } from 'node:os';
import type { OptionTable, Values } from '@sinew/config';

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
    default: { text: 'cores − 1', value: () => Math.max(1, availableParallelism() - 1) },
    min: 1,
    help: 'inference threads of the gateway',
  },
  image: {
    type: 'choice',
    default: 'jpeg',
    choices: ['jpeg', 'rgb8'],
    help: 'camera frames: JPEG filled up to --frame-kb, or raw pixels in the policy’s size',
  },
  frame_kb: { type: 'number', default: 20, min: 2, max: 4_000, help: 'size of a JPEG frame, 1,000 bytes' },
  pacing: {
    type: 'choice',
    default: 'paced',
    choices: ['paced', 'chunked'],
    help: 'one action a tick, or one chunk an inference',
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
