import type { CameraInput, ModelDescription, Observation, WireImage } from '@sinew/protocol';
import { isNdArray, isNumeric, type NdArray, numbersOf, type OpenpiValue } from '@sinew/protocol/openpi';
import type { OpenpiParameters } from './parameters.js';

export type OpenpiMap = Readonly<Record<string, OpenpiValue>>;
export interface MapFault {
  readonly field: string;
  readonly reason: string;
}

const STATE_KEYS: readonly (readonly string[])[] = [
  ['state'],
  ['observation/state'],
  ['observation/joint_position', 'observation/gripper_position'],
];
/** Of what a client calls its pictures, enough to be told what came. */
const MOST_NAMED = 8;
const CHANNELS = 3;
/** Of a text that is a numpy array, characters: longer than any instruction may be. */
const MOST_CHARACTERS = 4_096;

/** A map of the wire, not an array of it. */
export function isOpenpiMap(value: OpenpiValue | undefined): value is OpenpiMap {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !isNdArray(value)
  );
}

/**
 * From an openpi observation to what the policy takes. Keys are flat (`observation/wrist_image_left`) or paths into nested
 * maps (`images/cam_high`); what the policy has no use for is ignored, as openpi's own servers do. Gates come later.
 */
export class ObservationMap {
  readonly #model: ModelDescription;
  readonly #parameters: OpenpiParameters;
  /** By camera: a picture of channels first is turned in here; the session copies what it keeps. */
  readonly #turned = new Map<string, Uint8Array>();

  constructor(model: ModelDescription, parameters: OpenpiParameters) {
    this.#model = model;
    this.#parameters = parameters;
  }

  /** Images are views on the frame, or on memory that the next call writes over. */
  read(map: OpenpiMap, seq: number, arrivedMs: number): Observation | MapFault {
    const images: Record<string, WireImage> = Object.create(null);
    for (const camera of this.#model.inputs.cameras) {
      const image = this.#image(map, camera);
      if ('reason' in image) return image;
      images[camera.name] = image;
    }
    const state = this.#state(map);
    if ('reason' in state) return state;
    const prompt = textOf(map.prompt);
    if (prompt === null) return { field: 'prompt', reason: 'must be a text' };
    return {
      type: 'observation',
      seq,
      captured_at_ms: arrivedMs,
      images,
      state,
      ...(prompt === undefined ? {} : { instruction: prompt }),
    };
  }

  #image(map: OpenpiMap, { name }: CameraInput): WireImage | MapFault {
    const field = `images.${name}`;
    const asked = this.#parameters.cameras[name];
    const found = asked === undefined ? this.#usual(map, name) : look(map, asked);
    if (found === undefined) {
      const there = pictures(map).map(([key]) => key);
      const came = there.length === 0 ? 'there is no picture' : `there are ${there.slice(0, MOST_NAMED).join(', ')}`;
      return { field, reason: `no \`${asked ?? name}\`; ${came}; name its key with camera.${name}=<key>` };
    }
    if (!isNdArray(found) || found.dtype !== '|u1' || found.shape.length !== 3)
      return { field, reason: 'must be a uint8 array of shape (height, width, 3) or (3, height, width)' };
    const [first, second, third] = found.shape as [number, number, number];
    if (third === CHANNELS) return { kind: 'rgb8', data: found.data, height: first, width: second };
    if (first !== CHANNELS)
      return { field, reason: `shape (${found.shape.join(', ')}) has its 3 channels neither first nor last` };
    return { kind: 'rgb8', data: this.#channelsLast(name, found.data, second * third), height: second, width: third };
  }

  #usual(map: OpenpiMap, camera: string): OpenpiValue | undefined {
    for (const key of [`images/${camera}`, `observation/images/${camera}`, `observation/${camera}`, camera]) {
      const found = look(map, key);
      if (found !== undefined) return found;
    }
    if (this.#model.inputs.cameras.length > 1) return undefined;
    // One camera and one picture: there is nothing to mistake.
    const all = pictures(map);
    return all.length === 1 ? all[0]?.[1] : undefined;
  }

  #channelsLast(camera: string, planes: Uint8Array, pixels: number): Uint8Array {
    let turned = this.#turned.get(camera);
    if (turned?.length !== planes.length) {
      turned = new Uint8Array(planes.length);
      this.#turned.set(camera, turned);
    }
    for (let i = 0, at = 0; i < pixels; i++) {
      turned[at++] = planes[i] as number;
      turned[at++] = planes[i + pixels] as number;
      turned[at++] = planes[i + 2 * pixels] as number;
    }
    return turned;
  }

  #state(map: OpenpiMap): Float64Array | MapFault {
    const asked = this.#parameters.state;
    const keys = asked ?? STATE_KEYS.find((usual) => usual.every((key) => look(map, key) !== undefined));
    if (keys === undefined) return { field: 'state', reason: 'no `state`; name its keys with state=<key>,<key>' };
    const { dim } = this.#model.inputs.state;
    const parts: Float64Array[] = [];
    for (const key of keys) {
      const value = look(map, key);
      const name = `\`${key.slice(0, 64)}\``;
      // A frame has room for millions of them, and may be asked for the same ones under several keys.
      if (lengthOf(value) > dim)
        return { field: 'state', reason: `${name} has more than the ${dim} numbers of a state` };
      const part = numbers(value);
      if (part === null) return { field: 'state', reason: `${name} must be an array of numbers` };
      parts.push(part);
    }
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    return Float64Array.from(parts.flatMap((part) => [...part]));
  }
}

function lengthOf(value: OpenpiValue | undefined): number {
  if (Array.isArray(value)) return value.length;
  return isNdArray(value) ? value.shape.reduce((items, axis) => items * axis, 1) : 1;
}

function numbers(value: OpenpiValue | undefined): Float64Array | null {
  if (typeof value === 'number') return Float64Array.of(value);
  if (Array.isArray(value)) {
    return value.every((entry) => typeof entry === 'number') ? Float64Array.from(value as number[]) : null;
  }
  if (!isNdArray(value) || !isNumeric(value)) return null;
  return numbersOf(value);
}

/** Undefined where there is none, null where it is no text. Some clients make a numpy array of it. */
export function textOf(value: OpenpiValue | undefined): string | undefined | null {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (!isNdArray(value) || !/^<U\d+$/.test(value.dtype) || value.shape.some((axis) => axis !== 1)) return null;
  if (value.data.length > 4 * MOST_CHARACTERS) return null;
  const view = new DataView(value.data.buffer, value.data.byteOffset, value.data.byteLength);
  let text = '';
  for (let at = 0; at < view.byteLength; at += 4) {
    const point = view.getUint32(at, true);
    if (point === 0) break;
    if (point > 0x10ffff) return null;
    text += String.fromCodePoint(point);
  }
  return text;
}

/** A key as it stands, or as a path into maps. */
function look(map: OpenpiMap, key: string): OpenpiValue | undefined {
  if (Object.hasOwn(map, key)) return map[key];
  const slash = key.indexOf('/');
  if (slash < 0) return undefined;
  const inner = Object.hasOwn(map, key.slice(0, slash)) ? map[key.slice(0, slash)] : undefined;
  return isOpenpiMap(inner) ? look(inner, key.slice(slash + 1)) : undefined;
}

const isPicture = (value: OpenpiValue): value is NdArray =>
  isNdArray(value) && value.dtype === '|u1' && value.shape.length === 3;

/** Every picture of an observation with its key, in maps of maps too. */
function pictures(map: OpenpiMap, prefix = '', depth = 0): [string, OpenpiValue][] {
  return Object.entries(map).flatMap(([key, value]): [string, OpenpiValue][] => {
    if (isPicture(value)) return [[`${prefix}${key.slice(0, 64)}`, value]];
    return depth < 2 && isOpenpiMap(value) ? pictures(value, `${prefix}${key.slice(0, 64)}/`, depth + 1) : [];
  });
}
