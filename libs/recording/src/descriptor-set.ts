import { ByteWriter } from './byte-writer.js';
import { encodeMessage, type Field, type MessageType, message, type ScalarKind } from './message-type.js';

// Protobuf describes its messages in messages of its own (google/protobuf/descriptor.proto): these are the parts that we need.

const type = (name: string, fields: readonly Field[]): MessageType =>
  message('google.protobuf', name, 'google/protobuf/descriptor.proto', fields);

const FIELD = type('FieldDescriptorProto', [
  { name: 'name', number: 1, type: 'string' },
  { name: 'number', number: 3, type: 'int32' },
  { name: 'label', number: 4, type: 'int32' },
  { name: 'type', number: 5, type: 'int32' },
  { name: 'type_name', number: 6, type: 'string' },
  { name: 'oneof_index', number: 9, type: 'int32' },
  { name: 'proto3_optional', number: 17, type: 'int32' },
]);
const ENUM_VALUE = type('EnumValueDescriptorProto', [
  { name: 'name', number: 1, type: 'string' },
  { name: 'number', number: 2, type: 'int32' },
]);
const ENUM = type('EnumDescriptorProto', [
  { name: 'name', number: 1, type: 'string' },
  { name: 'value', number: 2, type: ENUM_VALUE, repeated: true },
]);
const ONEOF = type('OneofDescriptorProto', [{ name: 'name', number: 1, type: 'string' }]);
const MESSAGE = type('DescriptorProto', [
  { name: 'name', number: 1, type: 'string' },
  { name: 'field', number: 2, type: FIELD, repeated: true },
  { name: 'enum_type', number: 4, type: ENUM, repeated: true },
  { name: 'oneof_decl', number: 8, type: ONEOF, repeated: true },
]);
const FILE = type('FileDescriptorProto', [
  { name: 'name', number: 1, type: 'string' },
  { name: 'package', number: 2, type: 'string' },
  { name: 'dependency', number: 3, type: 'string', repeated: true },
  { name: 'message_type', number: 4, type: MESSAGE, repeated: true },
  { name: 'syntax', number: 12, type: 'string' },
]);

const OPTIONAL = 1;
const REPEATED = 3;
const ENUM_CODE = 14;
const MESSAGE_CODE = 11;
const SCALAR_CODE: Readonly<Record<ScalarKind, number>> = {
  double: 1,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed32: 7,
  string: 9,
  bytes: 12,
};

/** A FileDescriptorSet with the message and all that it is made of, files that others need first. */
export function descriptorSet(root: MessageType): Uint8Array {
  const out = new ByteWriter(1_024);
  for (const each of needed(root, new Map()).values()) out.varint(8 + 2).bytes(fileOf(each));
  return out.borrow().slice();
}

function needed(root: MessageType, found: Map<string, MessageType>): Map<string, MessageType> {
  for (const field of root.fields) if (isMessage(field.type)) needed(field.type, found);
  found.set(root.file, root);
  return found;
}

const isMessage = (of: Field['type']): of is MessageType => typeof of === 'object' && of.kind === 'message';

/** One message a file. */
function fileOf(of: MessageType): Uint8Array {
  const optional = of.fields.filter((field) => field.optional === true);
  return encodeMessage(FILE, {
    name: of.file,
    package: of.package,
    dependency: [...new Set(of.fields.flatMap((field) => (isMessage(field.type) ? [field.type.file] : [])))],
    message_type: [
      {
        name: of.name,
        field: of.fields.map((field) => fieldOf(of, field, optional.indexOf(field))),
        enum_type: of.fields.flatMap((field) =>
          typeof field.type === 'object' && field.type.kind === 'enum'
            ? [
                {
                  name: field.type.name,
                  value: Object.entries(field.type.values).map(([name, number]) => ({ name, number })),
                },
              ]
            : [],
        ),
        // Each `optional` is a choice of one, named so by every compiler.
        oneof_decl: optional.map((field) => ({ name: `_${field.name}` })),
      },
    ],
    syntax: 'proto3',
  } as never);
}

function fieldOf(of: MessageType, field: Field, oneof: number) {
  const base = { name: field.name, number: field.number, label: field.repeated === true ? REPEATED : OPTIONAL };
  const choice = oneof < 0 ? {} : { oneof_index: oneof, proto3_optional: 1 };
  if (typeof field.type === 'string') return { ...base, type: SCALAR_CODE[field.type], ...choice };
  return field.type.kind === 'enum'
    ? { ...base, type: ENUM_CODE, type_name: `.${of.package}.${of.name}.${field.type.name}` }
    : { ...base, type: MESSAGE_CODE, type_name: `.${field.type.package}.${field.type.name}` };
}
