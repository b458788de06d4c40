export { followShipping, queueStatistics, STATISTICS_WINDOW_MS } from './follow-shipping.js';
export { type AddOptions, createJobs, type Handler, type Jobs, type JobsOptions, type RunningJob } from './jobs.js';
export { type Payload, parsePayload, QUEUES, type QueueName } from './queues.js';
