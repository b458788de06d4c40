import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { afterEach, expect, it, vi } from 'vitest';
import { connect } from './browser.js';
import { ConnectionError } from './socket.js';

const OPTIONS = { url: 'wss://robots.test', apiKey: 'vla_live_x', robotType: 'franka_panda', instruction: 'go' };

/** What a page's WebSocket shows of itself, with a test in the server's place. */
class PageSocket extends EventTarget {
  static made: PageSocket[] = [];
  binaryType = 'blob';
  bufferedAmount = 0;
  readonly url: string;
  readonly protocols: string[];
  readonly sent: Uint8Array[] = [];

  constructor(url: string, protocols: string[]) {
    super();
    this.url = url;
    this.protocols = protocols;
    PageSocket.made.push(this);
  }

  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }

  close(): void {}

  /** As the browser tells of an end. */
  ends(code: number): void {
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason: '' }));
  }
}

afterEach(() => {
  vi.unstubAllGlobals();
  PageSocket.made = [];
});

it('offers the key as a subprotocol, since a page cannot set headers', async () => {
  vi.stubGlobal('WebSocket', PageSocket);
  const connecting = connect(OPTIONS);
  const [socket] = PageSocket.made;
  expect(socket?.url).toBe('wss://robots.test/v1/stream');
  expect(socket?.protocols).toEqual(['sinew.v1', 'bearer.vla_live_x']);
  expect(socket?.binaryType).toBe('arraybuffer');
  socket?.dispatchEvent(new Event('open'));
  expect(socket?.sent).toHaveLength(1);
  socket?.ends(1006);
  await expect(connecting).rejects.toBeInstanceOf(ConnectionError);
});

it('a text frame is no message', async () => {
  vi.stubGlobal('WebSocket', PageSocket);
  const connecting = connect(OPTIONS);
  const [socket] = PageSocket.made;
  socket?.dispatchEvent(new Event('open'));
  socket?.dispatchEvent(Object.assign(new Event('message'), { data: '{}' }));
  await expect(connecting).rejects.toMatchObject({ code: 'bad_message' });
});

it('bundles for a browser without anything of Node', async () => {
  const bundle = await rolldown({
    input: fileURLToPath(new URL('./browser.ts', import.meta.url)),
    platform: 'browser',
    logLevel: 'silent',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
  });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  expect(output.flatMap((file) => ('imports' in file ? file.imports : []))).toEqual([]);
  expect(output[0].code).not.toMatch(/from ["'](node:|ws["'])/);
});
