import { describe, expect, it } from 'vitest';
import { createWorld } from '../table/scene.js';
import { BLINDS, Eyes } from './eyes.js';
import { decodeJpeg, encodeJpeg } from './jpeg.js';
import { FRAME_BYTES, Renderer } from './render.js';

const renderer = new Renderer();

function seen(blind: 'grey' | 'swap' | 'recolour' | null, seed: number): Uint8Array {
  const frame = new Uint8Array(FRAME_BYTES);
  new Eyes(renderer, blind, seed).see(createWorld(seed), frame);
  return frame;
}

describe('Eyes', () => {
  it('show the scene, or nothing of it', () => {
    const truth = seen(null, 9);
    expect(seen('recolour', 9)).toEqual(truth);
    expect(seen('swap', 9)).not.toEqual(truth);
    expect(seen('grey', 9).every((value) => Math.abs(value - 128) <= 5)).toBe(true);
  });

  it('let another episode’s arm move as this one’s', () => {
    const eyes = new Eyes(renderer, 'swap', 9);
    const [before, after] = [new Uint8Array(FRAME_BYTES), new Uint8Array(FRAME_BYTES)];
    eyes.see(createWorld(9), before);
    eyes.moved([0.03, 0, 0, 0, 0, 0, 1]);
    eyes.see(createWorld(9), after);
    expect(after).not.toEqual(before);
  });

  it('change the words only where they are to be wrong', () => {
    expect(new Eyes(renderer, 'recolour', 1).read('lift the red cube')).toBe('lift the green cube');
    expect(new Eyes(renderer, 'grey', 1).read('lift the red cube')).toBe('lift the red cube');
  });
});

describe('JPEG', () => {
  it('makes frames of the size that the wire asks for, at least 1 KB, blind ones too', async () => {
    for (const blind of [...BLINDS, null])
      for (let seed = 0; seed < 10; seed++) {
        const bytes = await encodeJpeg(seen(blind, seed));
        expect(bytes.length).toBeGreaterThanOrEqual(1024);
        expect(bytes.length).toBeLessThan(8192);
      }
  });

  it('keeps the picture', async () => {
    const frame = seen(null, 2);
    const back = await decodeJpeg(await encodeJpeg(frame));
    expect(back).toHaveLength(FRAME_BYTES);
    const error = frame.reduce((sum, value, i) => sum + Math.abs(value - back[i]!), 0) / FRAME_BYTES;
    expect(error).toBeLessThan(6);
  });
});
