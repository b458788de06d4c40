import { z } from 'zod';
import type { ManifestFault } from '../bundle/check-manifest.js';
import { Manifest } from '../bundle/manifest.js';
import { withoutGraph } from '../bundle/without-graph.js';
import { type Key, PROTOCOLS, type RemoteModel } from './remote-model.js';
import { serverUrl } from './server-url.js';

const fields = Manifest.unwrap().shape;
const inputs = fields.inputs.unwrap().shape;
const camera = inputs.cameras.unwrap().element.unwrap().shape;
const name = z.string().min(1).max(128);
const serverName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be letters, digits, `.`, `_`, `-`, not a path');

/** What stands in the manifest of every policy, wherever it runs. */
const common = {
  id: fields.id,
  version: fields.version,
  license: fields.license,
  description: fields.description,
  action_space: fields.action_space,
  action_dim: fields.action_dim,
  chunk_size: fields.chunk_size,
  control_hz: fields.control_hz,
  execute: fields.execute,
  blend: fields.blend,
  smoothing: fields.smoothing,
  action: fields.action,
  directions: fields.directions,
  embodiments: fields.embodiments,
};

/** Equal servers of one model. None: the setting `remote_urls` names them, so that one bundle serves in several clusters. */
const servers = (protocols: readonly string[]) => ({
  urls: z
    .array(
      z.string().superRefine((text, context) => {
        const { fault } = serverUrl(text, protocols);
        if (fault !== null) context.addIssue({ code: 'custom', message: fault });
      }),
    )
    .max(64)
    .refine((urls) => new Set(urls).size === urls.length, 'a server is there twice')
    .default([]),
  connections: z.number().int().positive().max(64).default(2),
});

/** The `policy.json` of a policy that a KServe v2 server runs: everything but the graph stands in it as for a local one. */
export const KserveManifest = z.strictObject({
  ...common,
  backend: z.literal('kserve'),
  inputs: fields.inputs,
  output: fields.output,
  normalization: fields.normalization,
  batch: fields.batch,
  sha256: fields.sha256,
  remote: z.strictObject({ ...servers(PROTOCOLS.kserve), model: serverName, version: serverName.optional() }),
});
export type KserveManifest = z.infer<typeof KserveManifest>;

const KeySchema = z.union([name, z.array(name).min(2).max(4)]);

/** The `policy.json` of a policy behind the openpi wire: pixels, physical units and words, whatever the server makes of them. */
export const OpenpiManifest = z.strictObject({
  ...common,
  backend: z.literal('openpi'),
  inputs: z.strictObject({
    cameras: z
      .array(
        z.strictObject({
          name,
          width: camera.width,
          height: camera.height,
          layout: camera.layout,
          resize: z.enum(['stretch', 'crop', 'letterbox', 'exact']).default('letterbox'),
        }),
      )
      .min(1)
      .max(16),
    state: z
      .strictObject({ dim: z.number().int().positive().max(256), names: z.array(name) })
      .refine((state) => state.names.length === state.dim, {
        message: 'one name an entry of the state',
        path: ['names'],
      }),
  }),
  batch: z.strictObject({ max: z.number().int().positive().max(64) }).default({ max: 1 }),
  remote: z.strictObject({
    ...servers(PROTOCOLS.openpi),
    keys: z.strictObject({
      cameras: z.record(name, KeySchema),
      state: z.union([
        KeySchema,
        z
          .array(z.strictObject({ key: KeySchema, entries: z.array(z.number().int().nonnegative()).min(1).max(256) }))
          .min(1)
          .max(16),
      ]),
      prompt: KeySchema.default('prompt'),
    }),
    constants: z.record(name, z.union([z.string().max(256), z.number(), z.boolean()])).default({}),
  }),
  sha256: fields.sha256.default({}),
});
export type OpenpiManifest = z.infer<typeof OpenpiManifest>;

/** The same as a manifest of any policy, so that nothing else need know where it runs. */
export function manifestOf(source: KserveManifest | OpenpiManifest): Manifest {
  if (source.backend === 'kserve') {
    const { backend: _, remote: __, ...rest } = source;
    return { ...rest, graph: 'none' };
  }
  const { backend: _, remote: __, inputs, ...rest } = source;
  return { ...rest, ...withoutGraph(inputs.cameras, inputs.state) };
}

export function remoteOf({ backend, remote }: KserveManifest | OpenpiManifest): RemoteModel {
  return { backend, ...remote } as RemoteModel;
}

/** Rules between the fields of an openpi manifest: every camera has its key, no two things one place. */
export function checkKeys({ inputs, remote: { keys, constants } }: OpenpiManifest): ManifestFault | null {
  const names = inputs.cameras.map((camera) => camera.name);
  const missing = names.find((camera) => !Object.hasOwn(keys.cameras, camera));
  if (missing !== undefined) return { field: `remote.keys.cameras.${missing}`, reason: 'is missing' };
  const extra = Object.keys(keys.cameras).find((camera) => !names.includes(camera));
  if (extra !== undefined)
    return { field: `remote.keys.cameras.${extra}`, reason: 'inputs.cameras has no such camera' };
  const parts = stateParts(keys.state, inputs.state.dim);
  const outside = parts.flatMap(({ entries }) => entries).find((entry) => entry >= inputs.state.dim);
  if (outside !== undefined)
    return { field: 'remote.keys.state', reason: `entry ${outside} is outside the state of ${inputs.state.dim}` };
  const places = new Set<string>();
  const all: [string, Key][] = [
    ...names.map((camera): [string, Key] => [`cameras.${camera}`, keys.cameras[camera] ?? '']),
    ...parts.map((part): [string, Key] => ['state', part.key]),
    ['prompt', keys.prompt],
    ...Object.keys(constants).map((constant): [string, Key] => ['constants', constant]),
  ];
  for (const [field, key] of all) {
    const path = pathOf(key);
    // A map cannot stand where a value stands.
    const place = JSON.stringify(path);
    const within = (a: string, b: string) => a.startsWith(`${b.slice(0, -1)},`);
    if ([...places].some((other) => other === place || within(other, place) || within(place, other)))
      return { field: `remote.keys.${field}`, reason: `${path.join(' → ')} is there twice` };
    places.add(place);
  }
  return null;
}

export const pathOf = (key: Key): readonly string[] => (typeof key === 'string' ? [key] : key);

type StateKeys = Extract<RemoteModel, { backend: 'openpi' }>['keys']['state'];

/** Which entries of the state go where. */
export function stateParts(state: StateKeys, dim: number): { key: Key; entries: readonly number[] }[] {
  const whole = Array.from({ length: dim }, (_, entry) => entry);
  if (typeof state === 'string') return [{ key: state, entries: whole }];
  const parts: { key: Key; entries: readonly number[] }[] = [];
  const path: string[] = [];
  for (const part of state) {
    if (typeof part === 'string') path.push(part);
    else parts.push(part);
  }
  return path.length > 0 ? [{ key: path, entries: whole }] : parts;
}
