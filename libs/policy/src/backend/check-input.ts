import type { Manifest } from '../bundle/manifest.js';
import type { PolicyInput, PolicyOutput } from './policy-backend.js';

type Refusal = Extract<PolicyOutput, { ok: false }>;

export function refuse(field: string, reason: string): Refusal {
  return { ok: false, code: 'validation_failed', field, reason };
}

export function modelError(reason: string, rule?: string): Refusal {
  return { ok: false, code: 'model_error', reason, ...(rule === undefined ? {} : { rule }) };
}

/**
 * What must hold before an input may enter a batch; null when it does. The wire checks more and earlier (W5), but one
 * session's bad input must never reach a batch it shares, whoever calls.
 */
export function checkInput({ inputs, chunk_size, action_dim }: Manifest, input: PolicyInput): Refusal | null {
  if (input.state.length !== inputs.state.dim)
    return refuse('state', `has ${input.state.length} entries, not ${inputs.state.dim}`);
  for (const value of input.state) if (!Number.isFinite(value)) return refuse('state', 'is not finite');
  const { prefix } = input;
  if (inputs.prefix !== undefined && prefix !== undefined) {
    if (prefix.actions.length !== chunk_size * action_dim || prefix.weights.length !== chunk_size)
      return refuse('prefix', `must have ${chunk_size} × ${action_dim} actions and ${chunk_size} weights`);
    if (!allFinite(prefix.actions) || !allFinite(prefix.weights)) return refuse('prefix', 'is not finite');
  }
  for (const camera of inputs.cameras) {
    const image = Object.hasOwn(input.images, camera.name) ? input.images[camera.name] : undefined;
    const field = `images.${camera.name}`;
    if (image === undefined) return refuse(field, 'is missing');
    if (image.kind === 'encoded') continue;
    if (image.data.length !== image.width * image.height * 3)
      return refuse(field, `${image.width}×${image.height} rgb8 has another length than ${image.data.length} bytes`);
    if (camera.resize === 'exact' && (image.width !== camera.width || image.height !== camera.height))
      return refuse(field, `must be ${camera.width}×${camera.height}`);
  }
  return null;
}

export function allFinite(values: Float32Array): boolean {
  for (const value of values) if (!Number.isFinite(value)) return false;
  return true;
}
