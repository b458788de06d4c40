export type { LinkEvents } from './fallback/redis-link.js';
export { openRedisState, type RedisStateOptions } from './fallback/redis-shared-state.js';
export { createMemoryState } from './memory/memory-state.js';
export {
  type Acquired,
  type Bus,
  CLAIM_MS,
  type Claim,
  type Counters,
  type Dedup,
  DUPLICATE_MS,
  type Leases,
  type Limiter,
  type Rate,
  REPLAY_MS,
  type SharedState,
  type StoredAnswer,
  type Taken,
  TOPICS,
  type Topic,
} from './shared-state.js';
