/** Where clients on this machine reach a gateway that listens on `host`. */
export function gatewayAddress(
  host: string,
  port: number,
  tls: boolean,
): { readonly http: string; readonly ws: string } {
  const authority = `${urlHost(host)}:${port}`;
  return { http: `${tls ? 'https' : 'http'}://${authority}`, ws: `${tls ? 'wss' : 'ws'}://${authority}/v1/stream` };
}

/** Where openpi's clients come in that name no path. */
export function openpiAddress(host: string, port: number, tls: boolean): string {
  return `${tls ? 'wss' : 'ws'}://${urlHost(host)}:${port}`;
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
