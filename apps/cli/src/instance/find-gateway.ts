import { readFileSync } from 'node:fs';
import { readDemoKey, readRunFile, SETTINGS } from '@sinew/config';
import { nodeSocketTrusting, openNodeSocket } from '@sinew/sdk';
import { Failure } from '../failure.js';
import { lockHolder } from './data-dir-lock.js';

/** How a client command finds the gateway: flags, environment, or the instance that runs on the data folder. */
export const GATEWAY_OPTIONS = {
  url: {
    type: 'url',
    default: null,
    protocols: ['http:', 'https:', 'ws:', 'wss:'],
    help: 'the gateway; not set: the instance running on the data folder',
  },
  key: { type: 'string', default: null, env: 'SINEW_API_KEY', secret: true, help: 'API key; not set: its demo key' },
  tls_ca_file: SETTINGS.tls_ca_file,
} as const;

export interface Gateway {
  /** `http://host:port`, without a path. */
  readonly http: string;
  readonly key: string;
  /** Certificate (PEM) that is trusted beside the known authorities. */
  readonly tlsCa: string | null;
}

export function findGateway({
  url,
  key,
  data_dir,
  tls_ca_file,
}: {
  url: string | null;
  key: string | null;
  data_dir: string;
  tls_ca_file: string | null;
}): Gateway {
  const http = url === null ? runningAt(data_dir) : httpOf(url);
  const found = key ?? readDemoKey(data_dir);
  if (found === null) {
    throw new Failure(`no API key: none was given and ${data_dir} has no demo key`, [
      'make one with sinew keys create NAME, then pass --key or set SINEW_API_KEY',
    ]);
  }
  return { http, key: found, tlsCa: readTlsCa(tls_ca_file) };
}

export function readTlsCa(file: string | null): string | null {
  if (file === null) return null;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`SINEW_TLS_CA_FILE: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** How sockets to that gateway are opened. */
export const socketsTo = (tlsCa: string | null) => (tlsCa === null ? openNodeSocket : nodeSocketTrusting(tlsCa));

function runningAt(dataDir: string): string {
  const run = readRunFile(dataDir);
  // A run file outlives an instance that was killed; its lock does not.
  if (run === null || lockHolder(dataDir)?.pid !== run.pid) {
    throw new Failure(`no instance of sinew runs on ${dataDir}`, [
      'start one with npm start (or sinew up), or name a gateway with --url and --key',
    ]);
  }
  return run.http;
}

/** Any of the gateway's addresses will do, the stream's too. */
function httpOf(url: string): string {
  const parsed = new URL(url);
  const scheme = parsed.protocol === 'wss:' || parsed.protocol === 'https:' ? 'https' : 'http';
  return `${scheme}://${parsed.host}`;
}

export const streamUrl = ({ http }: Gateway): string => `${http.replace(/^http/, 'ws')}/v1/stream`;
