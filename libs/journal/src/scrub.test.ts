import { describe, expect, it } from 'vitest';
import { estop, inference } from './fixtures.js';
import type { SafetyIncidentEvent } from './records.js';
import { InstructionScrubber, scrubText } from './scrub.js';

describe('[J5] scrubbing instruction text', () => {
  it.each([
    ['hand it to ana.b+c@example.co.uk now', 'hand it to [email] now'],
    ['call +49 (0)30 1234-5678 first', 'call [phone] first'],
    ['call 415-555-0134 first', 'call 415-555-0134 first'.replace('415-555-0134', '[phone]')],
    ['card 4111 1111 1111 1111 on the tray', 'card [card] on the tray'],
    ['ssn 078-05-1120', 'ssn [ssn]'],
    ['robot at 192.168.0.17 moves', 'robot at [ip] moves'],
    ['robot at 2001:db8:0:0:8:800:200c:417a moves', 'robot at [ip] moves'],
  ])('%s', (text, expected) => {
    expect(scrubText(text)).toBe(expected);
  });

  it.each([
    'move 120 mm, then 300 mm to the left',
    'pick part 1234 from bin 56',
    'move to 0.125 0.250 0.375 in 12.5 s',
    'put the red cube on the plate',
    'start at 10:30:15 sharp',
  ])('leaves "%s" alone', (text) => {
    expect(scrubText(text)).toBe(text);
  });

  it('copies only the records that it changes', () => {
    const scrubber = new InstructionScrubber();
    const clean = inference(1);
    expect(scrubber.scrub(clean)).toBe(clean);
    const dirty = inference(2, { instruction: 'mail a@b.example about it' });
    expect(scrubber.scrub(dirty)).toEqual({ ...dirty, instruction: 'mail [email] about it' });
  });

  it('finds the instruction of a safety incident too', () => {
    const event = estop('estop', 'arm-1');
    const data = { incident_id: 'x', instruction: 'mail a@b.example about it' } as SafetyIncidentEvent['data'];
    const incident: SafetyIncidentEvent = { ...event, event: 'safety_incident', data };
    const scrubber = new InstructionScrubber();
    expect(scrubber.scrub(incident)).toMatchObject({
      data: { incident_id: 'x', instruction: 'mail [email] about it' },
    });
    const silent = { ...incident, data: { ...data, instruction: null } };
    expect(scrubber.scrub(silent)).toBe(silent);
  });
});
