import { describe, expect, it } from 'vitest';
import { FRAME_BYTES, Renderer } from '../camera/render.js';
import type { PolicyQuery } from '../policy/policy.js';
import { CHUNK_VALUES, follow, wayPoints } from '../policy/way-points.js';
import { Words } from '../policy/words.js';
import { vocabulary } from '../table/instructions.js';
import { type Actor, LearnerStream } from './learner-stream.js';
import { SAMPLE_BYTES, SampleWriter } from './sample.js';

/** Goes up and does nothing else: the expert would come down. */
const climber: Actor & { asked: PolicyQuery[] } = {
  asked: [],
  async run(queries) {
    this.asked.push(...queries.map((query) => ({ ...query, state: [...Array.from(query.state)] })));
    const chunks = new Float32Array(queries.length * CHUNK_VALUES);
    for (let i = 0; i < chunks.length; i += 7) chunks.set([0, 0, 0.01, 0, 0, 0, 1], i);
    return chunks;
  },
};

describe('LearnerStream', () => {
  it('lets the learner act and the expert label', async () => {
    const renderer = new Renderer();
    const stream = new LearnerStream(new SampleWriter(renderer, new Words(vocabulary())), renderer, 16);
    const samples: Uint8Array[] = [];
    for await (const sample of stream.collect(150, climber, 0.5)) samples.push(sample);
    expect(samples.length).toBeGreaterThanOrEqual(150);
    for (const sample of samples) expect(sample).toHaveLength(SAMPLE_BYTES);
    for (const { frame, instruction } of climber.asked) {
      expect(frame).toHaveLength(FRAME_BYTES);
      expect(instruction).not.toBe('');
    }
    const floats = samples.map((sample) => new Float32Array(sample.buffer, 0, 63));
    const heights = floats.map((values) => values[2]!);
    // The learner has climbed to the ceiling, where the expert's labels point down.
    const high = floats.filter((values) => values[2]! > 0.2);
    expect(Math.max(...heights)).toBeGreaterThan(0.2);
    expect(high.filter((values) => values[7 + 2]! < 0).length).toBeGreaterThan(0.9 * high.length);
  });
});

describe('way-points', () => {
  it('say the same from another pose: what was missed is made up for', () => {
    const chunk = new Float32Array(CHUNK_VALUES);
    for (let k = 0; k < 8; k++) chunk.set([0.01, 0, -0.005, 0, 0, 0.1, 0.7], k * 7);
    const points = wayPoints(chunk, [0.1, 0, 0.2, 0, 0, 0, 1]);
    const action = new Float64Array(7);
    follow(points, 2, [0.11, 0.01, 0.2, 0, 0, 0, 1], action);
    expect([...action]).toEqual([0.02, -0.01, -0.015, 0, 0, 0.3, 1].map((value) => expect.closeTo(value, 6)));
  });
});
