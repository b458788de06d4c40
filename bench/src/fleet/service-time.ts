/** What a batch costs on the modelled accelerator, beside the inference that is really made. */
export interface ServiceTime {
  readonly fixedMs: number;
  readonly perItemMs: number;
  readonly scale: number;
}

/**
 * CogACT 7B on an H100 behind vla-eval (`docs/tuning-guide.md`): median 18 ms at batch 1, 39 ms at batch 24, as a line through both.
 */
export const PUBLISHED: ServiceTime = { fixedMs: 17.087, perItemMs: 0.913, scale: 1 };

/** Milliseconds that a batch of `size` keeps the accelerator busy. */
export function serviceMs({ fixedMs, perItemMs, scale }: ServiceTime, size: number): number {
  return scale * (fixedMs + perItemMs * size);
}

/** How many robots ask for as many inferences a second as full batches give, each asking once in `execute` ticks. */
export function saturatingRobots(time: ServiceTime, maxBatch: number, hz: number, execute: number): number {
  const perSecond = (1_000 * maxBatch) / serviceMs(time, maxBatch);
  return (perSecond * execute) / hz;
}
