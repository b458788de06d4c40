// As much of the protocol buffers' wire format as writing one ONNX file needs. A message is the list of its pieces, so that
// weights of many megabytes are wrapped three levels deep without being copied.

export interface Message {
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
}

const WIRE = { varint: 0, delimited: 2 } as const;

export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

export function message(...fields: readonly Message[]): Message {
  return {
    pieces: fields.flatMap(({ pieces }) => pieces),
    bytes: fields.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** A whole number ≥ 0. */
export const integer = (field: number, value: number): Message => of(tag(field, WIRE.varint), varint(value));
export const raw = (field: number, data: Uint8Array): Message =>
  of(tag(field, WIRE.delimited), varint(data.length), data);
export const text = (field: number, value: string): Message => raw(field, new TextEncoder().encode(value));
export const nested = (field: number, inner: Message): Message => ({
  pieces: [tag(field, WIRE.delimited), varint(inner.bytes), ...inner.pieces],
  bytes: tag(field, WIRE.delimited).length + varint(inner.bytes).length + inner.bytes,
});

const tag = (field: number, wire: number): Uint8Array => varint(field * 8 + wire);

function of(...pieces: readonly Uint8Array[]): Message {
  return { pieces, bytes: pieces.reduce((sum, { length }) => sum + length, 0) };
}
