export { type AskDriver, askNvidiaSmi, type GpuDevice, GpuReader, type GpuReading } from './gpu.js';
export { HotCounter, HotCounterFamily, HotHistogram, HotHistogramFamily } from './hot.js';
export { LabelLimiter } from './label-limiter.js';
export { createLogger, type Logger } from './logger.js';
export { createMetrics, type Metrics } from './metrics.js';
