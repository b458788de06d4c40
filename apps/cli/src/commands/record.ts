import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { SETTINGS } from '@sinew/config';
import { PART, type Recovered, recoverRecording } from '@sinew/recording';
import { defineCommand, pick, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { findGateway, GATEWAY_OPTIONS, type Gateway } from '../instance/find-gateway.js';
import { ask, askJson } from '../instance/post-json.js';
import { JSON_OPTION } from '../json-option.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const record = defineCommand({
  name: 'record',
  summary:
    'Records a session as it goes on, into an MCAP file that Foxglove and Rerun open; Ctrl-C ends it. Where it is killed, what came until then is in FILE.part.',
  usage: ['record SESSION [--out FILE] [--no-images]', 'record --recover FILE.mcap.part'],
  options: {
    out: { type: 'string', default: null, help: 'the file (only you may read it); not set: SESSION.mcap here' },
    images: { type: 'boolean', default: true, help: 'camera images too (--no-images: everything else)' },
    recover: { type: 'string', default: null, help: 'end a recording that was cut: what came is kept, and indexed' },
    ...GATEWAY_OPTIONS,
    ...pick(SETTINGS, 'data_dir'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    const [session, ...more] = rest;
    if (values.recover !== null) {
      if (rest.length > 0) throw new UsageError('--recover takes the file and nothing else');
      return tell(recovered(values.recover), false, values.json, terminal);
    }
    const gateway = findGateway(values);
    if (session === undefined || more.length > 0) throw await whichSession(gateway);
    if (!UUID.test(session)) throw new UsageError(`${session} is no session`, ['sinew record lists those that run']);
    const file = values.out ?? `${session}.mcap`;
    for (const taken of [file, file + PART]) {
      if (existsSync(taken)) throw new Failure(`${taken} is there already`, takenAdvice(taken));
    }
    const response = await ask(gateway, 'GET', `/v1/sessions/${session}/recording?images=${values.images}`);
    if (!response.ok || response.body === null) {
      const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
      throw new Failure(`refused: ${String(body.message ?? response.status)}`, [
        'only sessions that run can be recorded, by a key of their customer: sinew record lists them',
      ]);
    }
    const handle = await open(file + PART, 'wx', 0o600);
    terminal.err(`recording into ${file}; Ctrl-C ends it`);
    const cut = await written(response.body.getReader(), handle, terminal).finally(() => handle.close());
    return tell(recovered(file + PART), cut, values.json, terminal);
  },
});

const takenAdvice = (taken: string): string[] =>
  taken.endsWith(PART) ? [`sinew record --recover ${taken} keeps what is in it`] : ['name another with --out'];

/** Writes what comes as it comes, so that it is the system's and no longer ours; true where it was cut by somebody else. */
async function written(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  handle: FileHandle,
  terminal: Terminal,
): Promise<boolean> {
  let stopped = false;
  let writing = false;
  const stop = (): void => {
    stopped = true;
    void reader.cancel().catch(() => {});
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      writing = true;
      await handle.appendFile(part.value);
      writing = false;
    }
    return false;
  } catch (error) {
    if (stopped && !writing) return false;
    const what = writing ? 'it cannot be written' : 'the gateway ended it';
    terminal.err(`sinew: ${what}: ${error instanceof Error ? error.message : String(error)}`);
    void reader.cancel().catch(() => {});
    return true;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function recovered(path: string): Recovered {
  try {
    return recoverRecording(path);
  } catch (error) {
    throw new Failure(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function tell(result: Recovered, cut: boolean, json: boolean, terminal: Terminal): number {
  if (json) terminal.out(JSON.stringify(result));
  else {
    const lost = result.lost_bytes === 0 ? '' : `; ${result.lost_bytes} bytes at its end were not whole`;
    terminal.out(`${result.path}: ${result.messages} messages${lost}`);
  }
  return cut ? 1 : 0;
}

async function whichSession(gateway: Gateway): Promise<UsageError> {
  const { body } = await askJson(gateway, 'GET', '/v1/sessions?active=true');
  const sessions = Array.isArray(body.sessions) ? (body.sessions as Record<string, unknown>[]) : [];
  const lines = sessions.map(({ robot_id, robot_type, session_id }) => `${session_id}  ${robot_id} (${robot_type})`);
  return new UsageError('name one session', lines.length === 0 ? ['none runs'] : ['these run:', ...lines]);
}
