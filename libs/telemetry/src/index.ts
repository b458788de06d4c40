export { HotCounter, HotCounterFamily, HotHistogram } from './hot.js';
export { createLogger, type Logger } from './logger.js';
export { createMetrics, type Metrics } from './metrics.js';
