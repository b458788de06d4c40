export {
  type AccountScope,
  type Accounts,
  AmbiguousCustomer,
  accounts,
  type Customer,
  hashKey,
  KEY_PREFIX,
  KEY_SCOPES,
  type KeyIdentity,
  type KeyInfo,
  type KeyScope,
  type NewKey,
  newKey,
  type Page,
  ROBOT_SCOPES,
} from './accounts.js';
export {
  type ConsentAuditRow,
  type ConsentChange,
  type ConsentResult,
  type ConsentRow,
  type Consents,
  type ConsentTerms,
  consents,
  type RecordConsent,
} from './consents.js';
export { copyIn } from './copy/copy-in.js';
export { isDatabaseAway } from './database-away.js';
export {
  type EmbeddedDatabase,
  type EmbeddedOptions,
  embeddedUrl,
  startEmbedded,
} from './embedded/start-embedded.js';
export {
  type ErasurePart,
  type ErasureRow,
  type Erasures,
  erasures,
  type JournalPlace,
  journalPart,
  shipperPart,
  TABLES_PART,
} from './erasures.js';
export { type ExportedLine, exportCustomer } from './export.js';
export { type Feedback, type FeedbackGround, type FeedbackLog, type FeedbackRow, feedback } from './feedback.js';
export { type FeedbackIngestion, feedbackIngestion, type Ingested } from './feedback-ingestion.js';
export { type GatewayNodes, gatewayNodes } from './gateway-nodes.js';
export { type History, type HistoryPage, history, type LogFilter, type SessionFilter } from './history.js';
export { type Incidents, incidents, type SafetyIncident } from './incidents.js';
export { instructionHash } from './instruction-hash.js';
export { HOUR_MS, type InstructionStatistics, type Instructions, instructions } from './instruction-statistics.js';
export { type InferenceLog, type Logs, logs } from './logs.js';
export { MigrationError, madeSchema, migrate } from './migrate.js';
export { type AppliedMigration, type MigrationStatus, migrationStatus } from './migration-status.js';
export { makePartitions, strayRows } from './partitions.js';
export { createPool, type PoolOptions, withoutClient } from './pool.js';
export { type Repositories, repositories } from './repositories.js';
export * as schema from './schema.js';
export { CUSTOMER_TIERS, type CustomerTier } from './schema.js';
export { type Shipping, shipping } from './shipping.js';
export {
  EMPTY_BATCH,
  type EpisodeRow,
  type HeldInference,
  type IncidentRow,
  type InferenceRow,
  type QualityFailureRow,
  type SessionRow,
  type ShippedBatch,
  type StoreResult,
} from './shipping-rows.js';
export { refreshSummaries } from './summaries.js';
export { inTransaction, TransactionAborted, withCustomer } from './transaction.js';
export { type Usage, type UsageDay, usage } from './usage.js';
