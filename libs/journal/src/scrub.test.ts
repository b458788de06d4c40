import { describe, expect, it } from 'vitest';
import { estop, inference } from './fixtures.js';
import type { SafetyIncidentEvent, SessionRecord } from './records.js';
import { RecordScrubber } from './scrub.js';

const opened = (more: Pick<SessionRecord, 'client' | 'environment'>): SessionRecord => {
  const { customer_id, instruction } = inference(1);
  return { kind: 'session', event: 'open', customer_id, instruction, ...more } as SessionRecord;
};

describe('[J5] scrubbing text at append', () => {
  it('copies only the records that it changes', () => {
    const scrubber = new RecordScrubber();
    const clean = inference(1);
    expect(scrubber.scrub(clean)).toBe(clean);
    const dirty = inference(2, { instruction: 'mail a@b.example about it' });
    expect(scrubber.scrub(dirty)).toEqual({ ...dirty, instruction: 'mail [email] about it' });
  });

  it('finds the instruction of a safety incident too', () => {
    const event = estop('estop', 'arm-1');
    const data = { incident_id: 'x', instruction: 'mail a@b.example about it' } as SafetyIncidentEvent['data'];
    const incident: SafetyIncidentEvent = { ...event, event: 'safety_incident', data };
    const scrubber = new RecordScrubber();
    expect(scrubber.scrub(incident)).toMatchObject({
      data: { incident_id: 'x', instruction: 'mail [email] about it' },
    });
    const silent = { ...incident, data: { ...data, instruction: null } };
    expect(scrubber.scrub(silent)).toBe(silent);
  });

  it('finds what a client calls itself and its place, and the reason of a release', () => {
    const scrubber = new RecordScrubber();
    const clean = opened({ client: { name: 'cell', version: '1.0.0' }, environment: null });
    expect(scrubber.scrub(clean)).toBe(clean);
    const client = { name: 'cell of ana@b.example', version: '1.0.0' };
    const environment = { environment_type: 'lab', lighting_conditions: 'ask +49 30 1234567' };
    expect(scrubber.scrub(opened({ client, environment }))).toMatchObject({
      client: { name: 'cell of [email]', version: '1.0.0' },
      environment: { environment_type: 'lab', lighting_conditions: 'ask [phone]' },
    });
    const release = { ...estop('estop_clear', 'arm-1'), data: { by: 'operator', reason: 'Dr Okafor has looked' } };
    expect(scrubber.scrub(release)).toMatchObject({ data: { by: 'operator', reason: '[name] has looked' } });
  });

  it('asks at every append whose text may be kept, and keeps no keys at all', () => {
    let research = false;
    const scrubber = new RecordScrubber((customer) => research && customer === inference(1).customer_id);
    const dirty = inference(2, { instruction: 'mail a@b.example about it' });
    expect(scrubber.scrub(dirty)).toMatchObject({ instruction: 'mail [email] about it' });
    research = true;
    expect(scrubber.scrub(dirty)).toBe(dirty);
    expect(scrubber.scrub({ ...dirty, customer_id: 'another' })).toMatchObject({
      instruction: 'mail [email] about it',
    });
    const key = inference(3, { instruction: 'log in with vla_live_abcdefghijklmnop' });
    expect(scrubber.scrub(key)).toMatchObject({ instruction: 'log in with [key]' });
    research = false;
    expect(scrubber.scrub(dirty)).toMatchObject({ instruction: 'mail [email] about it' });
  });

  it('remembers what it was given only until it is told to forget', () => {
    const scrubber = new RecordScrubber((customer) => customer === 'research');
    const dirty = inference(2, { instruction: 'mail a@b.example about it' });
    scrubber.scrub(dirty);
    scrubber.scrub({ ...dirty, customer_id: 'research' });
    expect(scrubber.remembered).toBe(2);
    scrubber.forget();
    expect(scrubber.remembered).toBe(0);
    expect(scrubber.scrub(dirty)).toMatchObject({ instruction: 'mail [email] about it' });
  });
});
