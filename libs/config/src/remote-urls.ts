/** Servers of remote policies, by policy id, in place of those that their bundles name. */
export type RemoteUrls = ReadonlyMap<string, readonly string[]>;

/** `model=url,url;model=url` → its servers by model. What cannot be read comes back as the reason why not. */
export function parseRemoteUrls(text: string): RemoteUrls | string {
  const servers = new Map<string, readonly string[]>();
  for (const part of text.split(';')) {
    if (part.trim() === '') continue;
    const equals = part.indexOf('=');
    const model = part.slice(0, Math.max(0, equals)).trim();
    const urls = part
      .slice(equals + 1)
      .split(',')
      .map((url) => url.trim());
    if (model === '' || urls.includes('')) return 'must be like model=http://a:8000,http://b:8000;other=ws://c:8000';
    if (servers.has(model)) return `names ${model} twice`;
    servers.set(model, urls);
  }
  return servers;
}
