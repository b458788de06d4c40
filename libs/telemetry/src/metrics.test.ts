import { expect, test } from 'vitest';
import { createMetrics } from './metrics.js';

test('hot counters and histograms appear in the exposition with what was observed', async () => {
  const metrics = createMetrics();
  metrics.holds.cell('stale').inc();
  metrics.holds.cell('stale').inc();
  metrics.actionAge.observe(0.03);
  metrics.actionAge.observe(7);
  metrics.actionAge.observe(Number.NaN);
  const text = await metrics.registry.metrics();
  expect(text).toContain('vla_stream_holds_total{reason="stale"} 2');
  expect(text).toContain('vla_stream_action_age_seconds_bucket{le="0.02"} 0');
  expect(text).toContain('vla_stream_action_age_seconds_bucket{le="0.05"} 1');
  expect(text).toContain('vla_stream_action_age_seconds_bucket{le="+Inf"} 2');
  expect(text).toContain('vla_stream_action_age_seconds_count 2');
});

test('every metric is documented and belongs to the vla_ family or to the process defaults', async () => {
  const text = await createMetrics().registry.metrics();
  const names = [...text.matchAll(/^# HELP (\S+) (.+)$/gm)];
  expect(names.length).toBeGreaterThan(30);
  for (const [, name, help] of names) {
    expect(name).toMatch(/^(vla_|process_|nodejs_)/);
    expect(help).not.toBe('');
  }
});

test('a label that clients have a say in takes a bounded number of values', () => {
  const { labels } = createMetrics();
  const values = new Set(
    Array.from({ length: 1_000 }, (_, i) => labels.limit('field', `images.${'x'.repeat(i % 500)}${i}`)),
  );
  expect(values.size).toBeLessThanOrEqual(101);
  expect(labels.limit('reason', 'has 12 entries')).toBe(labels.limit('reason', 'has 7 entries'));
});

test('a family of several labels keeps a cell for each combination, whoever asks for it', async () => {
  const metrics = createMetrics();
  metrics.inferenceRequests.cell('m', 'panda', 'ok').inc();
  metrics.inferenceRequests.inc({ status: 'ok', model: 'm', robot_type: 'panda' });
  metrics.inferenceRequests.cell('m', 'panda', 'error').inc();
  metrics.batchCompute.observe({ size: '2', model: 'm' }, 0.02);
  const text = await metrics.registry.metrics();
  expect(text).toContain('vla_inference_requests_total{model="m",robot_type="panda",status="ok"} 2');
  expect(text).toContain('vla_inference_requests_total{model="m",robot_type="panda",status="error"} 1');
  expect(text).toContain('vla_inference_batch_seconds_bucket{model="m",size="2",le="0.025"} 1');
  expect(text).toContain('vla_inference_batch_seconds_count{model="m",size="2"} 1');
});
