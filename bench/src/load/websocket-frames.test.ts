import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { clientFrame, InboundFrames, OPCODE } from './websocket-frames.js';

/** What a server sends: final, unmasked. */
function serverFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const header =
    length < 126
      ? Buffer.of(0x80 | opcode, length)
      : length < 65_536
        ? Buffer.of(0x80 | opcode, 126, length >> 8, length & 0xff)
        : Buffer.concat([
            Buffer.of(0x80 | opcode, 127, 0, 0, 0, 0),
            Buffer.of(0, length >> 16, (length >> 8) & 0xff, length & 0xff),
          ]);
  return Buffer.concat([header, payload]);
}

function read(chunks: readonly Buffer[]): { opcode: number; payload: string }[] {
  const frames = new InboundFrames();
  const out: { opcode: number; payload: string }[] = [];
  for (const chunk of chunks) {
    frames.push(chunk, (opcode, bytes, start, end) => {
      out.push({ opcode, payload: bytes.toString('hex', start, end) });
    });
    // The socket reads into the same buffer again.
    chunk.fill(0xee);
  }
  return out;
}

test('frames come out whole however the stream is cut', () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 130 }),
    fc.constantFrom(125, 126, 65_535, 65_536).map((size) => new Uint8Array(size).fill(7)),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(2, 8, 9, 10), payload), { maxLength: 5 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (sent, cuts) => {
        const stream = Buffer.concat(sent.map(([opcode, bytes]) => serverFrame(opcode, Buffer.from(bytes))));
        const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
        const edges = [0, ...places, stream.length];
        const chunks = edges.slice(1).map((end, i) => Buffer.from(stream.subarray(edges[i], end)));
        const expected = sent.map(([opcode, bytes]) => ({ opcode, payload: Buffer.from(bytes).toString('hex') }));
        expect(read(chunks)).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
});

test('a fragmented or masked frame is refused', () => {
  expect(() => read([Buffer.of(0x02, 1, 0)])).toThrow('fragmented');
  expect(() => read([Buffer.of(0x82, 0x81, 0, 0, 0, 0, 0)])).toThrow('masked');
});

test('an independent WebSocket server reads client frames of every length class', async () => {
  const { StreamSocket } = await import('./stream-socket.js');
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'sinew.v1' });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const received: number[] = [];
  let done = () => {};
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const echoed: number[] = [];
  server.on('connection', (peer, request) => {
    expect(request.headers.authorization).toBe('Bearer k');
    peer.on('message', (data: Buffer, isBinary) => {
      expect(isBinary).toBe(true);
      received.push(data.length);
      peer.send(data);
    });
  });
  const sizes = [0, 125, 126, 65_535, 65_536, 200_000];
  const socket = await StreamSocket.connect(
    { host: '127.0.0.1', port, path: '/v1/stream', key: 'k' },
    {
      message: (_bytes, start, end) => {
        echoed.push(end - start);
        if (echoed.length === sizes.length) done();
      },
      ended: (reason) => {
        throw new Error(reason);
      },
    },
  );
  for (const size of sizes) socket.send(new Uint8Array(size).fill(3));
  await all;
  expect(received).toEqual(sizes);
  expect(echoed).toEqual(sizes);
  socket.close();
  await new Promise((resolve) => server.close(resolve));
});

test('a close frame is told with its code', async () => {
  const { StreamSocket } = await import('./stream-socket.js');
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  server.on('connection', (peer) => peer.close(4503, 'draining'));
  const reason = await new Promise<string>((resolve, reject) => {
    StreamSocket.connect(
      { host: '127.0.0.1', port, path: '/', key: 'k' },
      { message: () => reject(new Error('a message')), ended: resolve },
    ).catch(reject);
  });
  expect(reason).toContain('4503 draining');
  await new Promise((resolve) => server.close(resolve));
});

test('a client frame is masked with zeros', () => {
  expect(clientFrame(OPCODE.binary, Uint8Array.of(1, 2)).bytes).toEqual(Buffer.of(0x82, 0x82, 0, 0, 0, 0, 1, 2));
});
