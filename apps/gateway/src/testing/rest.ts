import { type ClientRequest, request } from 'node:http';
import sharp from 'sharp';
import { KEY, type TestGateway } from './test-gateway.js';

const pixels = Buffer.from(Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i * 2654435761) >>> 24));
const jpeg = await sharp(pixels, { raw: { width: 96, height: 96, channels: 3 } })
  .jpeg()
  .toBuffer();

export const inferenceRequest = (instruction = 'pick up the red cube') => ({
  image: `data:image/jpeg;base64,${jpeg.toString('base64')}`,
  instruction,
  robot_config: { type: 'franka_panda' },
  state: [0.3, 0, 0.3, 0, 0, 0, 1],
});

export const infer = (
  server: TestGateway,
  body: object | string = inferenceRequest(),
  key: string = KEY,
): Promise<Response> =>
  fetch(`${server.http}/v1/inference`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** A request of which only the headers have been sent: what follows is the test's. */
export function beginUpload(server: TestGateway, contentLength: number, key: string | null): ClientRequest {
  const started = request(`${server.http}/v1/inference`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': contentLength,
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
    },
  });
  started.flushHeaders();
  return started;
}

/** The status that a request is answered with. */
export function statusOf(started: ClientRequest): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    started.once('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    started.once('error', reject);
  });
}
