import { isAbsolute } from 'node:path';
import { describe, expect, it } from 'vitest';
import { helpText } from './help.js';
import { allowedText, envOf, flagOf } from './option.js';
import { readOptions } from './read-options.js';
import {
  loadSettings,
  misspeltVariables,
  requireSettings,
  SETTINGS,
  SettingsError,
  settingsEnvironment,
} from './settings.js';

describe('settings', () => {
  it('start with nothing configured', () => {
    const { settings, errors } = loadSettings({ env: {} });
    expect(errors).toEqual([]);
    expect(settings).toMatchObject({ host: '127.0.0.1', port: 8787, database_url: null, sim: true });
    expect(settings.policies).toEqual(['tabletop-v1']);
    expect(isAbsolute(settings.data_dir)).toBe(true);
  });

  it('every default is a value that its own setting accepts', () => {
    const env = settingsEnvironment(loadSettings({ env: {} }).settings);
    expect(loadSettings({ env }).errors).toEqual([]);
  });

  it('a child process reads from its environment what its parent had', () => {
    const { settings } = loadSettings({
      argv: ['--port', '0', '--no-sim', '--policies', 'a,/b/c', '--database-url', 'postgres://u:p@h:1/d'],
      env: {},
    });
    expect(loadSettings({ env: settingsEnvironment(settings) }).settings).toEqual(settings);
  });

  it('bad values stop the start and every one of them is named', () => {
    expect(() => requireSettings({ env: { SINEW_PORT: '99999', REDIS_URL: 'nonsense', SINEW_DRAIN_MS: '1' } })).toThrow(
      new SettingsError([
        { name: 'SINEW_PORT', message: 'SINEW_PORT must be a whole number from 0 to 65535, not "99999"' },
        { name: 'REDIS_URL', message: 'REDIS_URL must be a URL starting with redis:// or rediss://' },
      ]),
    );
  });

  it('limits that contradict each other are refused', () => {
    const { errors } = loadSettings({ env: { SINEW_SOFT_LIMIT_BYTES: '500000', SINEW_HARD_LIMIT_BYTES: '500000' } });
    expect(errors.map((e) => e.name)).toEqual(['SINEW_SOFT_LIMIT_BYTES']);
  });

  it.each([
    ['SINEW_TLS_CERT_FILE', 'SINEW_TLS_KEY_FILE'],
    ['SINEW_TLS_KEY_FILE', 'SINEW_TLS_CERT_FILE'],
  ])('%s goes not without %s', (given, missing) => {
    const { errors } = loadSettings({ env: { [given]: '/etc/sinew/tls.pem' } });
    expect(errors).toEqual([
      { name: missing, message: `${missing} is not set, ${given} is: a certificate and its key go together` },
    ]);
  });

  it('a misspelt variable is noticed instead of running with another value', () => {
    expect(misspeltVariables({ SINEW_STALE_AFTER: '200', SINEW_PORT: '1', HOME: '/', SINEW_URL: 'http://x' })).toEqual([
      { name: 'SINEW_STALE_AFTER', message: 'SINEW_STALE_AFTER is not a setting; did you mean SINEW_STALE_AFTER_MS?' },
    ]);
  });

  it('help names every flag and variable with what a choice allows', () => {
    const text = helpText(SETTINGS, 1000);
    for (const [name, option] of Object.entries(SETTINGS)) {
      expect(text).toContain(name === 'sim' ? '--no-sim' : flagOf(name));
      expect(text).toContain(envOf(name, option));
      if (option.type === 'choice') expect(text).toContain(allowedText(option));
    }
  });

  it('flags and variables are unique', () => {
    const names = Object.entries(SETTINGS).map(([name, option]) => envOf(name, option));
    expect(new Set(names).size).toBe(names.length);
    expect(readOptions(SETTINGS, { argv: [], env: {} }).given.size).toBe(0);
  });
});
