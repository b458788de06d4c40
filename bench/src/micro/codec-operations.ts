import { nullBundle } from '@sinew/policy';
import {
  checkObservation,
  decodeClientFrame,
  decodeServerFrame,
  encodeClientMessage,
  encodeServerMessage,
  type Observation,
  type ServerMessage,
  scanFrame,
} from '@sinew/protocol';
import { jpegOfSize } from '../load/camera-image.js';
import type { Operation } from './time-operation.js';

const FRAME_BYTES = 20_000;

export async function codecOperations(): Promise<Record<string, Operation>> {
  const observation: Observation = {
    type: 'observation',
    seq: 123_456,
    captured_at_ms: 1_767_225_600_123.5,
    images: { main: { kind: 'encoded', data: await jpegOfSize(96, 96, FRAME_BYTES) } },
    state: Float64Array.of(0.1, -0.05, 0.2, 0.01, 0.02, 0.03, 1),
    applied_seq: 123_450,
  };
  const action: ServerMessage = {
    type: 'action',
    seq: 123_456,
    observation_seq: 123_450,
    values: Float64Array.of(0.001, -0.002, 0.0005, 0.01, 0, -0.01, 1),
    age_ms: 87.25,
    safety: { score: 1, checks_passed: 4, flags: [], clamped: false },
    latency: { queue_ms: 0.5, inference_ms: 12.5, total_ms: 14.25 },
    log_id: 7_353_000_000_001,
  };
  const frame = encodeClientMessage(observation);
  const actionFrame = encodeServerMessage(action);
  const model = nullBundle().describe();
  const repeat =
    (operation: () => unknown): Operation =>
    (count) => {
      // Results are compared with something, so that no work is optimised away.
      let nothing = 0;
      for (let i = 0; i < count; i++) if (operation() === undefined) nothing++;
      if (nothing > 0) throw new Error('an operation had no result');
    };
  return {
    'scan a 20 KB observation (W6)': repeat(() => scanFrame(frame)),
    'decode a 20 KB observation': repeat(() => decodeClientFrame(frame)),
    'check an observation (W5)': repeat(() => checkObservation(observation, model, 0)),
    'encode an observation': repeat(() => encodeClientMessage(observation)),
    'encode an action': repeat(() => encodeServerMessage(action)),
    'decode an action': repeat(() => decodeServerFrame(actionFrame)),
  };
}
