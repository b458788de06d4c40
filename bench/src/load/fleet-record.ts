import { Latencies, type Percentiles } from '../stats/latencies.js';

/** What clients saw in the measured window. */
export class FleetRecord {
  /** Intended send of the observation → arrival of the action that came from it. */
  readonly age = new Latencies();
  /** What the wire says of each chunk: receipt → computed. */
  readonly chunk = new Latencies();
  readonly sendLag = new Latencies();
  readonly holds: Record<string, number> = {};
  readonly errors: Record<string, number> = {};
  sent = 0;
  backlogged = 0;
  actions = 0;
  chunks = 0;
  lost = 0;
  readonly storm = new StormRecord();
}

/** What became of sockets that the bench cut. */
export class StormRecord {
  cut = 0;
  /** Sessions that went on; that were gone, so that a new one was opened; and refusals, after each of which it was tried again. */
  resumed = 0;
  reopened = 0;
  refused = 0;
  /** The cut → the first action (or chunk) after it. */
  readonly firstAction = new Latencies();
}

/** One part of the window by itself. */
export interface Lap {
  readonly age: Percentiles | null;
  readonly sendLag: Percentiles | null;
  readonly missed: number;
  readonly received: number;
}
