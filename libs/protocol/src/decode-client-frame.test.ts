import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeClientFrame, type WireFault } from './index.js';
import { CLIENT_EXAMPLES } from './testing/messages.js';

const decode = (map: unknown) => decodeClientFrame(Uint8Array.from(pack(map)));
const fault = (map: unknown): WireFault => {
  const result = decode(map);
  if (result.ok) throw new Error(`accepted: ${JSON.stringify(result.message)}`);
  return result.fault;
};

describe('frames that are not messages', () => {
  it('[W3] a frame that is no map, or has no string type, is a fatal bad_message', () => {
    for (const bad of [[1], {}, { type: 3 }, { type: null }, { type: ['open'] }, { seq: 1 }])
      expect(fault(bad)).toMatchObject({ code: 'bad_message', fatal: true });
    expect(decodeClientFrame(new Uint8Array())).toMatchObject({ ok: false, fault: { code: 'bad_message' } });
  });

  it('[W3] an unknown type is an error that is not fatal', () => {
    for (const type of ['telemetry', 'action', 'toString', '__proto__', 'x'.repeat(10_000)]) {
      const result = fault({ type });
      expect(result).toMatchObject({ code: 'unknown_type', fatal: false });
      expect(result.message.length).toBeLessThan(200);
    }
  });

  it('[W3] unknown fields are ignored', () => {
    expect(decode({ type: 'estop', urgency: 9, nested: { deep: [1, { a: 2 }] } })).toEqual({
      ok: true,
      message: { type: 'estop' },
    });
    expect(
      decode({ type: 'open', robot_type: 'r', instruction: 'go', colour: 'red', limits: { v: 1, zeta: 2 } }),
    ).toEqual({
      ok: true,
      message: { type: 'open', robot_type: 'r', instruction: 'go', limits: { v: 1 } },
      // A misspelt limit is not in force: whoever sent it should hear that.
      ignored: ['colour', 'limits.zeta'],
    });
  });

  it('[W3] a field that is nil counts as absent', () => {
    expect(decode({ type: 'open', robot_type: 'r', instruction: 'go', model: null, limits: { v: null } })).toEqual({
      ok: true,
      message: { type: 'open', robot_type: 'r', instruction: 'go', limits: {} },
    });
    expect(decode({ type: 'ping', sent_at_ms: 1, echo: null })).toEqual({
      ok: true,
      message: { type: 'ping', sent_at_ms: 1 },
    });
  });

  it('[W3] keys that every object inherits are data like any other', () => {
    // {"type":"reset","__proto__":{"outcome":{"success":true}}}, by hand: JavaScript cannot write this literal
    const hostile = pack({ type: 'reset', xx_proto_x: { outcome: { success: true }, polluted: 1 } });
    const at = hostile.indexOf('xx_proto_x');
    hostile.write('__proto__x', at);
    const shorter = Uint8Array.from([
      ...hostile.subarray(0, at - 1),
      0xa9,
      ...hostile.subarray(at, at + 9),
      ...hostile.subarray(at + 10),
    ]);
    expect(decodeClientFrame(shorter)).toEqual({ ok: true, message: { type: 'reset' } });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(fault({ type: 'open', constructor: 1, toString: 2 })).toMatchObject({ field: 'robot_type' });
  });
});

describe('open', () => {
  const open = { type: 'open', robot_type: 'franka_panda', instruction: 'pick up the cube' };

  it('[W3] a fault at open names its field and is fatal', () => {
    const cases: [object, string][] = [
      [{ robot_type: 5 }, 'robot_type'],
      [{ instruction: '' }, 'instruction'],
      [{ instruction: 'x'.repeat(1001) }, 'instruction'],
      [{ robot_id: 'a b' }, 'robot_id'],
      [{ robot_id: 'x'.repeat(65) }, 'robot_id'],
      [{ control_hz: 0 }, 'control_hz'],
      [{ control_hz: 101 }, 'control_hz'],
      [{ control_hz: Number.NaN }, 'control_hz'],
      [{ pacing: 'fast' }, 'pacing'],
      [{ execute: 0 }, 'execute'],
      [{ execute: 1.5 }, 'execute'],
      [{ stale_after_ms: 2001 }, 'stale_after_ms'],
      [{ limits: { v: -1 } }, 'limits.v'],
      [{ limits: { joint_scale: 2 } }, 'limits.joint_scale'],
      [{ keep_out: [{ min: [0, 0, 0], max: [1, 1] }] }, 'keep_out.0.max'],
      [{ keep_out: [{ min: [0, 0, 0], max: [0, 1, 1] }] }, 'keep_out.0'],
      [
        {
          keep_out: [
            { center: [0, 0, 0], radius: 1 },
            { center: [0, 0, 0], radius: 0 },
          ],
        },
        'keep_out.1.radius',
      ],
      [{ keep_out: [{ normal: [0, 0, 0], offset: 1 }] }, 'keep_out.0.normal'],
      [{ keep_out: [{ normal: [0, 0, 1], offset: Number.NaN }] }, 'keep_out.0.offset'],
      [{ keep_out: [5] }, 'keep_out.0'],
      [{ keep_out: [{ min: [0, 0, 0], max: [1, 1, 1], center: [0, 0, 0], radius: 1 }] }, 'keep_out.0'],
      [
        { environment: { environment_type: 'lab', workspace: { min: [0, 0, 1], max: [1, 1, 1] } } },
        'environment.workspace',
      ],
      [{ resume: { session_id: 'a' } }, 'resume.token'],
      [{ resume: 7 }, 'resume'],
    ];
    for (const [change, field] of cases)
      expect(fault({ ...open, ...change }), field).toMatchObject({ code: 'validation_failed', fatal: true, field });
  });

  it('[W3] a keep-out is a box, a ball or a half-space', () => {
    const keep_out = [
      { min: [0, 0, 0], max: [1, 1, 1] },
      { center: [0, 0, 1], radius: 0.25 },
      { normal: [0, 0, 2], offset: 0 },
    ];
    expect(decode({ ...open, keep_out })).toEqual({ ok: true, message: { ...open, keep_out } });
  });

  it('[W3] with resume all else is ignored, also what would be refused', () => {
    expect(decode({ type: 'open', resume: { session_id: 's', token: 't' }, robot_type: 5, control_hz: -1 })).toEqual({
      ok: true,
      message: { type: 'open', resume: { session_id: 's', token: 't' } },
    });
  });

  it('[W0] takes integers as floats and floats as integers', () => {
    const asFloat = Uint8Array.from([0xcb, 0x40, 0x10, 0, 0, 0, 0, 0, 0]); // 4.0
    const frame = pack({ ...open, execute: 9 });
    const result = decodeClientFrame(Uint8Array.from([...frame.subarray(0, frame.length - 1), ...asFloat]));
    expect(result).toMatchObject({ ok: true, message: { execute: 4 } });
    expect(decode({ ...open, control_hz: 10 })).toMatchObject({ ok: true, message: { control_hz: 10 } });
  });

  it('[W0] an integer beyond 2^53 is validation_failed', () => {
    expect(fault({ ...open, execute: 2n ** 60n })).toMatchObject({ code: 'validation_failed', field: 'execute' });
    expect(fault({ ...CLIENT_EXAMPLES.observation, images: {}, state: [1], seq: 2n ** 53n })).toMatchObject({
      field: 'seq',
    });
    expect(fault({ type: 'ping', sent_at_ms: 2n ** 64n - 1n })).toMatchObject({ field: 'sent_at_ms' });
  });
});
