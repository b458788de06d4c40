import { rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { SETTINGS } from '@sinew/config';
import type { ErasureBody } from '@sinew/contracts';
import { defineCommand, pick, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { findGateway, GATEWAY_OPTIONS, type Gateway } from '../instance/find-gateway.js';
import { ask, askJson } from '../instance/post-json.js';
import { JSON_OPTION } from '../json-option.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const LOG_ID = /^(0|[1-9][0-9]{0,15})$/;
const ADMIN_ADVICE = ['sinew keys create NAME --scopes admin makes a key that may; pass it with --key'];
/** A customer's key sees its own data; one of an operator everybody's. */
const NOT_FOUND_ADVICE = ['is it a key of that customer, or of an operator?'];

export const data = defineCommand({
  name: 'data',
  summary: 'What is kept about a customer: everything of it, or its end. An erasure cannot be undone.',
  usage: [
    'data export CUSTOMER_ID [--out FILE] --key ADMIN_KEY',
    'data erase CUSTOMER_ID | LOG_ID --yes --key ADMIN_KEY',
    'data erasure ERASURE_ID --key ADMIN_KEY',
  ],
  options: {
    yes: { type: 'boolean', default: false, help: 'erase: without it nothing is erased' },
    out: {
      type: 'string',
      default: null,
      help: 'export into this file (only you may read it); not set: to the output',
    },
    ...GATEWAY_OPTIONS,
    ...pick(SETTINGS, 'data_dir'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    const [action, word, ...more] = rest;
    if (word === undefined || more.length > 0) throw usage();
    const gateway = findGateway(values);
    switch (action) {
      case 'export':
        return exported(gateway, uuid(word), values.out, terminal);
      case 'erase': {
        const path = LOG_ID.test(word) ? `/v1/data/${word}` : `/admin/customers/${uuid(word)}/data`;
        if (!values.yes) {
          throw new UsageError(
            `--yes: say that ${LOG_ID.test(word) ? 'this inference' : 'everything of it'} is to go`,
            ['sinew data export shows what there is'],
          );
        }
        return tell(await report(gateway, 'DELETE', path), values.json, terminal);
      }
      case 'erasure':
        return tell(await report(gateway, 'GET', `/v1/data/erasures/${uuid(word)}`), values.json, terminal);
      default:
        throw usage();
    }
  },
});

const usage = (): UsageError =>
  new UsageError('say what to do: data export CUSTOMER_ID, data erase CUSTOMER_ID or LOG_ID, data erasure ERASURE_ID', [
    'sinew data --help',
  ]);

function uuid(word: string): string {
  if (!UUID.test(word)) throw new UsageError(`${word} is no id`, ['sinew customers list shows those of customers']);
  return word;
}

async function report(gateway: Gateway, method: 'GET' | 'DELETE', path: string): Promise<ErasureBody> {
  const { ok, status, body } = await askJson(gateway, method, path);
  if (!ok) throw refused(status, body);
  return body as unknown as ErasureBody;
}

function refused(status: number, body: Readonly<Record<string, unknown>>): Failure {
  const advice = status === 403 || status === 401 ? ADMIN_ADVICE : status === 404 ? NOT_FOUND_ADVICE : [];
  return new Failure(`refused: ${String(body.message ?? body.error)}`, advice);
}

function tell(body: ErasureBody, json: boolean, terminal: Terminal): number {
  const code = body.status === 'complete' ? 0 : 1;
  if (json) {
    terminal.out(JSON.stringify(body));
    return code;
  }
  const what = body.log_id === null ? 'everything' : `inference ${body.log_id}`;
  terminal.out(`erasure ${body.erasure_id}: ${what} of customer ${body.customer_id} up to ${body.before}`);
  terminal.out(body.status === 'complete' ? `complete ${body.finished_at}` : 'in force; still being carried out');
  for (const [name, { removed, blanked }] of [
    ['database', body.tables] as const,
    ...body.journals.map((journal) => [`journal of node ${journal.node}`, journal] as const),
  ]) {
    terminal.out(`${name}: removed ${counts(removed)}; emptied ${counts(blanked)}`);
  }
  for (const { what, why } of body.kept) terminal.out(`kept: ${what} (${why})`);
  for (const { part, node, last_seen_at, trouble } of body.pending) {
    const where = node === null ? '' : ` of node ${node}, last seen ${last_seen_at}`;
    terminal.out(`pending: ${part}${where}${trouble === null ? '' : ` (${trouble})`}`);
  }
  terminal.out(body.backups);
  return code;
}

function counts(all: Readonly<Record<string, number>>): string {
  const list = Object.entries(all).map(([name, n]) => `${n} ${name}`);
  return list.length === 0 ? 'nothing' : list.join(', ');
}

/** The rows as they come, line by line; a stream that was cut is a failure. */
async function exported(
  gateway: Gateway,
  customerId: string,
  file: string | null,
  terminal: Terminal,
): Promise<number> {
  const response = await ask(gateway, 'GET', `/admin/customers/${customerId}/export`);
  if (!response.ok) throw refused(response.status, objectOf(await response.text()));
  const partial = file === null ? null : `${file}.part`;
  const handle = partial === null ? null : await open(partial, 'w', 0o600);
  let last = '';
  try {
    for await (const line of linesOf(response)) {
      last = line;
      if (handle === null) terminal.out(line);
      else await handle.write(`${line}\n`);
    }
  } catch (error) {
    last = '';
    terminal.err(`sinew: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await handle?.close();
  }
  const summary = summaryOf(last);
  if (summary === null) {
    if (partial !== null) rmSync(partial, { force: true });
    throw new Failure('the export was cut: it is not complete', ['try again']);
  }
  if (file !== null && partial !== null) {
    await rename(partial, file);
    terminal.err(`${file}: ${counts(summary.counts)}`);
  }
  return 0;
}

function summaryOf(line: string): { readonly counts: Readonly<Record<string, number>> } | null {
  try {
    const value = JSON.parse(line) as { kind?: unknown; complete?: unknown; counts?: Record<string, number> };
    return value.kind === 'summary' && value.complete === true ? { counts: value.counts ?? {} } : null;
  } catch {
    return null;
  }
}

function objectOf(text: string): Record<string, unknown> {
  try {
    return { ...(JSON.parse(text) as Record<string, unknown>) };
  } catch {
    return { message: 'it is no Sinew gateway' };
  }
}

async function* linesOf(response: Response): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of response.body ?? []) {
    const lines = (rest + decoder.decode(part as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
