import { BenchError } from '../command.js';

/** Numbers of an option that holds several; a BenchError that names it where it does not hold these. */
function numbers(flag: string, text: string, separator: string, form: string, count: number): number[] {
  const values = text.split(separator).map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (values.length !== count || !values.every(Number.isFinite))
    throw new BenchError(`${flag} must be ${form}, not "${text}"`);
  return values;
}

export interface StormOption {
  readonly everyMs: number;
  /** Of the robots, 0 … 1. */
  readonly share: number;
}

export function stormOption(text: string): StormOption {
  const form = 'EVERY_S,SHARE, e.g. 5,0.5';
  const [every = 0, share = 0] = numbers('--reconnect-storm', text, ',', form, 2);
  if (every < 1 || share <= 0 || share > 1)
    throw new BenchError(`--reconnect-storm must be ${form}, at least 1 s, at most all`);
  return { everyMs: 1_000 * every, share };
}

export interface RampOption {
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
}

export function rampOption(text: string): RampOption {
  const form = 'FROM:TO:SECONDS in robots, e.g. 50:800:60';
  const [from = 0, to = 0, seconds = 0] = numbers('--ramp', text, ':', form, 3);
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 1 || to <= from || to > 10_000 || seconds < 4) {
    throw new BenchError(`--ramp must be ${form}, rising, at least 4 s`);
  }
  return { from, to, seconds };
}

export interface FrameClass {
  readonly kb: number;
  /** Of the robots; all shares together are 1. */
  readonly share: number;
}

/** `20` is one size for all, `2:0.5,20:0.4,300:0.1` a mix. */
export function frameClasses(text: string): FrameClass[] {
  const form = 'KB, or KB:SHARE,… with shares that make 1, e.g. 2:0.5,20:0.4,300:0.1';
  const classes = text.split(',').map((part): FrameClass => {
    const [kb = 0, share = 1] = numbers('--frame-kb', part, ':', form, part.includes(':') ? 2 : 1);
    return { kb, share };
  });
  const sum = classes.reduce((total, { share }) => total + share, 0);
  const sound = classes.every(({ kb, share }) => kb >= 2 && kb <= 4_000 && share > 0);
  if (!sound || Math.abs(sum - 1) > 1e-6) throw new BenchError(`--frame-kb must be ${form}, of 2 to 4,000 KB`);
  return classes;
}

/** Which class each of so many robots has: every class in its share, and spread over the robots, not in blocks. */
export function classOfRobots(classes: readonly FrameClass[], robots: number): number[] {
  const given = classes.map(() => 0);
  return Array.from({ length: robots }, (_, robot) => {
    let most = 0;
    classes.forEach(({ share }, i) => {
      const behind = (index: number, of: number): number => of * (robot + 1) - (given[index] ?? 0);
      if (behind(i, share) > behind(most, classes[most]?.share ?? 0)) most = i;
    });
    given[most] = (given[most] ?? 0) + 1;
    return most;
  });
}
