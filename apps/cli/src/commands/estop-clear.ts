import { SETTINGS } from '@sinew/config';
import { defineCommand, pick } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { findGateway, GATEWAY_OPTIONS } from '../instance/find-gateway.js';
import { postJson } from '../instance/post-json.js';
import { JSON_OPTION } from '../json-option.js';

export const estopClear = defineCommand({
  name: 'estop-clear',
  summary: 'Releases the e-stop of a robot whose own client cannot. Look at the robot first: it may move at once.',
  usage: ['estop-clear ROBOT_ID --reason TEXT --key ADMIN_KEY'],
  options: {
    reason: {
      type: 'string',
      default: null,
      help: 'why it is safe to move again; kept in the journal with who released it',
    },
    ...GATEWAY_OPTIONS,
    ...pick(SETTINGS, 'data_dir'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    const [robotId, ...more] = rest;
    if (robotId === undefined || more.length > 0) throw new UsageError('name one robot', ['sinew estop-clear --help']);
    if (!values.reason?.trim())
      throw new UsageError('--reason: say why it is safe to move again', ['sinew estop-clear --help']);
    const gateway = findGateway(values);
    const path = `/v1/admin/robots/${encodeURIComponent(robotId)}/estop-clear`;
    const { ok, status, body } = await postJson(gateway, path, { reason: values.reason });
    if (!ok) {
      const advice =
        status === 403 ? ['sinew keys create NAME --scopes admin makes a key that may; pass it with --key'] : [];
      throw new Failure(`refused: ${String(body.message ?? body.error)}`, advice);
    }
    if (values.json) terminal.out(JSON.stringify(body));
    else
      terminal.out(body.cleared === true ? `${robotId}: e-stop released` : `${robotId} is not latched on this gateway`);
    return body.cleared === true ? 0 : 1;
  },
});
