import type { FrameSpec } from './client-messages.js';

/** What the servers are asked: a policy, and frames. */
export interface Workload {
  readonly id: string;
  readonly policy: 'null' | 'tabletop-v1' | 'wide';
  readonly frame: FrameSpec;
  readonly about: string;
}

const instruction = 'pick up the red cube';

export const WORKLOADS: readonly Workload[] = [
  {
    id: 'null-20',
    policy: 'null',
    frame: { image: [83, 80], instruction },
    about: 'a fixed chunk, frames of 20 KB (one raw 80×83 picture)',
  },
  {
    id: 'null-300',
    policy: 'null',
    frame: { image: [224, 448], instruction },
    about: 'a fixed chunk, frames of 301 KB (two raw 224×224 pictures side by side: what DROID sends)',
  },
  {
    id: 'tabletop',
    policy: 'tabletop-v1',
    frame: { image: [96, 96], instruction },
    about: 'tabletop-v1, raw frames in its own size (28 KB)',
  },
  {
    id: 'wide',
    policy: 'wide',
    frame: { image: [96, 96], instruction },
    about: 'a memory-bound graph of 40.6 million parameters that the bench makes, raw frames (28 KB)',
  },
];
