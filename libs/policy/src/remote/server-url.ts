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
