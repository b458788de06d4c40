import { decodeClientFrame, readImageHeader } from '@sinew/protocol';
import { expect, test } from 'vitest';
import { jpegOfSize } from './camera-image.js';
import { ObservationFrame } from './observation-frame.js';

const HEADER_BYTES = 8;
const image = await jpegOfSize(96, 96, 20_000);
const content = { images: { main: image }, state: Float64Array.of(0, 0, 0.2, 0, 0, 0, 1) };

/** The payload of a frame of 126 … 65,535 bytes, whose mask is zero. */
function decoded(frame: ObservationFrame) {
  const result = decodeClientFrame(new Uint8Array(frame.bytes.subarray(HEADER_BYTES)));
  if (!result.ok) throw new Error(result.fault.message);
  return result.message;
}

test('a stamped frame is the observation that was meant, every time', () => {
  const frame = new ObservationFrame({ ...content, applied: true });
  for (const [seq, captured, applied] of [
    [0, 1_767_225_600_123.456, 0],
    [4_000_000_000, 0.5, 3_999_999_999],
    [12, -7, 11],
  ] as const) {
    frame.stamp(seq, captured, applied);
    expect(decoded(frame)).toMatchObject({
      type: 'observation',
      seq,
      captured_at_ms: captured,
      applied_seq: applied,
      state: content.state,
    });
  }
});

test('before the first tick there is no applied_seq', () => {
  const frame = new ObservationFrame({ ...content, applied: false });
  frame.stamp(1, 2, -1);
  expect(decoded(frame)).not.toHaveProperty('applied_seq');
});

test('the picture has the size asked for, to the byte, and its header still reads', () => {
  expect(image.length).toBe(20_000);
  expect(readImageHeader(image)).toMatchObject({ format: 'jpeg', width: 96, height: 96, channels: 3 });
});

test('pictures are filled up over many segments, whatever remains for the last', async () => {
  for (const bytes of [65_000, 66_000, 70_000, 131_075, 200_001]) {
    const picture = await jpegOfSize(96, 96, bytes);
    expect(picture.length).toBe(bytes);
    expect(readImageHeader(picture)).toMatchObject({ width: 96, height: 96 });
  }
});
