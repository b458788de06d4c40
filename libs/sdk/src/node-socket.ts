import type { IncomingMessage } from 'node:http';
import { rootCertificates } from 'node:tls';
import { type ErrorCode, isErrorCode, SinewError, SUBPROTOCOL } from '@sinew/protocol';
import { WebSocket } from 'ws';
import type { OpenSocket, Socket, SocketEnd, SocketListener } from './socket.js';

const MAX_REFUSAL_BYTES = 65_536;
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Node: the key travels in the Authorization header, and a refused upgrade tells its error. */
export const openNodeSocket: OpenSocket = (url, apiKey, listener) => open(url, apiKey, listener, undefined);

/** The same for a server whose certificate no known authority has signed: `ca` (PEM) is trusted beside them. */
export function nodeSocketTrusting(ca: string): OpenSocket {
  const trusted = [...rootCertificates, ca];
  return (url, apiKey, listener) => open(url, apiKey, listener, trusted);
}

function open(url: string, apiKey: string, listener: SocketListener, ca: readonly string[] | undefined): Socket {
  const socket = new WebSocket(url, [SUBPROTOCOL], {
    ...(ca === undefined ? {} : { ca: [...ca] }),
    headers: { Authorization: `Bearer ${apiKey}` },
    perMessageDeflate: false, // images are compressed already (W4)
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  socket.binaryType = 'nodebuffer';
  let problem = '';
  let ended = false;
  const end = (how: SocketEnd): void => {
    if (ended) return;
    ended = true;
    listener.closed(how);
  };
  socket.on('open', () => listener.opened());
  socket.on('message', (data: Buffer) => listener.frame(data));
  // `close` follows every error
  socket.on('error', (error) => {
    problem = error.message;
  });
  socket.on('close', (code, reason) => end({ code, reason: reason.toString() || problem }));
  socket.on('unexpected-response', (request, response) => {
    readRefusal(response, (refusal) => {
      end({ code: 1006, reason: refusal.message, refusal });
      request.destroy();
    });
  });
  return {
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (bytes) => socket.send(bytes),
    close: () => socket.close(1000),
    terminate: () => socket.terminate(),
  };
}

/** A refused upgrade answers with the REST error body. */
function readRefusal(response: IncomingMessage, done: (refusal: SinewError) => void): void {
  const parts: Buffer[] = [];
  let size = 0;
  response.on('data', (part: Buffer) => {
    size += part.length;
    if (size <= MAX_REFUSAL_BYTES) parts.push(part);
  });
  const finish = (): void => done(refusalOf(response.statusCode ?? 0, Buffer.concat(parts).toString()));
  response.once('end', finish);
  response.once('error', finish);
}

const CODES_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_message',
  401: 'unauthorized',
  403: 'forbidden',
  429: 'rate_limited',
  503: 'draining',
};

export function refusalOf(status: number, body: string): SinewError {
  const fallback = CODES_BY_STATUS[status] ?? 'internal';
  const message = `the server refused the connection with HTTP ${status}`;
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null) return new SinewError(fallback, message);
    const { error, message: told, field, reason } = parsed as Record<string, unknown>;
    return new SinewError(
      typeof error === 'string' && isErrorCode(error) ? error : fallback,
      typeof told === 'string' ? told : message,
      {
        ...(typeof field === 'string' ? { field } : {}),
        ...(typeof reason === 'string' ? { reason } : {}),
      },
    );
  } catch {
    // a proxy's page, not our server's answer
    return new SinewError(fallback, message);
  }
}
