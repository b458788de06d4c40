import { integer, type Message, message, nested, raw, text } from './protobuf.js';

// Field numbers of onnx.proto (ONNX IR, Apache-2.0).

export const ELEMENT = { float32: 1, uint8: 2, int32: 6, int64: 7 } as const;
type Element = keyof typeof ELEMENT;

/** Attributes are integers here: no operator of ours takes another kind. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, number>>;
}

export interface Value {
  readonly name: string;
  readonly element: Element;
  /** A string is a dimension of any size. */
  readonly shape: readonly (number | string)[];
}

/** A constant: float32 or int64, row-major. */
export interface Constant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly constants: readonly Constant[];
  readonly nodes: readonly Node[];
}

const IR_VERSION = 8;
const INT_ATTRIBUTE = 2;

/** @param opset of the default operator domain. */
export function onnxModel(graph: Graph, opset: number): Message {
  return message(
    integer(1, IR_VERSION),
    text(2, 'sinew bench'),
    nested(7, graphOf(graph)),
    nested(8, message(text(1, ''), integer(2, opset))),
  );
}

function graphOf({ name, inputs, outputs, constants, nodes }: Graph): Message {
  return message(
    ...nodes.map((node) => nested(1, nodeOf(node))),
    text(2, name),
    ...constants.map((constant) => nested(5, constantOf(constant))),
    ...inputs.map((value) => nested(11, typedValue(value))),
    ...outputs.map((value) => nested(12, typedValue(value))),
  );
}

function nodeOf({ op, inputs, output, attributes = {} }: Node): Message {
  return message(
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(3, output),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) =>
      nested(5, message(text(1, name), integer(3, value), integer(20, INT_ATTRIBUTE))),
    ),
  );
}

function constantOf({ name, shape, data }: Constant): Message {
  return message(
    ...shape.map((size) => integer(1, size)),
    integer(2, data instanceof Float32Array ? ELEMENT.float32 : ELEMENT.int64),
    text(8, name),
    raw(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
}

function typedValue({ name, element, shape }: Value): Message {
  const dimensions = shape.map((size) => nested(1, typeof size === 'number' ? integer(1, size) : text(2, size)));
  const tensor = message(integer(1, ELEMENT[element]), nested(2, message(...dimensions)));
  return message(text(1, name), nested(2, message(nested(1, tensor))));
}
