import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { TABLETOP } from '../testing/tabletop.js';
import { instructionOf, recolour, vocabulary } from './instructions.js';
import { createWorld } from './scene.js';
import { goalBowl, targetCube } from './world.js';

const worlds = Array.from({ length: 600 }, (_, seed) => createWorld(seed));

describe('instructions', () => {
  it('name the cube, and the bowl or the side', () => {
    for (const world of worlds) {
      const words = instructionOf(world).split(' ');
      expect(words).toContain(targetCube(world).color);
      if (world.goal.task === 'put') expect(words).toContain(goalBowl(world).color);
      if (world.goal.task === 'move') expect(words).toContain(world.goal.side < 0 ? 'left' : 'right');
    }
  });

  it('use only words that the policy knows, and no more of them than it reads', async () => {
    const known: unknown = JSON.parse(await readFile(`${TABLETOP}/vocab.json`, 'utf8'));
    expect(known).toEqual(vocabulary());
    for (const world of worlds)
      for (const wording of ['trained', 'held-out'] as const) {
        const words = instructionOf(world, wording).split(' ');
        expect(words.length).toBeLessThanOrEqual(16);
        for (const word of words) expect(known).toContain(word);
      }
  });

  it('hold wordings back that training never sees', () => {
    const trained = new Set(worlds.map((world) => instructionOf(world)));
    for (const world of worlds) expect(trained).not.toContain(instructionOf(world, 'held-out'));
  });

  it('recolour names another cube and leaves the rest', () => {
    expect(recolour('put the red cube in the purple bowl')).toBe('put the green cube in the red bowl');
  });
});
