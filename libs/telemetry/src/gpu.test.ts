import { expect, test } from 'vitest';
import { GpuReader } from './gpu.js';

const H100 = '0, NVIDIA H100 80GB HBM3, 37, 1024, 81559, 41, 118.52\n';
const MUTE = '1, NVIDIA GeForce GT 710, with a comma, [N/A], 12, 981, [Not Supported], [Not Supported]\n';

function readerOf(answers: (string | Error)[]) {
  let nowMs = Date.UTC(2026, 10, 6);
  let asked = 0;
  const reader = new GpuReader(
    async () => {
      const answer = answers[asked++] ?? '';
      if (answer instanceof Error) throw answer;
      return answer;
    },
    () => nowMs,
  );
  return { reader, asked: () => asked, later: (ms: number) => (nowMs += ms) };
}

test('every GPU has its figures; what the driver does not tell is null', async () => {
  const { reader } = readerOf([H100 + MUTE]);
  expect(await reader.read()).toEqual({
    available: true,
    reason: null,
    read_at: '2026-11-06T00:00:00.000Z',
    devices: [
      {
        index: 0,
        name: 'NVIDIA H100 80GB HBM3',
        utilization_percent: 37,
        memory_used_bytes: 1_073_741_824,
        memory_total_bytes: 85_520_809_984,
        temperature_celsius: 41,
        power_draw_watts: 118.52,
      },
      {
        index: 1,
        name: 'NVIDIA GeForce GT 710, with a comma',
        utilization_percent: null,
        memory_used_bytes: 12_582_912,
        memory_total_bytes: 1_028_653_056,
        temperature_celsius: null,
        power_draw_watts: null,
      },
    ],
  });
});

test('no driver is an answer, not a failure', async () => {
  const { reader } = readerOf([new Error('no nvidia-smi')]);
  expect(await reader.read()).toMatchObject({ available: false, reason: 'no nvidia-smi', devices: [] });
});

test('the driver is asked once in five seconds, and once for all who ask together', async () => {
  const { asked, later, reader } = readerOf([H100, H100]);
  const [first, second] = await Promise.all([reader.read(), reader.read()]);
  expect(first).toBe(second);
  later(4_999);
  await reader.read();
  expect(asked()).toBe(1);
  later(1);
  await reader.read();
  expect(asked()).toBe(2);
});
