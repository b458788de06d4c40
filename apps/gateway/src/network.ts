import {
  App,
  SSLApp,
  type TemplatedApp,
  type us_listen_socket,
  us_listen_socket_close,
  us_socket_local_port,
} from 'uWebSockets.js';
import { freePort } from './free-port.js';
import type { TlsFiles } from './tls.js';

/** Where clients come in. A simulation brings one of its own. */
export interface Network {
  app(tls: TlsFiles | undefined): TemplatedApp;
  portOf(listening: us_listen_socket): number;
  stopListening(listening: us_listen_socket): void;
  /** For port 0; without it the app picks one itself. */
  freePort?(host: string): Promise<number>;
}

export const uwsNetwork: Network = {
  app: (tls) => (tls === undefined ? App() : SSLApp({ cert_file_name: tls.certFile, key_file_name: tls.keyFile })),
  portOf: us_socket_local_port,
  stopListening: us_listen_socket_close,
  freePort,
};
