export type {
  EpisodeRow,
  InferenceRow,
  InferenceStatus,
  SessionRow,
  ShippedBatch,
  StoreResult,
} from './shipping-rows.js';
