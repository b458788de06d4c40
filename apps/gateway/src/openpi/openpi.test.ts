import { isNdArray } from '@sinew/protocol/openpi';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OpenpiTestClient, openpiObservation } from '../testing/openpi-client.js';
import { moving, scriptedModels } from '../testing/scripted-models.js';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.js';

const QUERY = 'robot_type=franka_panda&workspace=-0.5,-0.5,0,0.5,0.5,0.6';

let server: TestGateway;
const urlOf = (query = QUERY) => `${server.http.replace('http', 'ws')}/v1/openpi?${query}`;
const connect = (query?: string, headers?: Record<string, string>) => OpenpiTestClient.connect(urlOf(query), headers);

describe('a client that says nothing of itself', () => {
  beforeEach(async () => {
    server = await startTestGateway({ models: await scriptedModels({ run: moving(0.02) }) });
  });
  afterEach(() => server.stop());

  test('[O3] metadata is the first frame, unprompted; then one reply an observation with actions and timing', async () => {
    const client = await connect();
    expect(await client.metadata()).toMatchObject({ policy: 'null', robot_type: 'franka_panda', action_horizon: 8 });
    const first = await client.infer(openpiObservation());
    expect(Object.keys(first)).toEqual(['actions', 'policy_timing', 'server_timing']);
    expect(isNdArray(first.actions) && [first.actions.dtype, ...first.actions.shape]).toEqual(['<f4', 8, 7]);
    expect(Object.keys(first.policy_timing ?? {})).toEqual(['infer_ms']);
    expect(Object.keys(first.server_timing ?? {})).toEqual(['infer_ms']);
    const second = await client.infer(openpiObservation());
    expect(Object.keys(second.server_timing ?? {})).toEqual(['infer_ms', 'prev_total_ms']);
    client.close();
  });
});
