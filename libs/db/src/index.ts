export type { EpisodeRow, InferenceRow, SessionRow, ShippedBatch, StoreResult } from './shipping-rows.js';
