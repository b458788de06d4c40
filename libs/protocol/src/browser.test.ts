import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';

it('bundles for a browser and runs there with nothing of Node', async () => {
  const entry = 'virtual:page';
  const protocol = fileURLToPath(new URL('./index.ts', import.meta.url));
  const page = `
    import * as sinew from ${JSON.stringify(protocol)};
    const frame = sinew.encodeClientMessage({ type: 'instruction', instruction: 'привет' });
    globalThis.decoded = sinew.decodeClientFrame(frame);
    globalThis.refused = sinew.decodeServerFrame(new Uint8Array([1]));`;
  const bundle = await rolldown({
    input: entry,
    platform: 'browser',
    logLevel: 'silent',
    plugins: [
      {
        name: 'page',
        resolveId: (id, importer) =>
          id === entry ? id : importer?.startsWith('/') && id.startsWith('./') ? null : undefined,
        load: (id) => (id === entry ? page : null),
      },
    ],
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
  });
  const { output } = await bundle.generate({ format: 'iife' });
  await bundle.close();
  expect(output.flatMap((file) => ('imports' in file ? file.imports : []))).toEqual([]);

  // what a page has and an empty context has not; no Buffer, no process, no require
  const context: Record<string, unknown> = vm.createContext({ TextEncoder, TextDecoder, URL });
  // the encoders above make arrays of the outer realm: inside, they must be the page's own
  vm.runInContext('globalThis.self = globalThis;', context);
  vm.runInContext(output[0].code, context);
  expect(JSON.parse(JSON.stringify(context.decoded))).toEqual({
    ok: true,
    message: { type: 'instruction', instruction: 'привет' },
  });
  expect(context.refused).toMatchObject({ ok: false, fault: { code: 'bad_message' } });
});
