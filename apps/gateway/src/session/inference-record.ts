import type { InferenceRecord, InferenceStatus } from '@sinew/journal';
import type { PolicyOutput, RequestTiming } from '@sinew/policy';
import { newRequestId } from './identity.js';
import type { AcceptedObservation } from './observation-box.js';
import type { Session } from './session.js';

interface Finished {
  readonly logId: number;
  readonly nowMs: number;
  readonly observation: AcceptedObservation;
  readonly output: PolicyOutput;
  readonly timing: RequestTiming;
}

interface Judgement {
  readonly status: InferenceStatus;
  readonly safetyScore: number;
  readonly safetyFlags: readonly string[];
}

/** What the journal keeps of an inference. One literal: a spread of this many fields cost as much as judging the chunk. */
export function inferenceRecord(
  session: Session,
  { logId, nowMs, observation, output, timing }: Finished,
  { status, safetyScore, safetyFlags }: Judgement,
): InferenceRecord {
  const { profile } = session;
  const { description } = profile.model;
  const { action_dim } = description;
  const record: InferenceRecord = {
    v: 1,
    kind: 'inference',
    log_id: logId,
    t_ms: nowMs,
    session_id: session.id,
    customer_id: profile.principal.customerId,
    request_id: newRequestId(),
    key_id: profile.principal.keyId,
    episode: session.episode,
    robot_id: profile.robotId,
    robot_type: profile.robotType,
    model_id: description.id,
    model_version: description.version,
    instruction: observation.instruction,
    observation_seq: observation.seq,
    observation_age_ms: nowMs - observation.capturedMs,
    base_tick: observation.baseTick,
    state: listOf(observation.state),
    image_shape: imageShape(observation, description.inputs.cameras[0]),
    chunk: output.ok ? bytesOf(output.actions) : new Uint8Array(0),
    shape: output.ok ? shapeOf(output.actions.length, action_dim) : [0, action_dim],
    queue_ms: timing.queueMs,
    decode_ms: timing.decodeMs,
    inference_ms: timing.inferMs,
    total_ms: nowMs - observation.arrivedMs,
    status,
    safety_score: safetyScore,
    safety_flags: safetyFlags,
  };
  return output.ok ? record : { ...record, error: output.reason };
}

/** Rows of D numbers; what is no whole number of them (a chunk that was refused for its length) stands as one row. */
export function shapeOf(length: number, dim: number): [number, number] {
  return length % dim === 0 ? [length / dim, dim] : [1, length];
}

/** `Array.from` goes by way of an iterator, which takes longer than all the rest of the record. */
function listOf(values: Float64Array): number[] {
  const list = new Array<number>(values.length);
  for (let i = 0; i < values.length; i++) list[i] = values[i] as number;
  return list;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function imageShape(
  observation: AcceptedObservation,
  camera: { name: string; width: number; height: number } | undefined,
): readonly number[] {
  if (camera === undefined) return [];
  const image = observation.images[camera.name];
  return image?.kind === 'rgb8' ? [image.height, image.width, 3] : [camera.height, camera.width, 3];
}
