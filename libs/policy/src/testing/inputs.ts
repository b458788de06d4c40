import type { PolicyInput } from '../backend/policy-backend.js';
import type { Manifest } from '../bundle/manifest.js';

/** An `rgb8` frame of the camera's size, all of one brightness. */
export function rgbImage(width = 96, height = 96, brightness = 100): PolicyInput['images'][string] {
  return { kind: 'rgb8', width, height, data: new Uint8Array(width * height * 3).fill(brightness) };
}

/** An input that the policy takes, with `over` in place of parts of it. */
export function inputFor({ inputs }: Manifest, over: Partial<PolicyInput> = {}): PolicyInput {
  const images = Object.fromEntries(inputs.cameras.map((c) => [c.name, rgbImage(c.width, c.height)]));
  return { images, state: new Float64Array(inputs.state.dim), instruction: 'pick up the red block', ...over };
}
