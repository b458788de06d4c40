import { describe, expect, it } from 'vitest';
import { Renderer } from '../camera/render.js';
import { Words } from '../policy/words.js';
import { expertChunk } from '../table/expert.js';
import { instructionOf, vocabulary } from '../table/instructions.js';
import { step } from '../table/physics.js';
import { createWorld } from '../table/scene.js';
import { copyWorld } from '../table/world.js';
import { ExpertStream } from './expert-stream.js';
import { LABEL_BYTES, latentsOf, SAMPLE_BYTES, SampleWriter } from './sample.js';
import { ScatteredStream } from './scattered-stream.js';

const words = new Words(vocabulary());
const writer = new SampleWriter(new Renderer(), words);

describe('training samples', () => {
  it('hold state, the expert’s chunk, latents, tokens and the frame, in this order', () => {
    const world = createWorld(2 ** 31 + 5, 'scattered');
    const bytes = writer.sample(world, true);
    expect(bytes).toHaveLength(SAMPLE_BYTES);
    const floats = new Float32Array(bytes.buffer, 0, 70);
    expect([...floats.subarray(0, 7)]).toEqual([...Float32Array.from(world.tool)]);
    const chunk = new Float32Array(56);
    expertChunk(world, 8, chunk);
    expect(floats.subarray(7, 63)).toEqual(chunk);
    expect(floats.subarray(63)).toEqual(Float32Array.from(latentsOf(world)));
    expect([...bytes.subarray(280, LABEL_BYTES - 1)]).toEqual(words.encode(instructionOf(world), 16));
    expect(bytes[LABEL_BYTES - 1]).toBe(0);
    const frame = new Uint8Array(SAMPLE_BYTES - LABEL_BYTES);
    new Renderer().render(world, frame);
    expect(bytes.subarray(LABEL_BYTES)).toEqual(frame);
  });

  it('begin with 0 to 4 given actions where asked, and go on as the expert would from where those lead', () => {
    const asking = new SampleWriter(new Renderer(), words, 4);
    const seen = new Set<number>();
    for (let i = 0; i < 60; i++) {
      const world = createWorld(2 ** 31 + i, 'scattered');
      const bytes = asking.sample(world, false);
      const given = bytes[LABEL_BYTES - 1]!;
      const chunk = new Float32Array(bytes.buffer, 28, 56);
      seen.add(given);
      const ahead = copyWorld(world);
      for (let k = 0; k < given; k++) {
        ahead.outcome = 'running';
        step(ahead, chunk.subarray(k * 7, k * 7 + 7));
      }
      const expected = new Float32Array((8 - given) * 7);
      expertChunk(ahead, 8 - given, expected);
      for (const [j, value] of expected.entries()) expect(chunk[given * 7 + j]).toBeCloseTo(value, 4);
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('know words in any case, pad, and mark what they do not know', () => {
    const [lift, the, red] = words.encode('lift the red', 3);
    expect(words.encode('Lift THE red zebra', 6)).toEqual([lift, the, red, 1, 0, 0]);
  });

  it('come in the number that was asked for, the same every time', () => {
    const twice = [1, 2].map(() => [
      ...new ScatteredStream(writer).collect(3),
      ...new ExpertStream(writer, 'expert', 4).collect(5, true, 0.5),
      ...new ExpertStream(writer, 'states', 4).collect(5, false, 0.5),
    ]);
    expect(twice[0]).toHaveLength(13);
    expect(twice[0]).toEqual(twice[1]);
    expect(twice[0]!.at(-1)).toHaveLength(LABEL_BYTES);
  });

  it('show the tool away from the target in scattered scenes: nothing but the picture tells where it is', () => {
    let far = 0;
    for (const bytes of new ScatteredStream(writer).collect(200)) {
      const floats = new Float32Array(bytes.buffer, 0, 70);
      const apart = Math.hypot(floats[0]! - floats[63]! * 0.1, floats[1]! - floats[64]! * 0.08);
      if (apart > 0.05) far += 1;
    }
    expect(far).toBeGreaterThan(80);
  });
});
