import { describe, expect, it } from 'vitest';
import { negotiateSubprotocol } from './subprotocol.js';

describe('the subprotocol header', () => {
  it('[W1] the highest known version wins, none offered is v1, only unknown ones are refused', () => {
    expect(negotiateSubprotocol('sinew.v1')).toEqual({ subprotocol: 'sinew.v1', key: null });
    expect(negotiateSubprotocol('sinew.v9, sinew.v1')).toEqual({ subprotocol: 'sinew.v1', key: null });
    expect(negotiateSubprotocol('')).toEqual({ subprotocol: null, key: null });
    expect(negotiateSubprotocol('sinew.v9')).toBeNull();
    expect(negotiateSubprotocol('mqtt, sinew.v9')).toBeNull();
  });

  it('[W2] a browser offers its key as a second subprotocol', () => {
    expect(negotiateSubprotocol('sinew.v1, bearer.vla_live_x')).toEqual({ subprotocol: 'sinew.v1', key: 'vla_live_x' });
    expect(negotiateSubprotocol('bearer.vla_live_x,sinew.v1')).toEqual({ subprotocol: 'sinew.v1', key: 'vla_live_x' });
    expect(negotiateSubprotocol('bearer.vla_live_x')).toEqual({ subprotocol: null, key: 'vla_live_x' });
  });
});
