import { trainingSeed } from '../seeds.js';
import { createWorld } from '../table/scene.js';
import type { SampleWriter } from './sample.js';

/**
 * One sample a scene, with the tool anywhere. In an expert's episodes the tool is nearly always above its target, and a
 * policy learns just that; these samples leave it nothing but the picture and the words.
 */
export class ScatteredStream {
  readonly #writer: SampleWriter;
  #episode = 0;

  constructor(writer: SampleWriter) {
    this.#writer = writer;
  }

  *collect(count: number): Generator<Uint8Array> {
    for (let i = 0; i < count; i++) {
      yield this.#writer.sample(createWorld(trainingSeed('scattered', this.#episode++), 'scattered'), true);
    }
  }
}
