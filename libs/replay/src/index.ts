export { JournalReplay, type JournalReplayOptions, type SessionReport } from './journal-replay.js';
export { replayPlan } from './plan-replay.js';
export type { Difference, ReplayedTick, TickStages } from './replayed-tick.js';
export { SessionReplay } from './session-replay.js';
export { type OtherSettings, ReplayError } from './settings.js';
