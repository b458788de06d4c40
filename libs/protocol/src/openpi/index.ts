export { decodeOpenpi, type OpenpiDecoded } from './decode.js';
export { encodeOpenpi } from './encode.js';
export { OPENPI_LIMITS, OPENPI_PATH } from './limits.js';
export {
  float32Array,
  float64Array,
  isNdArray,
  isNumeric,
  type NdArray,
  numbersOf,
  OpenpiFloat,
  type OpenpiValue,
  uint8Array,
} from './nd-array.js';
