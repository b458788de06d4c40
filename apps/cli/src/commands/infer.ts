import { readFile } from 'node:fs/promises';
import { SETTINGS } from '@sinew/config';
import { readImageHeader } from '@sinew/protocol';
import { columns } from '../columns.js';
import { defineCommand, pick, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { findGateway, GATEWAY_OPTIONS } from '../instance/find-gateway.js';
import { type Answer, postJson } from '../instance/post-json.js';
import { JSON_OPTION } from '../json-option.js';

export const infer = defineCommand({
  name: 'infer',
  summary: 'One inference: an image file and an instruction in, a safety-governed action chunk out.',
  usage: ['infer IMAGE "INSTRUCTION" --state A,B,… [options]'],
  options: {
    state: { type: 'list', default: [], help: "the robot's measured state, in the order of the model's inputs" },
    robot_type: { type: 'string', default: 'franka_panda', help: 'what robot it is (sinew robots list)' },
    model: { type: 'string', default: null, help: "policy; not set: the gateway's default" },
    ...GATEWAY_OPTIONS,
    ...pick(SETTINGS, 'data_dir'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    const [file, instruction, ...more] = rest;
    if (file === undefined || instruction === undefined || more.length > 0) {
      throw new UsageError('name one image file and one instruction in quotes', ['sinew infer --help']);
    }
    const state = values.state.map(Number);
    if (!state.every(Number.isFinite)) throw new UsageError('--state must be numbers with commas between them');
    const gateway = findGateway(values);
    const body = {
      ...(values.model === null ? {} : { model: values.model }),
      image: await dataUrl(file),
      instruction,
      robot_config: { type: values.robot_type },
      state,
    };
    const answer = await postJson(gateway, '/v1/inference', body);
    return values.json ? printJson(answer, terminal) : print(answer, terminal);
  },
});

function printJson({ ok, body }: Answer, terminal: Terminal): number {
  terminal.out(JSON.stringify(body));
  return ok ? 0 : 1;
}

function print({ ok, body }: Answer, terminal: Terminal): number {
  if (!ok) throw new Failure(`refused: ${String(body.message ?? body.error)}`);
  const facts = Object.entries({ ...section(body.safety), ...section(body.performance), log_id: body.log_id });
  for (const line of columns(facts.map(([name, value]) => [name, show(value)]))) terminal.out(line);
  const chunk = Array.isArray(body.chunk) ? (body.chunk as unknown[]) : [];
  for (const [i, action] of chunk.entries()) terminal.out(`action ${i}  ${show(action)}`);
  return 0;
}

const section = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

function show(value: unknown): string {
  if (typeof value === 'number') return String(Number(value.toFixed(4)));
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map(show).join(' ');
  return String(value);
}

async function dataUrl(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new Failure(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const header = readImageHeader(bytes);
  if (header === null) throw new Failure(`${file} is not a JPEG, PNG or WebP image`);
  return `data:image/${header.format};base64,${bytes.toString('base64')}`;
}
