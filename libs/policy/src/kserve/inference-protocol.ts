import { z } from 'zod';

// The KServe v2 inference protocol ("Open Inference Protocol"), its HTTP part, and the binary tensor extension: a JSON header,
// whose length an HTTP header tells, then the tensors' bytes, little-endian, in the header's order.

/** Of requests and replies that carry tensors as bytes: the length of the JSON before them. */
export const HEADER_LENGTH = 'inference-header-content-length';
export const BINARY_EXTENSION = 'binary_tensor_data';
/** The server drops a request that waited longer than its `timeout` parameter says. */
export const TIMEOUT_EXTENSION = 'schedule_policy';

export const ServerMetadata = z.object({ name: z.string(), extensions: z.array(z.string()).default([]) });

const TensorMetadata = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.number()) });
export type TensorMetadata = z.infer<typeof TensorMetadata>;
export const ModelMetadata = z.object({
  name: z.string(),
  inputs: z.array(TensorMetadata),
  outputs: z.array(TensorMetadata),
});
export type ModelMetadata = z.infer<typeof ModelMetadata>;

export const ErrorReply = z.object({ error: z.string() });

const OutputTensor = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  parameters: z.object({ binary_data_size: z.number().int().nonnegative().optional() }).optional(),
  /** Flat, or nested as the shape is. */
  data: z.unknown().optional(),
});
const InferenceReply = z.object({ outputs: z.array(OutputTensor) });

export type TensorData = Uint8Array | Float32Array | Int32Array | BigInt64Array;

export interface InputTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Borrowed until the request is answered. */
  readonly data: TensorData;
}

export interface EncodedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: readonly Uint8Array[];
}

export interface RequestOptions {
  readonly output: string;
  readonly binary: boolean;
  /** µs; null: none. */
  readonly timeoutUs: number | null;
}

const bytesOf = (data: TensorData): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function datatypeOf(data: TensorData): string {
  if (data instanceof Uint8Array) return 'UINT8';
  if (data instanceof Float32Array) return 'FP32';
  return data instanceof Int32Array ? 'INT32' : 'INT64';
}

/** An `infer` request. Typed arrays are sent as they lie in memory: every machine this runs on is little-endian. */
export function encodeRequest(
  inputs: readonly InputTensor[],
  { output, binary, timeoutUs }: RequestOptions,
): EncodedRequest {
  const header = {
    ...(timeoutUs === null ? {} : { parameters: { timeout: Math.max(1, Math.round(timeoutUs)) } }),
    inputs: inputs.map(({ name, shape, data }) => ({
      name,
      shape,
      datatype: datatypeOf(data),
      ...(binary ? { parameters: { binary_data_size: data.byteLength } } : { data: Array.from(data, Number) }),
    })),
    outputs: [{ name: output, ...(binary ? { parameters: { binary_data: true } } : {}) }],
  };
  const json = Buffer.from(JSON.stringify(header));
  if (!binary) return { headers: { 'content-type': 'application/json' }, body: [json] };
  return {
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(json.length) },
    body: [json, ...inputs.map(({ data }) => bytesOf(data))],
  };
}

/** A reply that is not one of this protocol, or not one to this request. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

/**
 * Writes the float32 tensor `name` of `shape` into `into`, which has its length. `headerLength`: the reply's header of that
 * name; without it the reply is JSON all through. Throws a ReplyError.
 */
export function readReply(
  body: Buffer,
  headerLength: string | undefined,
  want: { name: string; shape: readonly number[]; into: Float32Array },
): void {
  const jsonBytes = headerLength === undefined ? body.length : Number(headerLength);
  if (!Number.isInteger(jsonBytes) || jsonBytes < 0 || jsonBytes > body.length)
    throw new ReplyError(`the reply's header has ${headerLength} of ${body.length} bytes`);
  const { outputs } = parseAs(InferenceReply, body.subarray(0, jsonBytes));
  let at = jsonBytes;
  for (const { name, datatype, shape, parameters, data } of outputs) {
    const size = parameters?.binary_data_size;
    const start = at;
    at += size ?? 0;
    if (name !== want.name) continue;
    const text = `[${shape.join(', ')}]`;
    if (datatype !== 'FP32') throw new ReplyError(`${name} is ${datatype}, not FP32`);
    if (shape.length !== want.shape.length || shape.some((n, i) => n !== want.shape[i]))
      throw new ReplyError(`${name} is ${text}, not [${want.shape.join(', ')}]`);
    if (size === undefined) return readNumbers(name, data, want.into);
    if (size !== want.into.byteLength || at > body.length)
      throw new ReplyError(`${name} has ${size} bytes for ${text}, in a reply of ${body.length}`);
    bytesOf(want.into).set(body.subarray(start, at));
    return;
  }
  throw new ReplyError(`the reply has no ${want.name}`);
}

function readNumbers(name: string, data: unknown, into: Float32Array): void {
  const flat: unknown[] = Array.isArray(data) ? data.flat(Number.POSITIVE_INFINITY) : [];
  if (flat.length !== into.length) throw new ReplyError(`${name} has ${flat.length} numbers, not ${into.length}`);
  // What is no number (JSON has no NaN; some servers write null) is found not to be finite.
  for (const [i, value] of flat.entries()) into[i] = typeof value === 'number' ? value : Number.NaN;
}

/** Throws a ReplyError that names the first field which is not as it must be. */
export function parseAs<T>(schema: z.ZodType<T>, json: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString());
  } catch {
    throw new ReplyError('the reply is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ReplyError(`the reply's ${issue?.path.join('.') || 'JSON'}: ${issue?.message ?? 'is not valid'}`);
}
