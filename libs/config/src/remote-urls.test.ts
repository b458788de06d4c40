import { expect, it } from 'vitest';
import { parseRemoteUrls } from './remote-urls.js';
import { loadSettings, requireSettings } from './settings.js';

it('servers of several policies are read', () => {
  const text = 'pi0=ws://a:8000 , ws://b:8000; tabletop-v1=http://c:8000/triton?x=1;';
  expect([...(parseRemoteUrls(text) as Map<string, string[]>)]).toEqual([
    ['pi0', ['ws://a:8000', 'ws://b:8000']],
    ['tabletop-v1', ['http://c:8000/triton?x=1']],
  ]);
});

it.each(['http://a:8000', '=http://a', 'pi0=', 'pi0=ws://a,,ws://b', 'pi0=ws://a;pi0=ws://b'])(
  'what cannot be read stops the start, by the name of the setting: %s',
  (text) => {
    expect(typeof parseRemoteUrls(text)).toBe('string');
    expect(() => requireSettings({ env: { SINEW_REMOTE_URLS: text } })).toThrow(/SINEW_REMOTE_URLS/);
  },
);

it('without the setting nothing is said', () => {
  expect(loadSettings({ env: {} }).errors).toEqual([]);
});
