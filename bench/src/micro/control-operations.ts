import { ControlLoop, type ControlSpec } from '@sinew/control';
import { ACTION_SPACES, SMOOTHINGS } from '@sinew/protocol';
import { HOME, panda, wandering } from './control-specs.js';
import type { Operation } from './time-operation.js';

/** Chunks that a scenario goes round in. */
const CHUNKS = 64;

/** Whole ticks: timeline, smoothing, governor and odometer, and every fourth tick an observation and a chunk. */
export function controlOperations(): Record<string, Operation> {
  const operations: Record<string, Operation> = { 'tick: at rest, holding': holding() };
  for (const space of ACTION_SPACES) {
    operations[`tick: ${space}, a chunk every 4`] = ticks(panda(space), 'slow');
    operations[`tick: ${space}, a chunk every 4, too fast`] = ticks(panda(space), 'fast');
  }
  for (const smoothing of SMOOTHINGS) {
    if (smoothing === 'none') continue;
    const spec = panda('ee_delta', { blend: 'temporal_ensemble', smoothing });
    operations[`tick: ee_delta, temporal_ensemble, ${smoothing}`] = ticks(spec, 'slow');
  }
  return operations;
}

function holding(): Operation {
  const loop = new ControlLoop(panda('ee_delta'));
  let n = 0;
  return (count) => {
    for (const end = n + count; n < end; n++) loop.tick(n, null);
  };
}

/** A robot that is where it was told to be: what was sent is added up, and each observation tells it. */
export function ticks(spec: ControlSpec, speed: 'slow' | 'fast'): Operation {
  const { actionSpace, chunkSize, execute, hz } = spec;
  const loop = new ControlLoop(spec);
  const home = actionSpace === 'ee_delta' ? HOME.ee_delta : HOME.joints;
  const state = Float64Array.from(home);
  const chunks = Array.from({ length: CHUNKS }, (_, i) => wandering(actionSpace, chunkSize, speed, i * execute));
  let n = 0;
  let ref = 1;
  return (count) => {
    for (const end = n + count; n < end; n++) {
      if (n % execute === 0) {
        loop.observe(state, n);
        const actions = chunks[(n / execute) % CHUNKS] as Float32Array;
        loop.adopt({ actions, state, baseTick: n, nextTick: n, ref: ref++ });
      }
      const { values } = loop.tick(n, null);
      for (let d = 0; d < 6; d++) {
        const value = values[d] as number;
        if (actionSpace === 'joint_position') state[d] = value;
        else state[d] = (state[d] as number) + (actionSpace === 'joint_velocity' ? value / hz : value);
      }
    }
  };
}
