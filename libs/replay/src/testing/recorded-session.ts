import { ControlLoop, type ControlSpec, type NewChunk, resolveLimits, type TickResult } from '@sinew/control';
import {
  type InferenceRecord,
  type JournalRecord,
  LOOP_CALL,
  RECORD_VERSION,
  type SessionRecord,
  type TicksRecord,
} from '@sinew/journal';
import { HOLD_PRIORITY, type HoldReason } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';

const HZ = 10;
const H = 8;
const D = 7;
const TICKS_A_RECORD = 10;

export const SESSION = '01900000-0000-7000-8000-0000000000aa';

const bytes = (values: Float64Array | Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();

export function recordedSpec(more: Partial<ControlSpec> = {}): ControlSpec {
  const robot = findRobot('franka_panda');
  if (robot === undefined) throw new Error('the registry lacks franka_panda');
  const workspace = { min: [-0.3, -0.3, 0], max: [0.3, 0.3, 0.5] };
  const limits = resolveLimits({ robot, actionSpace: 'ee_delta', mode: 'reduced', hz: HZ, workspace });
  if (!limits.ok) throw new Error(limits.reason);
  return {
    limits: limits.limits,
    actionSpace: 'ee_delta',
    dim: D,
    chunkSize: H,
    hz: HZ,
    execute: 4,
    blend: 'latest',
    smoothing: 'none',
    action: {
      frame: 'base',
      rotation: 'euler_xyz',
      gripper: 'absolute_0_closed_1_open',
      pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
    },
    ...more,
  };
}

/**
 * The records of a paced session as a gateway writes them, for tests that need none: an observation and a chunk every fourth
 * tick, an e-stop, and a robot that is always where it was sent. `late`: chunks come so many ticks after their observations.
 */
export function recordedSession(
  ticks = 40,
  more: Partial<ControlSpec> = {},
  { every, late } = { every: 4, late: 0 },
): JournalRecord[] {
  const spec = recordedSpec(more);
  const loop = new ControlLoop(spec);
  const { limits, ...control } = spec;
  const base = { v: RECORD_VERSION, session_id: SESSION, customer_id: 'c', t_ms: 1 } as const;
  const identity = { robot_id: 'arm-1', robot_type: 'franka_panda', model_id: 'null', model_version: '1', key_id: 'k' };
  const life = { ...base, ...identity, kind: 'session', log_id: null, control_hz: HZ, pacing: 'paced' } as const;
  const rest = { execute: 4, blend: spec.blend, smoothing: spec.smoothing, instruction: 'pick up the red cube' };
  const told = { ...life, ...rest, environment: null, client: null, epoch: 1 };
  const open: SessionRecord = { ...told, event: 'open', limits, control, asked: {} };
  const records: JournalRecord[] = [open];

  const state = Float64Array.of(0, 0, 0.2, 0, 0, 0, 1);
  let coming: NewChunk | null = null;
  let part = 0;
  let columns = emptyColumns();
  const call = (logId: number, before: number, baseTick: number, seen: Float64Array | null): void => {
    columns.at.push(columns.seq.length);
    columns.calls.push(logId);
    columns.before.push(before);
    columns.base.push(baseTick);
    if (seen !== null) columns.state.push(...seen);
  };
  const flush = (): void => {
    const { seq, logIds, flags, score, kinds, causes, proposed, sent, at, calls, before, base: baseTick } = columns;
    const inputs = {
      at,
      log_ids: calls,
      before,
      base_tick: baseTick,
      state_dim: D,
      state: bytes(Float64Array.from(columns.state)),
    };
    const record: TicksRecord = {
      ...base,
      kind: 'ticks',
      log_id: null,
      episode: 0,
      part: part++,
      dt_ms: 1_000 / HZ,
      dim: D,
      seq,
      log_ids: logIds,
      flags,
      score,
      kinds,
      causes,
      proposed: bytes(Float64Array.from(proposed)),
      sent: bytes(Float64Array.from(sent)),
      inputs,
    };
    records.push(record);
    columns = emptyColumns();
  };
  for (let n = 0; n < ticks; n++) {
    const stopped = n >= 20 && n < 23;
    if (n === 20 || n === 23) {
      loop.restart(n);
      call(LOOP_CALL.restart, n, 0, null);
    }
    if (coming?.nextTick === n) {
      loop.adopt(coming);
      call(coming.ref, n, coming.baseTick, coming.state);
      coming = null;
    }
    if (n % every === 0 && !stopped) {
      loop.observe(state, n);
      call(LOOP_CALL.observe, n, n, state);
      const ref = 1_000 + n;
      const chunk = wanderingChunk(n);
      records.push({
        ...base,
        ...identity,
        kind: 'inference',
        log_id: ref,
        request_id: `01900000-0000-7000-8000-${String(ref).padStart(12, '0')}`,
        episode: 0,
        instruction: 'pick up the red cube',
        observation_seq: n,
        observation_age_ms: 1,
        base_tick: n,
        state: [...state],
        image_shape: [],
        chunk: bytes(chunk),
        shape: [H, D],
        queue_ms: 0,
        decode_ms: 0,
        inference_ms: 1,
        total_ms: 1,
        status: 'ok',
        safety_score: 1,
        safety_flags: [],
      } satisfies InferenceRecord);
      const next: NewChunk = { actions: chunk, state: state.slice(), baseTick: n, nextTick: n + late, ref };
      if (late > 0) coming = next;
      else {
        loop.adopt(next);
        call(ref, n, n, next.state);
      }
    }
    const cause: HoldReason | null = stopped ? 'estop' : null;
    note(columns, n, loop.tick(n, cause), cause);
    for (let d = 0; d < 6; d++) state[d] = (state[d] ?? 0) + (columns.sent.at(d - D) ?? 0);
    if (columns.seq.length === TICKS_A_RECORD) flush();
  }
  if (columns.seq.length > 0) flush();
  records.push({ ...told, event: 'close', limits, reason: 'client', counters: {} });
  return records;
}

type Columns = ReturnType<typeof emptyColumns>;

function emptyColumns() {
  const none = (): number[] => [];
  const ticks = { seq: none(), logIds: none(), flags: none(), score: none(), kinds: none(), causes: none() };
  return {
    ...ticks,
    proposed: none(),
    sent: none(),
    at: none(),
    calls: none(),
    before: none(),
    base: none(),
    state: none(),
  };
}

const numberOf = (reason: HoldReason | null): number => (reason === null ? 0 : HOLD_PRIORITY.indexOf(reason) + 1);

function note(columns: Columns, n: number, tick: TickResult, cause: HoldReason | null): void {
  columns.seq.push(n);
  columns.logIds.push(Math.max(0, tick.ref));
  columns.flags.push(tick.flags);
  columns.score.push(tick.score);
  columns.kinds.push(tick.kind === 'action' ? 0 : numberOf(tick.reason));
  columns.causes.push(numberOf(cause));
  columns.proposed.push(...tick.proposed);
  columns.sent.push(...tick.values);
}

/** To and fro, a little faster than it may. */
function wanderingChunk(n: number): Float32Array {
  const chunk = new Float32Array(H * D);
  for (let k = 0; k < H; k++) {
    const t = (n + k) / 5;
    chunk.set([0.028 * Math.sin(t), 0.01 * Math.cos(t), 0, 0, 0, 0.02 * Math.sin(2 * t), k % 2], k * D);
  }
  return chunk;
}
