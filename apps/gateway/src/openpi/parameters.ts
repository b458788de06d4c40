import { clientSchemas, type FreshOpen } from '@sinew/protocol';
import type { ModelCatalogue, ServedModel } from '../models.js';

// An openpi client says nothing of itself: what the `open` of a session would hold stands in the query of its address.

export type Dialect = 'openpi' | 'roboarena';

/** What a connection asked for in its query, over the gateway's defaults. */
export interface OpenpiParameters {
  readonly open: FreshOpen;
  /** Actions of each chunk that the client executes before it asks again; null where it did not say. */
  readonly execute: number | null;
  readonly dialect: Dialect;
  /** Keys of the observation, by the policy's camera. */
  readonly cameras: Readonly<Record<string, string>>;
  /** Keys of the observation whose values one after the other are the state; null: the usual ones. */
  readonly state: readonly string[] | null;
}

export type ParametersResult =
  | { readonly ok: true; readonly parameters: OpenpiParameters }
  | { readonly ok: false; readonly field: string; readonly reason: string };

const NUMBERS = ['control_hz', 'execute'] as const;
const TEXTS = ['robot_type', 'robot_id', 'smoothing'] as const;
const LIMITS = ['mode', 'v', 'a', 'j', 'w', 'dw', 'ddw', 'joint_scale'];
const OTHERS = ['policy', 'prompt', 'workspace', 'environment_type', 'dialect', 'state'];
const KNOWN = [...NUMBERS, ...TEXTS, ...OTHERS];
/** The most keys that a state may be put together from. */
const MOST_STATE_KEYS = 16;

/**
 * Reads a query. Every name must be known: a misspelt limit would not be in force, and nobody would say so.
 * @param defaults a query too; what the connection's own names goes before it.
 */
export function readParameters(query: string, defaults: string, models: ModelCatalogue): ParametersResult {
  const values = new Map([...new URLSearchParams(defaults), ...new URLSearchParams(query)]);
  const cameras: Record<string, string> = Object.create(null);
  const limits: Record<string, unknown> = {};
  for (const [name, value] of values) {
    const [group, ...rest] = name.split('.');
    const member = rest.join('.');
    if (value.length > 4_096) return { ok: false, field: name.slice(0, 64), reason: 'too long' };
    if (group === 'camera' && member !== '') cameras[member] = value;
    else if (group === 'limits' && LIMITS.includes(member)) limits[member] = member === 'mode' ? value : Number(value);
    else if (!KNOWN.some((known) => known === name)) {
      const names = [...KNOWN, 'camera.<name>', 'limits.<name>'].join(', ');
      return { ok: false, field: name.slice(0, 64), reason: `not a parameter; there are ${names}` };
    }
  }
  const unseen = unknownCamera(query, models.find(values.get('policy')));
  if (unseen !== null) return unseen;
  const fields: Record<string, unknown> = { type: 'open', instruction: values.get('prompt') ?? '', pacing: 'lockstep' };
  for (const name of TEXTS) if (values.has(name)) fields[name] = values.get(name);
  for (const name of NUMBERS) if (values.has(name)) fields[name] = Number(values.get(name));
  if (values.has('policy')) fields.model = values.get('policy');
  fields.robot_type ??= onlyEmbodiment(models, values.get('policy'));
  if (fields.robot_type === undefined)
    return { ok: false, field: 'robot_type', reason: 'the policy drives several kinds of robot: say which this is' };
  if (Object.keys(limits).length > 0) fields.limits = limits;
  const workspace = values.get('workspace');
  const environmentType = values.get('environment_type');
  if (workspace !== undefined || environmentType !== undefined) {
    const corners = workspace?.split(',').map(Number);
    if (corners !== undefined && corners.length !== 6)
      return { ok: false, field: 'workspace', reason: 'six numbers: x,y,z of the lowest and of the highest corner' };
    const box = corners === undefined ? {} : { workspace: { min: corners.slice(0, 3), max: corners.slice(3) } };
    fields.environment = { environment_type: environmentType ?? 'other', ...box };
  }
  const dialect = values.get('dialect') ?? 'openpi';
  if (dialect !== 'openpi' && dialect !== 'roboarena')
    return { ok: false, field: 'dialect', reason: '`openpi` or `roboarena`' };
  fields.client = { name: dialect, version: '1' };
  // What goes on while a chunk is computed is nothing that a policy could continue: the client waits.
  fields.blend = 'latest';
  // An instruction may come with the first observation; what there is of one is checked as any `open`'s.
  const parsed = clientSchemas.open.safeParse({ ...fields, instruction: fields.instruction || 'later' });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, field: parameterOf(issue?.path ?? []), reason: issue?.message ?? 'not valid' };
  }
  const state = values.get('state')?.split(',') ?? null;
  if (state !== null && (state.length > MOST_STATE_KEYS || state.includes('')))
    return { ok: false, field: 'state', reason: `up to ${MOST_STATE_KEYS} keys, separated by commas` };
  const open: FreshOpen = { ...parsed.data, instruction: fields.instruction as string };
  return { ok: true, parameters: { open, execute: open.execute ?? null, dialect, cameras, state } };
}

/** Of the query alone: the defaults may be for another policy. */
function unknownCamera(query: string, model: ServedModel | undefined): ParametersResult | null {
  if (model === undefined) return null;
  const names = model.description.inputs.cameras.map(({ name }) => `camera.${name}`);
  const field = [...new URLSearchParams(query).keys()].find((key) => key.startsWith('camera.') && !names.includes(key));
  if (field === undefined) return null;
  return { ok: false, field: field.slice(0, 64), reason: `not a camera of the policy; there are ${names.join(', ')}` };
}

/** The kind of robot that a policy was trained for, where there is only one. */
function onlyEmbodiment(models: ModelCatalogue, policy: string | undefined): string | undefined {
  const embodiments = models.find(policy)?.bundle.manifest.embodiments ?? [];
  return embodiments.length === 1 && embodiments[0] !== '*' ? embodiments[0] : undefined;
}

/** Of the `open`'s field the name of the parameter that it came from. */
function parameterOf([first, second]: readonly PropertyKey[]): string {
  if (first === 'model') return 'policy';
  if (first === 'instruction') return 'prompt';
  if (first === 'limits') return `limits.${String(second)}`;
  return String(first === 'environment' ? (second ?? first) : first);
}
