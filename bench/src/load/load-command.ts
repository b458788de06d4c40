import { defineCommand } from '../command.js';
import { idleLines, measureIdle } from './idle-sessions.js';
import { LOAD_OPTIONS } from './load-options.js';
import { loadLines } from './load-report.js';
import { measureLoad } from './measure-load.js';

export const load = defineCommand({
  summary: 'Robots at a fixed rate against one gateway: action age, jitter, missed ticks, CPU, batches.',
  options: LOAD_OPTIONS,
  measure: async (options) =>
    options.idle
      ? ({ mode: 'idle', ...(await measureIdle(options)) } as const)
      : ({ mode: 'load', ...(await measureLoad(options)) } as const),
  show: (result) => (result.mode === 'idle' ? idleLines(result) : loadLines(result)),
});
