import { ByteWriter } from './byte-writer.js';

export type ScalarKind = 'double' | 'fixed32' | 'string' | 'bytes' | 'uint64' | 'int64' | 'int32';

export interface Field {
  readonly name: string;
  readonly number: number;
  readonly type: ScalarKind | MessageType | EnumType;
  readonly repeated?: boolean;
  /** proto3 `optional`: one that is not given differs from zero. */
  readonly optional?: boolean;
}

/** A protobuf message: both its encoding and what readers are told of it come from here, so that they cannot differ. */
export interface MessageType {
  readonly kind: 'message';
  readonly package: string;
  readonly name: string;
  /** Of the file that a reader is told it came from. */
  readonly file: string;
  readonly fields: readonly Field[];
}

/** Nested in the one message that uses it. */
export interface EnumType {
  readonly kind: 'enum';
  readonly name: string;
  readonly values: Readonly<Record<string, number>>;
}

export type Value = number | string | Uint8Array | MessageValue | readonly number[] | readonly MessageValue[];
export interface MessageValue {
  readonly [field: string]: Value | undefined;
}

const VARINT = 0;
const FIXED_64 = 1;
const DELIMITED = 2;
const FIXED_32 = 5;

export const message = (packageName: string, name: string, file: string, fields: readonly Field[]): MessageType => ({
  kind: 'message',
  package: packageName,
  name,
  file,
  fields,
});

/** Fields that the value leaves out are left out; zeros are written, which every reader takes for what it is. */
export function encodeMessage(type: MessageType, value: MessageValue): Uint8Array {
  return write(new ByteWriter(sizeHint(value)), type, value).borrow();
}

function write(out: ByteWriter, type: MessageType, value: MessageValue): ByteWriter {
  for (const field of type.fields) {
    const given = value[field.name];
    if (given === undefined) continue;
    if (field.repeated !== true) writeField(out, field, given);
    else for (const one of given as readonly Value[]) writeField(out, field, one);
  }
  return out;
}

function writeField(out: ByteWriter, { number, type }: Field, value: Value): void {
  const tag = (wire: number): ByteWriter => out.varint(number * 8 + wire);
  if (typeof type === 'object') {
    if (type.kind === 'enum') tag(VARINT).varint(value as number);
    else tag(DELIMITED).bytes(write(new ByteWriter(64), type, value as MessageValue).borrow());
    return;
  }
  switch (type) {
    case 'double':
      tag(FIXED_64).double(value as number);
      return;
    case 'fixed32':
      tag(FIXED_32).fixed32(value as number);
      return;
    case 'string':
      tag(DELIMITED).text(value as string);
      return;
    case 'bytes':
      tag(DELIMITED).bytes(value as Uint8Array);
      return;
    case 'uint64':
    case 'int64':
    case 'int32':
      tag(VARINT).varint(value as number);
      return;
  }
}

/** Images are most of what is written: their message is not to grow step by step. */
function sizeHint(value: MessageValue): number {
  const data = value.data;
  return 128 + (data instanceof Uint8Array ? data.length + 16 : 0);
}
