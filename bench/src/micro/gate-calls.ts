import { createHash } from 'node:crypto';
import { Authenticator, bearer, type FindKey, ObservationGate, readOffer } from '@sinew/gateway/hot-path';
import { nullBundle } from '@sinew/policy';
import { decodeClientFrame, encodeClientMessage, type Observation } from '@sinew/protocol';
import { jpegOfSize } from '../load/camera-image.js';
import { panda } from './control-specs.js';
import type { TimedCall } from './time-each.js';
import type { Operation } from './time-operation.js';

const FRAME_BYTES = 20_000;
/** Different pictures and states, so that no branch is learned by heart. */
const SCENES = 64;
/** Keys that are in the cache at a time. */
const KEYS = 1_000;

/**
 * What a session asks of each observation before it counts: `ObservationGate.check`, the JPEG's header included. The frame is decoded
 * anew for each, as a gateway does, outside the time.
 * @param saying whether each observation comes with its instruction, a new one each time: then its words are read as well.
 */
export async function gatesOfObservation(saying: boolean): Promise<TimedCall<Observation>> {
  const model = nullBundle().describe();
  const frames: Uint8Array[] = [];
  for (let i = 0; i < SCENES; i++) {
    const observation: Observation = {
      type: 'observation',
      seq: 0,
      captured_at_ms: 1_767_225_600_123.5 + i,
      images: { main: { kind: 'encoded', data: await jpegOfSize(96 + i, 96, FRAME_BYTES + 100 * i) } },
      state: Float64Array.of(0.1 + i / 1_000, -0.05, 0.2, 0.01, 0.02, 0.03, 1),
      applied_seq: 0,
    };
    frames.push(encodeClientMessage(observation));
  }
  const gate = new ObservationGate(model, panda('ee_delta'));
  return {
    prepare: (n) => {
      const decoded = decodeClientFrame(frames[n % SCENES] as Uint8Array);
      if (!decoded.ok || decoded.message.type !== 'observation') throw new Error('the frame is no observation');
      const { message } = decoded;
      message.seq = n;
      message.applied_seq = n;
      if (saying) message.instruction = `pick up red cube number ${n} and put it on the plate`;
      return message;
    },
    call: (observation) => {
      const fault = gate.check(observation, 0, observation.seq + 1);
      if (fault !== null) throw new Error(fault.message);
    },
  };
}

/** One observation over and over, for what passing the gates leaves behind. */
export function gatesAgain(): Operation {
  const picture = new Uint8Array(FRAME_BYTES);
  // A JPEG as far as its frame header: 96 × 96, three channels.
  picture.set([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc0, 0, 17, 8, 0, 96, 0, 96, 3]);
  const observation: Observation = {
    type: 'observation',
    seq: 0,
    captured_at_ms: 1_767_225_600_123.5,
    images: { main: { kind: 'encoded', data: picture } },
    state: Float64Array.of(0.1, -0.05, 0.2, 0.01, 0.02, 0.03, 1),
    instruction: 'pick up the red cube',
  };
  const gate = new ObservationGate(nullBundle().describe(), panda('ee_delta'));
  let seq = 0;
  return (count) => {
    for (const end = seq + count; seq < end; seq++) {
      observation.seq = seq;
      if (gate.check(observation, 0, seq) !== null) throw new Error('the observation was refused');
    }
  };
}

/** Headers to principal, as at an upgrade: offers, bearer, hash of the key, look-up in the cache, whether it is still good. */
export function authenticationOfUpgrade(): TimedCall<string> {
  const keys = Array.from({ length: KEYS }, (_, i) => `vla_live_bench-key-${String(i).padStart(24, '0')}`);
  const hashes = new Map(keys.map((key, i) => [createHash('sha256').update(key).digest('hex'), i]));
  const find: FindKey = async (hash) => ({
    key_id: `01900000-0000-7000-8000-${String(hashes.get(hash)).padStart(12, '0')}`,
    customer_id: '01900000-0000-7000-8000-000000000001',
    tier: 'pro',
    scopes: ['stream', 'infer', 'feedback'],
    expires_at: new Date(8.64e15),
    revoked_at: null,
    customer_active: true,
    is_operator: false,
    limits: null,
  });
  // Time stands still: what was looked up stays fresh, and every call is answered from the cache.
  const authenticator = new Authenticator(find, { now: () => 0 });
  return {
    prepare: (n) => `Bearer ${keys[n % KEYS]}`,
    call: async (authorization) => {
      const offer = readOffer('sinew.v1');
      const result = await authenticator.authenticate(bearer(authorization) ?? offer.key ?? '');
      if (result.kind !== 'ok') throw new Error(`the key is ${result.kind}`);
    },
  };
}
