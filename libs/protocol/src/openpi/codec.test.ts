import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeOpenpi,
  encodeOpenpi,
  float32Array,
  float64Array,
  isNdArray,
  isNumeric,
  type NdArray,
  numbersOf,
  OpenpiFloat,
  type OpenpiValue,
  uint8Array,
} from './index.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const nd = (dtype: string, shape: number[], data: string): NdArray => ({ dtype, shape, data: unhex(data) });
function decoded(bytes: Uint8Array): OpenpiValue {
  const result = decodeOpenpi(bytes);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

// What openpi-client 0.1.2 (msgpack_numpy.packb) writes for these values.
const PYTHON: readonly [string, OpenpiValue, string][] = [
  [
    'float32 of two axes',
    float32Array([2, 2], [1, 2, 3, 4]),
    '84c40b5f5f6e6461727261795f5fc3c40464617461c4100000803f000000400000404000008040c4056474797065a33c6634c4057368617065920202',
  ],
  [
    'uint8',
    uint8Array([2, 2], Uint8Array.of(0, 1, 2, 3)),
    '84c40b5f5f6e6461727261795f5fc3c40464617461c40400010203c4056474797065a37c7531c4057368617065920202',
  ],
  [
    'float64',
    float64Array([1], [0.5]),
    '84c40b5f5f6e6461727261795f5fc3c40464617461c408000000000000e03fc4056474797065a33c6638c40573686170659101',
  ],
  [
    'int64',
    nd('<i8', [2], '0100000000000000ffffffffffffffff'),
    '84c40b5f5f6e6461727261795f5fc3c40464617461c4100100000000000000ffffffffffffffffc4056474797065a33c6938c40573686170659102',
  ],
  [
    'booleans',
    nd('|b1', [2], '0100'),
    '84c40b5f5f6e6461727261795f5fc3c40464617461c4020100c4056474797065a37c6231c40573686170659102',
  ],
  [
    'an array without axes',
    float64Array([], [3]),
    '84c40b5f5f6e6461727261795f5fc3c40464617461c4080000000000000840c4056474797065a33c6638c405736861706590',
  ],
  [
    'an empty array',
    float32Array([0, 7], []),
    '84c40b5f5f6e6461727261795f5fc3c40464617461c400c4056474797065a33c6634c4057368617065920007',
  ],
  [
    'big-endian integers',
    nd('>i2', [2], '00010002'),
    '84c40b5f5f6e6461727261795f5fc3c40464617461c40400010002c4056474797065a33e6932c40573686170659102',
  ],
  [
    'texts',
    nd('<U2', [2], '61000000620000006300000000000000'),
    '84c40b5f5f6e6461727261795f5fc3c40464617461c41061000000620000006300000000000000c4056474797065a33c5532c40573686170659102',
  ],
  [
    'days',
    nd('<M8[D]', [1], '5647000000000000'),
    '84c40b5f5f6e6461727261795f5fc3c40464617461c4085647000000000000c4056474797065a63c4d385b445dc40573686170659101',
  ],
  [
    'an observation',
    { state: float64Array([1], [1]), prompt: 'do', images: { a: uint8Array([1, 1, 3], new Uint8Array(3)) } },
    '83a5737461746584c40b5f5f6e6461727261795f5fc3c40464617461c408000000000000f03fc4056474797065a33c6638c40573686170659101a670726f6d7074a2646fa6696d6167657381a16184c40b5f5f6e6461727261795f5fc3c40464617461c403000000c4056474797065a37c7531c405736861706593010103',
  ],
  [
    'what Python has of its own',
    [1, -1, 200, 70_000, 2 ** 40, -(2 ** 40), 1.5, true, null, Uint8Array.of(0x78), 2n ** 63n],
    '9b01ffccc8ce00011170cf0000010000000000d3ffffff0000000000cb3ff8000000000000c3c0c40178cf8000000000000000',
  ],
  ['no metadata', {}, '80'],
  [
    'a reply',
    { actions: float64Array([1, 2], [0, 0]), server_timing: { infer_ms: 1.5 } },
    '82a7616374696f6e7384c40b5f5f6e6461727261795f5fc3c40464617461c41000000000000000000000000000000000c4056474797065a33c6638c4057368617065920102ad7365727665725f74696d696e6781a8696e6665725f6d73cb3ff8000000000000',
  ],
];

describe('[O1] the codec writes and reads what the Python client does, to the byte', () => {
  it.each(PYTHON)('%s', (_, value, bytes) => {
    expect(hex(encodeOpenpi(value))).toBe(bytes);
    expect(decoded(unhex(bytes))).toEqual(value);
  });

  it.each([
    ['float32', 1.5, '83c40d5f5f6e7067656e657269635f5fc3c40464617461cb3ff8000000000000c4056474797065a33c6634'],
    ['int64', 5, '83c40d5f5f6e7067656e657269635f5fc3c4046461746105c4056474797065a33c6938'],
    ['bool', true, '83c40d5f5f6e7067656e657269635f5fc3c40464617461c3c4056474797065a37c6231'],
  ])('a numpy scalar of %s is its value', (_, value, bytes) => expect(decoded(unhex(bytes))).toBe(value));

  it('an array whose keys are str is an array too', () => {
    const { data, shape, dtype } = float32Array([2], [1, 2]);
    expect(decoded(encodeOpenpi({ __ndarray__: true, dtype, data, shape: [...shape] }))).toEqual({
      dtype,
      shape,
      data,
    });
  });

  it('a whole number is an int, and a float where it is said to be one', () => {
    expect(hex(encodeOpenpi(2))).toBe('02');
    expect(hex(encodeOpenpi(new OpenpiFloat(2)))).toBe('cb4000000000000000');
    expect(hex(encodeOpenpi(-0))).toBe('cb8000000000000000');
  });

  it('what is no value of the wire is not written', () => {
    expect(() => encodeOpenpi({ a: undefined } as unknown as OpenpiValue)).toThrow(RangeError);
    expect(() => encodeOpenpi(2n ** 64n)).toThrow(RangeError);
    const circle: Record<string, OpenpiValue> = {};
    circle.self = circle;
    expect(() => encodeOpenpi(circle)).toThrow(/deeper/);
  });
});

describe('[O1] numbers of arrays', () => {
  it.each([
    ['|u1', '00ff', [0, 255]],
    ['|i1', '00ff', [0, -1]],
    ['|b1', '0002', [0, 1]],
    ['<u2', '0100ffff', [1, 65_535]],
    ['>i2', '0001ffff', [1, -1]],
    ['<f2', '003c00c0', [1, -2]],
    ['<f2', '01000080', [2 ** -24, -0]],
    ['<f2', '007c00fc', [Infinity, -Infinity]],
    ['<f4', '0000803f000020c0', [1, -2.5]],
    ['>f4', '3f800000c0200000', [1, -2.5]],
    ['<i4', '01000000ffffffff', [1, -1]],
    ['<u4', '01000000ffffffff', [1, 2 ** 32 - 1]],
    ['<i8', '0100000000000000ffffffffffffffff', [1, -1]],
    ['<f8', '000000000000f03f00000000000004c0', [1, -2.5]],
  ])('of dtype %s (%s)', (dtype, bytes, numbers) =>
    expect(numbersOf(nd(dtype, [2], bytes))).toEqual(Float64Array.from(numbers as number[])),
  );

  it('also where the bytes are not aligned', () => {
    const bytes = new Uint8Array(9);
    new DataView(bytes.buffer).setFloat64(1, 0.25, true);
    expect([...numbersOf({ dtype: '<f8', shape: [1], data: bytes.subarray(1) })]).toEqual([0.25]);
  });

  it('not of texts, and not of what is no array', () => {
    expect(isNumeric(nd('<U1', [1], '61000000'))).toBe(false);
    expect(() => numbersOf(nd('<U1', [1], '61000000'))).toThrow(RangeError);
    expect(() => numbersOf(nd('<f4', [2], '00000000'))).toThrow(/4 bytes, not 8/);
    expect(isNdArray({ dtype: '<f4', shape: [2], data: new Uint8Array(4) })).toBe(false);
    expect(() => float32Array([3], [1, 2])).toThrow(RangeError);
  });
});

describe('[O2] what is refused, with its reason', () => {
  const array = (dtype: OpenpiValue, shape: OpenpiValue, data: OpenpiValue) =>
    encodeOpenpi({ __ndarray__: true, dtype, shape, data });
  it.each([
    ['an object array', array('|O', [1], new Uint8Array(8)), /dtype "\|O"/],
    ['a complex array', array('<c16', [1], new Uint8Array(16)), /dtype "<c16"/],
    ['a void array', array('|V4', [1], new Uint8Array(4)), /dtype "\|V4"/],
    ['a dtype that is code', array('<f8,(2,)O', [1], new Uint8Array(8)), /not supported/],
    ['a dtype that is no text', array(4, [1], new Uint8Array(8)), /dtype of an array/],
    ['a complex scalar', encodeOpenpi({ __npgeneric__: true, dtype: '<c16', data: 1 }), /dtype "<c16"/],
    ['a scalar that is a list', encodeOpenpi({ __npgeneric__: true, dtype: '<f4', data: [1] }), /not a scalar/],
    ['fewer bytes than the shape says', array('<f4', [2], new Uint8Array(4)), /4 bytes, not 8/],
    ['more bytes than the shape says', array('<f4', [1], new Uint8Array(8)), /8 bytes, not 4/],
    ['a shape beyond counting', array('|u1', [2 ** 40, 2 ** 40], new Uint8Array(0)), /list of sizes/],
    ['a negative axis', array('|u1', [-1], new Uint8Array(0)), /list of sizes/],
    ['a shape that is no list', array('|u1', 4, new Uint8Array(4)), /list of sizes/],
    ['too many axes', array('|u1', Array(33).fill(1), new Uint8Array(1)), /list of sizes/],
    ['data that is a text', array('|u1', [1], 'a'), /not bin/],
    ['an integer as key', unhex('810102'), /map keys/],
    ['the key __proto__', encodeOpenpi(JSON.parse('{"__proto__":1}')), /__proto__/],
    ['bytes that follow', unhex('8000'), /follow/],
    ['nothing', unhex(''), /truncated/],
    ['a claim of four billion entries', unhex('ddffffffff'), /truncated/],
    ['a claim of four billion keys', unhex('dfffffffff'), /more than 256 keys/],
    ['a claim of four billion bytes', unhex('c6ffffffff00'), /truncated/],
    ['an extension type', unhex('d40100'), /extension/],
    ['0xc1', unhex('c1'), /0xc1/],
    ['a text that is not UTF-8', unhex('a1ff'), /UTF-8/],
    ['a nest of lists', unhex(`${'91'.repeat(13)}c0`), /deeper/],
    ['many values', unhex(`dc4001${'c0'.repeat(0x4001)}`), /more than 16384 values/],
    ['many values in small maps', unhex(`dc2710${'81a161c0'.repeat(0x2710)}`), /more than 16384 values/],
  ])('%s', (_, bytes, reason) =>
    expect(decodeOpenpi(bytes)).toEqual({ ok: false, reason: expect.stringMatching(reason) }),
  );
});

const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.string(),
  fc.uint8Array({ maxLength: 300 }),
  fc.array(fc.float({ noNaN: true }), { maxLength: 20 }).map((values) => float32Array([values.length, 1], values)),
);
const tree: fc.Arbitrary<OpenpiValue> = fc.letrec<{ value: OpenpiValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc.string().filter((key) => !/^(__proto__|__ndarray__|__npgeneric__)$/.test(key)),
      tie('value'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).value;

describe('[O2] whatever comes, the decoder answers', () => {
  it('what was written is read again', () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(decoded(encodeOpenpi(value))).toEqual(value);
      }),
    );
  });

  it('noise ends in a value or a reason', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof decodeOpenpi(bytes).ok === 'boolean'),
      {
        numRuns: 2000,
      },
    );
  });

  it('so does a message that was cut or has a byte changed; what still is an array is consistent', () => {
    const message = encodeOpenpi({
      state: float32Array([2], [1, 2]),
      images: { a: uint8Array([1, 1, 3], new Uint8Array(3)) },
      prompt: 'go',
    });
    fc.assert(
      fc.property(fc.nat(message.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const bytes = cut ? message.slice(0, at) : Uint8Array.from(message);
        if (!cut) bytes[at] = byte;
        const result = decodeOpenpi(bytes);
        if (!result.ok) return;
        for (const entry of Object.values(Object(result.value) as Record<string, OpenpiValue>))
          if (isNdArray(entry) && isNumeric(entry)) numbersOf(entry);
      }),
      { numRuns: 2000 },
    );
  });
});
