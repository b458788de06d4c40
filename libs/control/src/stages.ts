// The stages of a tick by themselves, for who measures them. Everybody else takes the ControlLoop.
export { Chunk, Entry } from './chunk.js';
export { ChunkTimeline } from './chunk-timeline.js';
export { EeDeltaMotion } from './ee-delta-motion.js';
export { DeltaAction, Governor } from './governor.js';
export { JointGovernor } from './joint/joint-governor.js';
export { JointMotion } from './joint/joint-motion.js';
export type { Motion } from './motion.js';
export { Pose } from './target.js';
export { Vec3 } from './vec3.js';
