/** Chunks of a policy that is nearly right: H positions of a smooth way, each chunk off by its own mistake and every step by noise. */
export interface Track {
  /** Metres at `t` seconds: what a perfect policy would do. */
  at(t: number): number;
  /** The mistake of the chunk made at tick `n`, and of its step `k`. */
  mistake(n: number, k: number): number;
}

/** Standard deviations: between chunks, and from step to step. */
const CHUNK_M = 0.002;
const STEP_M = 0.0003;

/** Slow to and fro, at most 0.12 m/s, as a hand moves; the same mistakes every time. */
export function handTrack(): Track {
  return {
    at: (t) => 0.08 * Math.sin(1.1 * t) + 0.02 * Math.sin(2.3 * t + 1),
    mistake: (n, k) => CHUNK_M * normal(n) + STEP_M * normal(7919 * n + k + 1),
  };
}

/** Standard normal numbers by index (mulberry32, Box-Muller). */
function normal(index: number): number {
  const unit = (salt: number): number => {
    let t = (Math.imul(index, 2654435761) + salt) | 0;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Math.sqrt(-2 * Math.log(1 - unit(1831565813))) * Math.cos(2 * Math.PI * unit(362437));
}
