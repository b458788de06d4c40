import type { Blend } from '@sinew/protocol';

/** A policy and how its chunks become actions. */
export interface Controller {
  readonly name: string;
  readonly model: string;
  readonly blend: Blend;
  readonly execute: number;
}

/** An ensemble needs overlapping chunks, so it looks again every tick; the others follow half of each chunk. */
export const CONTROLLERS: readonly Controller[] = [
  { name: 'latest', model: 'tabletop-v1', blend: 'latest', execute: 4 },
  { name: 'temporal_ensemble', model: 'tabletop-v1', blend: 'temporal_ensemble', execute: 1 },
  { name: 'rtc', model: 'tabletop-rtc-v1', blend: 'rtc', execute: 4 },
];
