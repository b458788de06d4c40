import { BenchError, defineCommand } from '../command.js';
import { idleLines, measureIdle } from './idle-sessions.js';
import { type LoadOutcome, loadFindings } from './load-findings.js';
import { LOAD_OPTIONS } from './load-options.js';
import { bareLines, hostileLines, loadLines } from './load-report.js';
import { measureLoad } from './measure-load.js';
import { rampLines } from './ramp.js';

export const load = defineCommand({
  summary: 'Robots at a fixed rate against one gateway: action age, jitter, missed ticks, CPU, batches.',
  options: LOAD_OPTIONS,
  measure: async (options): Promise<LoadOutcome> => {
    if (options.ramp !== null && (options.idle || options.bare || options.hostile)) {
      throw new BenchError('--ramp goes alone: without --idle, --bare and --hostile');
    }
    if (options.idle) return { mode: 'idle', ...(await measureIdle(options)) } as const;
    if (options.url !== null && (options.bare || options.profile !== null)) {
      throw new BenchError('--bare and --profile are of a gateway of the bench’s own: without --url');
    }
    if (options.bare) {
      const ceiling = await measureLoad(options);
      return { mode: 'bare', ceiling, gateway: await measureLoad({ ...options, bare: false }) } as const;
    }
    if (!options.hostile) return { mode: 'load', ...(await measureLoad(options)) } as const;
    const alone = await measureLoad({ ...options, hostile: false });
    return { mode: 'hostile', alone, beside: await measureLoad(options) } as const;
  },
  findings: loadFindings,
  show: (result) => {
    if (result.mode === 'idle') return idleLines(result);
    if (result.mode === 'bare') return bareLines(result.ceiling, result.gateway);
    return result.mode === 'load'
      ? [...loadLines(result), ...rampLines(result.ramp)]
      : hostileLines(result.alone, result.beside);
  },
});
