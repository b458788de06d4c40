import { execFile } from 'node:child_process';

/** One GPU now; null: the driver does not tell. */
export interface GpuDevice {
  readonly index: number;
  readonly name: string;
  readonly utilization_percent: number | null;
  readonly memory_used_bytes: number | null;
  readonly memory_total_bytes: number | null;
  readonly temperature_celsius: number | null;
  readonly power_draw_watts: number | null;
}

export interface GpuReading {
  /** False where there is no `nvidia-smi`, or it fails: `reason` says which. */
  readonly available: boolean;
  readonly reason: string | null;
  readonly read_at: string;
  readonly devices: readonly GpuDevice[];
}

/** The text of `nvidia-smi` for GPU_QUERY; rejects where it is not there or fails. */
export type AskDriver = () => Promise<string>;

const MEBIBYTE = 1_048_576;
const FRESH_MS = 5_000;
/** A driver that hangs must not keep a process for every scrape. */
const PATIENCE_MS = 4_000;

const FIELDS = [
  'index',
  'name',
  'utilization.gpu',
  'memory.used',
  'memory.total',
  'temperature.gpu',
  'power.draw',
] as const;

/** Asks the driver's own tool, in a process of its own. */
export const askNvidiaSmi: AskDriver = () =>
  new Promise((resolve, reject) => {
    const question = [`--query-gpu=${FIELDS.join(',')}`, '--format=csv,noheader,nounits'];
    execFile('nvidia-smi', question, { timeout: PATIENCE_MS, killSignal: 'SIGKILL' }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else
        reject(new Error('code' in error && error.code === 'ENOENT' ? 'no nvidia-smi' : error.message.split('\n')[0]));
    });
  });

/** GPU readings that are at most five seconds old; those who ask together are answered by one question. */
export class GpuReader {
  readonly #ask: AskDriver;
  readonly #now: () => number;
  #last: { readonly atMs: number; readonly reading: GpuReading } | null = null;
  #asking: Promise<GpuReading> | null = null;

  /** `now`: milliseconds since the epoch. */
  constructor(ask: AskDriver, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** Never rejects. */
  read(): Promise<GpuReading> {
    if (this.#last !== null && this.#now() - this.#last.atMs < FRESH_MS) return Promise.resolve(this.#last.reading);
    this.#asking ??= this.#fresh().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #fresh(): Promise<GpuReading> {
    const { devices, reason } = await this.#ask().then(
      (text) => ({ devices: parseDevices(text), reason: null }),
      (error: unknown) => ({ devices: [], reason: error instanceof Error ? error.message : String(error) }),
    );
    const atMs = this.#now();
    const reading = { available: devices.length > 0, reason, read_at: new Date(atMs).toISOString(), devices };
    this.#last = { atMs, reading };
    return reading;
  }
}

/** One line a GPU, in the order of FIELDS; what it does not know stands in brackets, such as `[N/A]`. */
function parseDevices(text: string): GpuDevice[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      // A name may hold a comma; numbers do not.
      const cells = line.split(',').map((cell) => cell.trim());
      const [utilization, used, total, temperature, power] = cells.slice(-5).map(figure);
      return {
        index: Number.parseInt(cells[0] ?? '', 10) || 0,
        name: cells.slice(1, -5).join(', '),
        utilization_percent: utilization ?? null,
        memory_used_bytes: bytes(used),
        memory_total_bytes: bytes(total),
        temperature_celsius: temperature ?? null,
        power_draw_watts: power ?? null,
      };
    });
}

function figure(text: string): number | null {
  return /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : null;
}

const bytes = (mebibytes: number | null | undefined): number | null =>
  mebibytes === null || mebibytes === undefined ? null : mebibytes * MEBIBYTE;
