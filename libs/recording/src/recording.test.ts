import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recordingHolds } from './recording-holds.js';
import { recoverRecording } from './recover.js';
import { readMcap } from './testing/read-mcap.js';
import { momentsOf, recordingOf } from './testing/sample.js';

/** The whole file, and where each part of it that was emitted ends. */
function recorded(frames: number, imageBytes?: number, end = true): { bytes: Buffer; ends: number[] } {
  const parts: Uint8Array[] = [];
  const recording = recordingOf((bytes) => parts.push(bytes));
  for (let n = 0; n < frames; n++) {
    for (const moment of momentsOf(n, imageBytes)) recording.add(moment);
    if (n % 10 === 9) recording.flush();
  }
  if (end) recording.end();
  let at = 0;
  const ends = parts.map((part) => {
    at += part.length;
    return at;
  });
  return { bytes: Buffer.concat(parts), ends };
}

function recoveredFrom(bytes: Uint8Array) {
  const dir = mkdtempSync(join(tmpdir(), 'sinew-recording-'));
  try {
    writeFileSync(join(dir, 'x.mcap.part'), bytes);
    const recovered = recoverRecording(join(dir, 'x.mcap.part'));
    return { recovered, file: readFileSync(join(dir, 'x.mcap')) };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('everything of a session is read back by its index, under names that viewers know', async () => {
  const { bytes } = recorded(50);
  const { count, messages, metadata, statistics } = await readMcap(bytes);
  expect(new Map(messages.map(({ topic, schema }) => [topic, schema]))).toEqual(
    new Map([
      ['/state', 'sinew.State'],
      ['/joints', 'foxglove.JointStates'],
      ['/camera/main', 'foxglove.CompressedImage'],
      ['/camera/wrist', 'foxglove.RawImage'],
      ['/latency', 'sinew.Latency'],
      ['/action/proposed', 'sinew.Action'],
      ['/action/sent', 'sinew.Action'],
      ['/tick', 'sinew.Tick'],
      ['/hold', 'sinew.Hold'],
    ]),
  );
  expect(count('/action/sent')).toBe(50);
  expect(count('/hold')).toBe(10);
  expect(Number(statistics?.messageCount)).toBe(messages.length);
  expect(metadata.get('sinew.session')?.get('session_id')).toBe('s-1');
});

test('log times never go back, also where a moment is told late', async () => {
  const parts: Uint8Array[] = [];
  const recording = recordingOf((bytes) => parts.push(bytes));
  for (const n of [3, 1, 2]) for (const moment of momentsOf(n)) recording.add(moment);
  recording.end();
  const { messages } = await readMcap(Buffer.concat(parts));
  const times = messages.map(({ record }) => record.logTime);
  expect(times).toEqual(times.slice().sort((a, b) => Number(a - b)));
  expect(new Set(times).size).toBe(1);
});

test('a camera that changes from files to pixels goes on beside itself', async () => {
  const parts: Uint8Array[] = [];
  const recording = recordingOf((bytes) => parts.push(bytes));
  for (const width of [undefined, 4, undefined]) {
    const [frame] = momentsOf(0);
    if (frame?.kind !== 'observation') throw new Error('a frame comes first');
    const image = frame.images[width === undefined ? 0 : 1];
    if (image !== undefined) recording.add({ ...frame, images: [{ ...image, camera: 'c' }] });
  }
  recording.end();
  const { count } = await readMcap(Buffer.concat(parts));
  expect([count('/camera/c'), count('/camera/c/RawImage')]).toEqual([2, 1]);
});

test('cut anywhere, what was whole is kept, indexed and readable, and recovering again changes nothing', async () => {
  const { bytes, ends } = recorded(40, 300, false);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), fc.boolean(), async (cut, zeros) => {
      const tail = zeros ? new Uint8Array(500) : new Uint8Array(0);
      const { file, recovered } = recoveredFrom(Buffer.concat([bytes.subarray(0, cut), tail]));
      const { messages, statistics } = await readMcap(file);
      expect(recovered.messages).toBe(messages.length);
      expect(Number(statistics?.messageCount)).toBe(messages.length);
      const chunks = ends.slice(2).filter((end) => end <= cut).length;
      // Ten frames a chunk: eight messages each, and two holds among them.
      expect(messages.length).toBeGreaterThanOrEqual(chunks * 82);
      expect(recoveredFrom(file).file.equals(file)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('a chunk whose bytes rotted ends what is kept; one that ended is kept to the byte', async () => {
  const whole = recorded(30, 300);
  expect(recoveredFrom(whole.bytes)).toMatchObject({ file: whole.bytes, recovered: { lost_bytes: 0 } });
  const rotten = Buffer.from(whole.bytes);
  const at = (whole.ends[3] ?? 0) + 200;
  rotten[at] = (rotten[at] ?? 0) ^ 1;
  const { messages } = await readMcap(recoveredFrom(rotten).file);
  expect(messages.length).toBe(2 * 82);
});

test('an inference is found in what is whole; a torn end may hold any', () => {
  const { bytes, ends } = recorded(30, 300, false);
  const holds = (cut: number, logId: number): boolean => {
    const dir = mkdtempSync(join(tmpdir(), 'sinew-recording-'));
    try {
      writeFileSync(join(dir, 'x.mcap.part'), bytes.subarray(0, cut));
      return recordingHolds(join(dir, 'x.mcap.part'), logId);
    } finally {
      rmSync(dir, { recursive: true });
    }
  };
  const whole = ends[3] ?? 0;
  expect([holds(whole, 77), holds(whole, 78)]).toEqual([true, false]);
  expect(holds(whole - 40, 78)).toBe(true);
});

test('what is no recording is not touched', () => {
  expect(() => recoveredFrom(Buffer.from('not a recording at all'))).toThrow('no MCAP');
});
