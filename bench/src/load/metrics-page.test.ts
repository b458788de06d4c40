import { expect, test } from 'vitest';
import { bucketCounts, growth, MetricsPage } from './metrics-page.js';

const page = (holds: number, le2: number, le4: number, all: number): MetricsPage =>
  MetricsPage.parse(`# HELP holds Holds sent, by reason
# TYPE holds counter
holds{reason="stale"} ${holds}
holds{reason="starved",note="a \\"quoted\\" one"} 2
size_bucket{le="1",model="null"} 0
size_bucket{le="2",model="null"} ${le2}
size_bucket{le="4",model="null"} ${le4}
size_bucket{le="+Inf",model="null"} ${all}
size_count{model="null"} ${all}
up 1 1767225600000
nan_gauge NaN
`);

test('totals go over labels, and lines with a timestamp are read', () => {
  expect(page(3, 0, 0, 0).total('holds')).toBe(5);
  expect(page(3, 0, 0, 0).total('up')).toBe(1);
  expect(page(3, 0, 0, 0).total('absent')).toBe(0);
});

test('what grew between two pages, by label', () => {
  const [before, after] = [page(3, 1, 1, 1), page(10, 3, 8, 9)];
  expect(growth(before.by('holds', 'reason'), after.by('holds', 'reason'))).toEqual({ stale: 7 });
  expect(bucketCounts(before.by('size_bucket', 'le'), after.by('size_bucket', 'le'))).toEqual({
    '2': 2,
    '3-4': 5,
    '5-+Inf': 1,
  });
});
