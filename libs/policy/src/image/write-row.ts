import type { CameraSpec } from '../bundle/manifest.js';

/** Writes [height, width, 3] RGB bytes as row `row` of the camera's batch tensor, in its layout and type. */
export function writeRow(rgb: Uint8Array, camera: CameraSpec, tensor: Uint8Array | Float32Array, row: number): void {
  const pixels = camera.width * camera.height;
  const start = row * pixels * 3;
  if (camera.layout === 'nhwc' && tensor instanceof Uint8Array) {
    tensor.set(rgb, start);
    return;
  }
  const [pixelStride, channelStride] = camera.layout === 'nhwc' ? [3, 1] : [1, pixels];
  for (let channel = 0; channel < 3; channel++) {
    const mean = camera.mean[channel] ?? 0;
    const std = camera.std[channel] ?? 1;
    const scale = camera.dtype === 'float32' ? 1 / (255 * std) : 1;
    const offset = camera.dtype === 'float32' ? -mean / std : 0;
    let to = start + channel * channelStride;
    for (let from = channel; from < pixels * 3; from += 3, to += pixelStride) {
      tensor[to] = (rgb[from] ?? 0) * scale + offset;
    }
  }
}

/** Whether an `rgb8` frame of this size is the tensor row already, byte for byte. */
export function isRowBytes(camera: CameraSpec, width: number, height: number): boolean {
  return camera.layout === 'nhwc' && camera.dtype === 'uint8' && width === camera.width && height === camera.height;
}
