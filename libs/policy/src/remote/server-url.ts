/**
 * A model server's address: scheme, host, port and perhaps a path. Never a user or password: a manifest is data that is
 * passed around, and the address stands in logs and metrics.
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
  if (url.search !== '' || url.hash !== '') return { fault: 'must end with its path' };
  return { fault: null };
}

/** For a message about a URL that may hold what nobody should read. */
export const withoutSecrets = (url: string): string => url.replace(/\/\/[^/]*@/, '//…@').replace(/[?#].*$/, '…');
