import type { SinewError } from '@sinew/protocol';

/** How a socket ended. */
export interface SocketEnd {
  /** The close code; 1006 where the connection was cut or never made. */
  readonly code: number;
  readonly reason: string;
  /** The answer of a server that refused the upgrade. */
  readonly refusal?: SinewError;
}

export interface SocketListener {
  opened(): void;
  /** One binary frame; the bytes belong to the listener. */
  frame(bytes: Uint8Array): void;
  /** Called once, whatever happened. */
  closed(end: SocketEnd): void;
}

/** The part of a WebSocket that the client needs. */
export interface Socket {
  /** Bytes handed over and not yet with the operating system. */
  readonly bufferedBytes: number;
  send(bytes: Uint8Array): void;
  /** Closes in order; `closed` follows. */
  close(): void;
  /** Cuts a connection that does not answer; `closed` follows. */
  terminate(): void;
}

/** Starts connecting to `url` with `apiKey`. Never throws for the network's sake: failures arrive as `closed`. */
export type OpenSocket = (url: string, apiKey: string, listener: SocketListener) => Socket;

/** The server or the network ended a connection without an error of the protocol. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly closeCode: number;

  constructor(message: string, closeCode: number) {
    super(message);
    this.closeCode = closeCode;
  }
}

/** `ws://host:port`, or http, with or without the path, as the address of the stream. */
export function streamUrl(url: string, path: string): string {
  const parsed = new URL(url);
  if (parsed.protocol === 'http:') parsed.protocol = 'ws:';
  if (parsed.protocol === 'https:') parsed.protocol = 'wss:';
  if (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:')
    throw new TypeError(`not an address of a server: ${url}`);
  if (parsed.pathname === '/') parsed.pathname = path;
  return parsed.href;
}
