// The "slow" integer inverse DCT of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) with 13-bit constants: the arithmetic
// that libjpeg and its kin use by default, so that the pixels are the same, bit for bit.

const workspace = new Int32Array(64);

/**
 * [64] dequantised coefficients → 8×8 samples at `at` of `plane`, rows `stride` apart, shifted to 0…255 and clamped by the
 * array. Clears the coefficients for the next block.
 */
export function inverseDct(coefficients: Int32Array, plane: Uint8ClampedArray, at: number, stride: number): void {
  for (let c = 0; c < 8; c++) {
    const k0 = coefficients[c] as number;
    const k1 = coefficients[c + 8] as number;
    const k2 = coefficients[c + 16] as number;
    const k3 = coefficients[c + 24] as number;
    const k4 = coefficients[c + 32] as number;
    const k5 = coefficients[c + 40] as number;
    const k6 = coefficients[c + 48] as number;
    const k7 = coefficients[c + 56] as number;
    if ((k1 | k2 | k3 | k4 | k5 | k6 | k7) === 0) {
      const flat = k0 << 2;
      for (let i = c; i < 64; i += 8) workspace[i] = flat;
      continue;
    }
    const e = Math.imul(k2 + k6, 4433);
    const e2 = e - Math.imul(k6, 15137);
    const e3 = e + Math.imul(k2, 6270);
    const e0 = (k0 + k4) << 13;
    const e1 = (k0 - k4) << 13;
    const a0 = e0 + e3 + 1024;
    const a3 = e0 - e3 + 1024;
    const a1 = e1 + e2 + 1024;
    const a2 = e1 - e2 + 1024;
    const z5 = Math.imul(k7 + k3 + k5 + k1, 9633);
    const z1 = Math.imul(k7 + k1, -7373);
    const z2 = Math.imul(k5 + k3, -20995);
    const z3 = z5 - Math.imul(k7 + k3, 16069);
    const z4 = z5 - Math.imul(k5 + k1, 3196);
    const o0 = Math.imul(k7, 2446) + z1 + z3;
    const o1 = Math.imul(k5, 16819) + z2 + z4;
    const o2 = Math.imul(k3, 25172) + z2 + z3;
    const o3 = Math.imul(k1, 12299) + z1 + z4;
    workspace[c] = (a0 + o3) >> 11;
    workspace[c + 56] = (a0 - o3) >> 11;
    workspace[c + 8] = (a1 + o2) >> 11;
    workspace[c + 48] = (a1 - o2) >> 11;
    workspace[c + 16] = (a2 + o1) >> 11;
    workspace[c + 40] = (a2 - o1) >> 11;
    workspace[c + 24] = (a3 + o0) >> 11;
    workspace[c + 32] = (a3 - o0) >> 11;
  }
  // 128 is added before the shift, with the half that rounds: (128 << 18) + (1 << 17).
  const centre = 33685504;
  for (let r = 0; r < 64; r += 8) {
    const k0 = workspace[r] as number;
    const k1 = workspace[r + 1] as number;
    const k2 = workspace[r + 2] as number;
    const k3 = workspace[r + 3] as number;
    const k4 = workspace[r + 4] as number;
    const k5 = workspace[r + 5] as number;
    const k6 = workspace[r + 6] as number;
    const k7 = workspace[r + 7] as number;
    const e = Math.imul(k2 + k6, 4433);
    const e2 = e - Math.imul(k6, 15137);
    const e3 = e + Math.imul(k2, 6270);
    const e0 = ((k0 + k4) << 13) + centre;
    const e1 = ((k0 - k4) << 13) + centre;
    const a0 = e0 + e3;
    const a3 = e0 - e3;
    const a1 = e1 + e2;
    const a2 = e1 - e2;
    const z5 = Math.imul(k7 + k3 + k5 + k1, 9633);
    const z1 = Math.imul(k7 + k1, -7373);
    const z2 = Math.imul(k5 + k3, -20995);
    const z3 = z5 - Math.imul(k7 + k3, 16069);
    const z4 = z5 - Math.imul(k5 + k1, 3196);
    const o0 = Math.imul(k7, 2446) + z1 + z3;
    const o1 = Math.imul(k5, 16819) + z2 + z4;
    const o2 = Math.imul(k3, 25172) + z2 + z3;
    const o3 = Math.imul(k1, 12299) + z1 + z4;
    plane[at] = (a0 + o3) >> 18;
    plane[at + 7] = (a0 - o3) >> 18;
    plane[at + 1] = (a1 + o2) >> 18;
    plane[at + 6] = (a1 - o2) >> 18;
    plane[at + 2] = (a2 + o1) >> 18;
    plane[at + 5] = (a2 - o1) >> 18;
    plane[at + 3] = (a3 + o0) >> 18;
    plane[at + 4] = (a3 - o0) >> 18;
    at += stride;
  }
  coefficients.fill(0);
}
