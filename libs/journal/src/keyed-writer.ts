import { FrameWriter } from '@sinew/protocol';

const writer = new FrameWriter();

/** A field's name as msgpack, made once. */
export const key = (name: string): Uint8Array => writer.encode(name).slice();

/** The head of a map of 16 to 65,535 fields. */
export const mapHead = (fields: number): Uint8Array => Uint8Array.of(0xde, fields >> 8, fields & 0xff);

export function begin(head: Uint8Array): void {
  writer.begin();
  writer.raw(head);
}

export function map(name: Uint8Array, head: Uint8Array): void {
  writer.raw(name);
  writer.raw(head);
}

export function number(name: Uint8Array, content: number): void {
  writer.raw(name);
  writer.number(content);
}

export function value(name: Uint8Array, content: unknown): void {
  writer.raw(name);
  writer.value(content);
}

/** What was written since `begin`. Valid until the next one. */
export function lend(): Uint8Array {
  return writer.lend();
}
