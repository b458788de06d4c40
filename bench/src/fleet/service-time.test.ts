import { expect, test } from 'vitest';
import { PUBLISHED, saturatingRobots, serviceMs } from './service-time.js';

test('the default is the published accelerator: 18 ms at batch 1, 39 ms at batch 24', () => {
  expect(serviceMs(PUBLISHED, 1)).toBeCloseTo(18, 3);
  expect(serviceMs(PUBLISHED, 24)).toBeCloseTo(39, 2);
});

test('a fleet saturates it where it asks for what full batches give', () => {
  // Batches of 24 in 39 ms are 615 a second; a robot at 10 Hz that asks every 4 ticks takes 2.5 of them.
  expect(saturatingRobots(PUBLISHED, 24, 10, 4)).toBeCloseTo(246.2, 1);
  expect(saturatingRobots({ ...PUBLISHED, scale: 8 }, 24, 10, 4)).toBeCloseTo(246.2 / 8, 1);
});
