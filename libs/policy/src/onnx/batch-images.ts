import { readImageHeader } from '@sinew/protocol';
import type { CameraSpec, Manifest } from '../bundle/manifest.js';
import { fitEncoded, fitRgb, ImageError } from '../image/fit-image.js';
import { writeRow } from '../image/write-row.js';
import { SmallJpegDecoder } from '../jpeg/small-jpeg-decoder.js';
import type { BatchLayout } from './batch-layout.js';
import { type BatchMessage, IMAGE_FIELDS, type RowFault } from './messages.js';

/**
 * Up to here our own decoder takes less CPU than the library, whose call alone costs most of a millisecond. Above, the
 * library is as fast or faster, and works in threads of its own while the graph runs.
 */
const SMALL_PIXELS = 128 * 128;

interface ImageJob {
  readonly row: number;
  readonly camera: CameraSpec;
  readonly tensor: Uint8Array | Float32Array;
  readonly bytes: Uint8Array;
}

/** The images of one batch on their way into its tensors. */
export interface ArrivedImages {
  readonly small: readonly ImageJob[];
  readonly library: readonly Promise<void>[];
  readonly faults: RowFault[];
}

/** Decodes and fits the images of batches into their tensors. */
export class BatchImages {
  readonly #manifest: Manifest;
  readonly #layout: BatchLayout;
  readonly #decoder = new SmallJpegDecoder();

  constructor(manifest: Manifest, layout: BatchLayout) {
    this.#manifest = manifest;
    this.#layout = layout;
  }

  /** At the batch's arrival: the library begins at once, so that it works while this thread is in the batch before. */
  arrive({ slab, size, images }: BatchMessage, staging: ArrayBuffer): ArrivedImages {
    const tensors = this.#layout.viewsBorrow(slab, size).cameras;
    const small: ImageJob[] = [];
    const library: Promise<void>[] = [];
    const faults: RowFault[] = [];
    for (let at = 0; at < images.length; at += IMAGE_FIELDS) {
      const [row = 0, index = 0, offset = 0, length = 0, width = 0, height = 0] = images.slice(at, at + IMAGE_FIELDS);
      const camera = this.#manifest.inputs.cameras[index];
      const tensor = tensors[index];
      if (camera === undefined || tensor === undefined) throw new RangeError(`no camera ${index}`);
      const job: ImageJob = { row, camera, tensor, bytes: new Uint8Array(staging, offset, length) };
      if (width === 0 && isSmallJpeg(job)) small.push(job);
      else
        library.push(
          fit(job, faults, width === 0 ? fitEncoded(job.bytes, camera) : fitRgb(job.bytes, width, height, camera)),
        );
    }
    return { small, library, faults };
  }

  /** When the batch's turn has come: our own decoder runs in this thread, so doing it earlier would delay the batch before. */
  async finish({ small, library, faults }: ArrivedImages): Promise<RowFault[]> {
    const refused: Promise<void>[] = [];
    for (const job of small) {
      if (!this.#decodeSmall(job)) refused.push(fit(job, faults, fitEncoded(job.bytes, job.camera)));
    }
    await Promise.all(library);
    await Promise.all(refused);
    return faults;
  }

  #decodeSmall({ bytes, camera, tensor, row }: ImageJob): boolean {
    const { width, height } = camera;
    if (camera.layout === 'nhwc' && tensor instanceof Uint8Array)
      return this.#decoder.decode(bytes, width, height, tensor, row * width * height * 3);
    const rgb = new Uint8Array(width * height * 3);
    if (!this.#decoder.decode(bytes, width, height, rgb, 0)) return false;
    writeRow(rgb, camera, tensor, row);
    return true;
  }
}

function isSmallJpeg({ bytes, camera: { width, height } }: ImageJob): boolean {
  if (width * height > SMALL_PIXELS) return false;
  const header = readImageHeader(bytes);
  return header?.format === 'jpeg' && header.width === width && header.height === height;
}

/** Writes the row, or notes why its input cannot be run. An input with two bad cameras is refused for the first. */
async function fit(job: ImageJob, faults: RowFault[], pixels: Promise<Uint8Array>): Promise<void> {
  const { row, camera, tensor } = job;
  try {
    writeRow(await pixels, camera, tensor, row);
  } catch (cause) {
    if (!(cause instanceof ImageError)) throw cause;
    if (faults.some((fault) => fault.row === row)) return;
    faults.push({ row, code: 'validation_failed', field: `images.${camera.name}`, reason: cause.message });
  }
}
