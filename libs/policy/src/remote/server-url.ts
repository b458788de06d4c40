/**
 * A model server's address: scheme, host, port, perhaps a path, and of a WebSocket a query. Never a user or password: a manifest
 * is data that is passed around, and the address stands in logs and metrics.
 */
export function serverUrl(text: string, protocols: readonly string[]): { fault: string | null } {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { fault: 'is not a URL' };
  }
  if (!protocols.includes(url.protocol)) return { fault: `must begin with ${protocols.join('// or ')}//` };
  if (url.username !== '' || url.password !== '') return { fault: 'must carry no user and no password' };
  const query = url.protocol.startsWith('http') && url.search !== '';
  if (query || url.hash !== '') return { fault: 'must end with its path' };
  return { fault: null };
}

/** For logs, metrics and messages: without what may be there for nobody to read. */
export const withoutSecrets = (url: string): string => url.replace(/\/\/[^/]*@/, '//…@').replace(/[?#].*$/, '…');

/** Whether anybody on the way can read what is sent there: neither encrypted nor on this machine. */
export function sentInTheClear(text: string): boolean {
  const { hostname, protocol } = new URL(text);
  const here = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  return (protocol === 'http:' || protocol === 'ws:') && !here;
}
