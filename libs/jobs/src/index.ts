export { type AddOptions, createJobs, type Handler, type Jobs, type JobsOptions, type RunningJob } from './jobs.js';
export { queueStatistics, STATISTICS_WINDOW_MS } from './queue-statistics.js';
export { type Payload, parsePayload, QUEUES, type QueueName } from './queues.js';
