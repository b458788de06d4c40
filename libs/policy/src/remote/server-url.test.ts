import { expect, test } from 'vitest';
import { PROTOCOLS } from './remote-model.js';
import { sentInTheClear, serverUrl, withoutSecrets } from './server-url.js';

test.each<[keyof typeof PROTOCOLS, string, RegExp | null]>([
  ['kserve', 'http://a:8000', null],
  ['kserve', 'https://a/triton/', null],
  ['kserve', 'ws://a:8000', /http:\/\/ or https:\/\//],
  ['kserve', 'http://a:8000?x=1', /path/],
  ['openpi', 'ws://a:8000/v1/openpi?robot_type=ur5e', null],
  ['openpi', 'wss://a#b', /path/],
  ['openpi', 'wss://user:pw@a', /password/],
  ['openpi', 'a', /URL/],
])('[P11] %s: %s', (backend, url, fault) => {
  expect(serverUrl(url, PROTOCOLS[backend]).fault).toEqual(fault === null ? null : expect.stringMatching(fault));
});

test('[P17] what is shown of an address has neither user nor query', () => {
  expect(withoutSecrets('wss://user:hunter2@a:1/v1?key=sesame#x')).toBe('wss://…@a:1/v1…');
  expect(withoutSecrets('http://a:8000/triton')).toBe('http://a:8000/triton');
});

test.each([
  ['http://a:8000', true],
  ['ws://10.0.0.7:8000/v1', true],
  ['http://127.0.0.1.example.org', true],
  ['https://a', false],
  ['wss://a', false],
  ['http://localhost:8000', false],
  ['ws://127.0.0.1:8000', false],
  ['http://[::1]:8000', false],
])('[P17] whether a token sent to %s can be read on the way: %s', (url, readable) => {
  expect(sentInTheClear(url)).toBe(readable);
});
