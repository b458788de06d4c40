import { eraseCustomerRoute, eraseLogRoute, exportCustomerRoute, getErasureRoute } from '@sinew/contracts';
import type { Accounts, ErasureRow, Erasures, ExportedLine } from '@sinew/db';
import { SinewError } from '@sinew/protocol';
import type { Logger } from '@sinew/telemetry';
import { mayAdminister, type Principal } from '../auth.js';
import type { Eraser } from '../erasure/eraser.js';
import { bind, type Route } from './bind.js';
import { json, type Reply } from './reply.js';

/** How long an answer waits for an erasure to be complete; what takes longer is asked for again. */
const PATIENCE_MS = 8_000;

export interface DataRightsDeps {
  readonly eraser: Pick<Eraser, 'request' | 'report' | 'finished'>;
  readonly erasures: Pick<Erasures, 'find' | 'ofLog'>;
  readonly accounts: Pick<Accounts, 'findCustomer'>;
  /** Whether the customer has such an inference, in the database or on its way there. */
  readonly hasLog: (customerId: string, logId: number) => Promise<boolean>;
  readonly exported: (customerId: string, at: Date) => AsyncIterable<readonly ExportedLine[]>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
}

/** Erasure and access: what a customer may ask for of its own data. */
export function dataRightsRoutes(deps: DataRightsDeps): Route[] {
  const { accounts, erasures, hasLog, log, now } = deps;
  const administered = async (principal: Principal, customerId: string): Promise<void> => {
    if (mayAdminister(principal, customerId) && (await accounts.findCustomer(customerId)) !== null) return;
    throw new SinewError('not_found', 'There is no such customer');
  };
  const erase = async (principal: Principal, customerId: string, logId: number | null, requestId: string) => {
    const row = await deps.eraser.request({ customerId, logId, requestedBy: principal.keyId });
    const { erasure_id } = row;
    log.info(
      { customer_id: customerId, log_id: logId, erasure_id, key_id: principal.keyId, request_id: requestId },
      'erasure asked for',
    );
    return answer(deps, (await deps.eraser.finished(erasure_id, PATIENCE_MS)) ?? row);
  };
  return [
    bind(eraseLogRoute, async ({ params, principal, requestId }) => {
      const { customerId } = principal;
      const earlier = await erasures.ofLog(customerId, params.log_id);
      if (earlier !== null) return answer(deps, earlier);
      if (!(await hasLog(customerId, params.log_id))) throw new SinewError('not_found', 'There is no such inference');
      return erase(principal, customerId, params.log_id, requestId);
    }),
    bind(eraseCustomerRoute, async ({ params, principal, requestId }) => {
      await administered(principal, params.customer_id);
      return erase(principal, params.customer_id, null, requestId);
    }),
    bind(getErasureRoute, async ({ params, principal }) => {
      const row = await erasures.find(params.erasure_id);
      if (row === null || !mayAdminister(principal, row.customer_id)) {
        throw new SinewError('not_found', 'There is no such erasure');
      }
      return json(await deps.eraser.report(row));
    }),
    bind(exportCustomerRoute, async ({ params, principal, requestId }) => {
      const { customer_id } = params;
      await administered(principal, customer_id);
      log.info({ customer_id, key_id: principal.keyId, request_id: requestId }, 'export asked for');
      const at = new Date(now());
      return {
        status: 200,
        body: '',
        contentType: 'application/x-ndjson',
        headers: { 'Content-Disposition': `attachment; filename="sinew-${customer_id}.ndjson"` },
        stream: exportLines(customer_id, at, deps.exported(customer_id, at)),
      };
    }),
  ];
}

async function answer({ eraser }: DataRightsDeps, row: ErasureRow): Promise<Reply> {
  const report = await eraser.report(row);
  return json(report, report.status === 'complete' ? 200 : 202);
}

/** Lines of JSON, a page of rows at a time; the last one says how many there were, so that a cut is seen. */
async function* exportLines(
  customerId: string,
  at: Date,
  pages: AsyncIterable<readonly ExportedLine[]>,
): AsyncGenerator<string, void, undefined> {
  const counts: Record<string, number> = {};
  yield `${JSON.stringify({ kind: 'export', version: 1, customer_id: customerId, at: at.toISOString() })}\n`;
  for await (const page of pages) {
    let text = '';
    for (const { kind, row } of page) {
      counts[kind] = (counts[kind] ?? 0) + 1;
      text += `{"kind":${JSON.stringify(kind)},"row":${row}}\n`;
    }
    yield text;
  }
  const lines = Object.values(counts).reduce((sum, n) => sum + n, 0);
  yield `${JSON.stringify({ kind: 'summary', customer_id: customerId, complete: true, counts, lines })}\n`;
}
