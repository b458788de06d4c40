import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { recoverRecording } from '@sinew/recording';
import { momentsOf, readMcap, recordingOf, START_MS } from '@sinew/recording/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KEY, observation, startTestGateway } from '../testing/test-gateway.js';

const run = promisify(execFile);
const READER = fileURLToPath(new URL('../testing/read_recording.py', import.meta.url));

// `.ci/services` installs them where the package index has them for this Python.
const python = process.env.SINEW_TEST_PYTHON ?? 'python3';
const has = (module: string): boolean => spawnSync(python, ['-c', `import ${module}`]).status === 0;
const readers = has('mcap_protobuf') && has('foxglove_schemas_protobuf');
const rerun = join(dirname(python), 'rerun');

interface Read {
  readonly messages: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly logs: readonly string[];
  readonly images: readonly unknown[];
  readonly alike: readonly string[];
  readonly differ: readonly string[];
  readonly metadata: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly rerun?: string;
}

let dir: string;
let whole: Buffer;
let frames = 0;

/** A session with JPEG frames, recorded from its start to its end. */
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-readers-'));
  const noise = Buffer.from(Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i * 2654435761) >>> 24));
  const data = await sharp(noise, { raw: { width: 96, height: 96, channels: 3 } })
    .jpeg()
    .toBuffer();
  const server = await startTestGateway();
  try {
    const client = await server.robot({ control_hz: 50 });
    const opened = client.received.find((message) => message.type === 'opened');
    const id = opened?.type === 'opened' ? opened.session_id : '';
    const headers = { Authorization: `Bearer ${KEY}` };
    // It answers once it records.
    const response = await fetch(`${server.http}/v1/sessions/${id}/recording`, { headers });
    const reading = response.arrayBuffer();
    const look = () => observation(frames++, { images: { main: { kind: 'encoded', data } } });
    for (let n = 0; n < 60; n++) await client.nextWhile(look, 'action');
    client.send({ type: 'estop' });
    await client.next('hold', ({ reason }) => reason === 'estop');
    client.send({ type: 'close' });
    await client.next('closed');
    whole = Buffer.from(await reading);
  } finally {
    await server.stop();
  }
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function read(path: string, ...more: string[]): Promise<Read> {
  const { stdout } = await run(python, [READER, path, ...more], { timeout: 60_000, maxBuffer: 1 << 26 });
  return JSON.parse(stdout) as Read;
}

if (!readers) {
  test.skip(`NOT RUN, other readers: no mcap-protobuf-support and foxglove-schemas-protobuf for ${python}`, () =>
    expect.unreachable());
} else {
  test('the reader of MCAP’s authors decodes every message, and its images are images', async () => {
    const path = join(dir, 'whole.mcap');
    writeFileSync(path, whole);
    const [theirs, ours] = [await read(path), await readMcap(whole)];
    expect(theirs.messages).toBe(ours.messages.length);
    for (const [topic, n] of Object.entries(theirs.counts)) expect([topic, n]).toEqual([topic, ours.count(topic)]);
    expect(theirs.counts['/camera/main']).toBe(frames);
    expect(theirs.images).toEqual([{ format: 'jpeg', bytes: expect.any(Number), frame_id: 'main' }]);
    expect(theirs.logs).toContain('e-stop by client');
    expect(theirs.metadata['sinew.session']).toMatchObject({ robot_type: 'franka_panda', model: 'null' });
    const image = ours.messages.find(({ topic }) => topic === '/camera/main')?.record.data ?? new Uint8Array();
    const start = Buffer.from(image).indexOf(Buffer.from([0xff, 0xd8, 0xff]));
    const decoded = await sharp(Buffer.from(image).subarray(start)).raw().toBuffer({ resolveWithObject: true });
    expect(decoded.info).toMatchObject({ width: 96, height: 96 });
  });

  test('our descriptions of Foxglove’s messages are theirs, field by field', async () => {
    const parts: Uint8Array[] = [];
    const recording = recordingOf((part) => parts.push(part));
    for (const moment of momentsOf(0)) recording.add(moment);
    recording.add({ kind: 'log', atMs: START_MS, level: 'INFO', text: 'x' });
    recording.end();
    const path = join(dir, 'sample.mcap');
    writeFileSync(path, Buffer.concat(parts));
    const { alike, differ } = await read(path);
    expect(alike.toSorted()).toEqual(
      ['CompressedImage', 'JointStates', 'Log', 'RawImage'].map((name) => `foxglove.${name}`),
    );
    expect(differ).toEqual([]);
  });

  test('one that was cut in the middle is read by them once it is recovered', async () => {
    // Of several chunks, which one of a second or two need not be.
    const parts: Uint8Array[] = [];
    const recording = recordingOf((part) => parts.push(part));
    for (let n = 0; n < 40; n++) {
      for (const moment of momentsOf(n)) recording.add(moment);
      if (n % 10 === 9) recording.flush();
    }
    recording.end();
    const bytes = Buffer.concat(parts);
    const path = join(dir, 'cut.mcap.part');
    writeFileSync(path, bytes.subarray(0, Math.floor(0.7 * bytes.length)));
    const recovered = recoverRecording(path);
    expect((await read(recovered.path)).messages).toBe(recovered.messages);
    expect(recovered.messages).toBeGreaterThan(0);
  });
}

if (!readers || !existsSync(rerun)) {
  test.skip(`NOT RUN, Rerun: no rerun-sdk for ${python}`, () => expect.unreachable());
} else {
  test('Rerun opens it, and takes images for images and the log for a log', async () => {
    const path = join(dir, 'rerun.mcap');
    writeFileSync(path, whole);
    const { rerun: shown } = await read(path, rerun);
    expect(shown).toMatch(/ - \/camera\/main - data columns: \[.*EncodedImage:blob/);
    expect(shown).toMatch(/ - \/log - data columns: \[.*TextLog:text/);
    expect(shown).toMatch(/ - \/action\/sent - data columns: \[sinew\.Action:message\]/);
  }, 60_000);
}
