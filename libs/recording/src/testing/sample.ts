import { type Moment, SessionRecording } from '../session-recording.js';

/** Made-up pixels in a JPEG's clothes: what reads images reads their heads. */
export const jpeg = (bytes: number): Uint8Array => {
  const data = new Uint8Array(bytes).fill(7);
  data.set([0xff, 0xd8, 0xff, 0xe0]);
  return data;
};

export const START_MS = 1_780_000_000_000;

/** Frame, state, tick and latency `n` of a robot at 10 Hz; every fifth tick holds. */
export function momentsOf(n: number, imageBytes = 2_000): Moment[] {
  const atMs = START_MS + 100 * n;
  const values = Float64Array.from([n, 0.5, -0.5]);
  return [
    {
      kind: 'observation',
      atMs,
      capturedMs: atMs - 12,
      state: values,
      images: [
        { camera: 'main', data: jpeg(imageBytes) },
        { camera: 'wrist', data: new Uint8Array(4 * 2 * 3), width: 4, height: 2 },
      ],
    },
    { kind: 'latency', atMs, queue_ms: 1, inference_ms: 2, total_ms: 3, observationSeq: n, logId: 77 },
    {
      kind: 'tick',
      atMs,
      dueMs: atMs,
      seq: n,
      hold: n % 5 === 4 ? 'stale' : null,
      proposed: values,
      sent: values,
      score: 1,
      flags: ['velocity'],
      logId: 77,
    },
  ];
}

export function recordingOf(emit: (bytes: Uint8Array) => void): SessionRecording {
  return new SessionRecording(
    {
      stateNames: ['joint 1', 'joint 2', 'gripper'],
      actionNames: ['joint 1', 'joint 2', 'gripper'],
      joints: true,
      metadata: { session_id: 's-1', model: 'm' },
    },
    emit,
  );
}
