export { createNullBackend } from './backend/null-backend.js';
export {
  type ActionPrefix,
  type BackendStats,
  BatchLostError,
  type BatchResult,
  type PolicyBackend,
  type PolicyInput,
  type PolicyOutput,
  type ServerStats,
  type WarmUp,
} from './backend/policy-backend.js';
export type { Bundle } from './bundle/bundle.js';
export { BundleError } from './bundle/bundle-error.js';
export { BUILT_IN_BUNDLES, loadBundle, MANIFEST_FILE } from './bundle/load-bundle.js';
export { Manifest } from './bundle/manifest.js';
export { nullBundle } from './bundle/null-bundle.js';
export { WordTokenizer } from './bundle/word-tokenizer.js';
export { type BareGraphRate, measureBareGraph } from './onnx/bare-graph.js';
export { createOnnxBackend, type OnnxBackendOptions } from './onnx/onnx-backend.js';
export { createRemoteBackend, type RemoteBackendOptions } from './remote/remote-backend.js';
export type { RemoteModel } from './remote/remote-model.js';
export type { Capacity } from './scheduler/capacity.js';
export { SCHEDULER_ORDERS, type SchedulerOrder } from './scheduler/order.js';
export type { Requester, RequestTiming } from './scheduler/requester.js';
export { Scheduler, type SchedulerHooks, type SchedulerOptions } from './scheduler/scheduler.js';
export type { SchedulerStats } from './scheduler/scheduler-stats.js';
export { type Script, type ScriptEntry, ScriptError } from './script/script.js';
export { createScriptBackend, type ScriptBackendOptions } from './script/script-backend.js';
