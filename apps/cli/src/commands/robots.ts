import { CHECKS, type Limit, type RobotProfile, robotProfile } from '@sinew/control';
import { ACTION_SPACES } from '@sinew/protocol';
import { findRobot, nearestRobots, ROBOTS, type RobotRecord } from '@sinew/robots';
import { columns } from '../columns.js';
import { defineCommand, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { JSON_OPTION } from '../json-option.js';

export const robots = defineCommand({
  name: 'robots',
  summary: 'The robot types that sessions can name: limits, where each is from, and what is checked.',
  usage: ['robots list', 'robots show ROBOT_TYPE_OR_ALIAS'],
  options: JSON_OPTION,
  async run({ json }, rest, terminal) {
    const [action, id, ...more] = rest;
    if (action === 'list' && id === undefined) return list(json, terminal);
    if (action === 'show' && id !== undefined && more.length === 0) return show(id, json, terminal);
    throw new UsageError('say what to do: sinew robots list, or sinew robots show ROBOT_TYPE');
  },
});

function list(json: boolean, terminal: Terminal): number {
  if (json) {
    terminal.out(
      JSON.stringify(
        ROBOTS.map(({ id, aliases, vendor, model, dof, reach_m }) => ({ id, aliases, vendor, model, dof, reach_m })),
      ),
    );
    return 0;
  }
  const rows = ROBOTS.map((robot) => [
    robot.id,
    robot.vendor,
    robot.model,
    String(robot.dof),
    metres(robot.reach_m),
    robot.aliases.join(', '),
  ]);
  const heads = ['robot type', 'vendor', 'model', 'joints', 'reach', 'also'];
  for (const line of columns([heads, ...rows])) terminal.out(line);
  return 0;
}

function show(name: string, json: boolean, terminal: Terminal): number {
  const robot = findRobot(name);
  if (robot === undefined) {
    throw new Failure(`there is no robot type "${name}"`, [
      `the nearest: ${nearestRobots(name).join(', ')}`,
      'sinew robots list shows all',
    ]);
  }
  const profile = robotProfile(robot);
  if (json) terminal.out(JSON.stringify({ ...robot, ...profile }));
  else for (const line of describe(robot, profile)) terminal.out(line);
  return 0;
}

function describe(robot: RobotRecord, profile: RobotProfile): string[] {
  const { geometry, confidence } = robot;
  const facts = [
    ['also', robot.aliases.length === 0 ? '–' : robot.aliases.join(', ')],
    ['vendor', robot.vendor],
    ['model', robot.model],
    ['reach', metres(robot.reach_m)],
    ['payload', robot.payload_kg === null ? '–' : `${robot.payload_kg} kg`],
    ['gripper', robot.gripper === null ? '–' : (robot.gripper.model ?? robot.gripper.kind)],
    ['tool point', geometry === null ? 'unknown: the registry has no geometry' : geometry.tcp],
    ['base frame', geometry?.base_frame ?? '–'],
    [
      'confidence',
      `ranges ${confidence.joint_positions}, speeds ${confidence.joint_velocities ?? 'none'}, reach and payload ${confidence.reach_payload ?? 'none'}`,
    ],
  ];
  return [
    robot.id,
    ...columns(facts),
    '',
    ...toolTable(profile),
    '',
    ...jointTable(robot, profile),
    '',
    ...checkTable(profile),
    '',
    ...(robot.notes === '' ? [] : [robot.notes]),
    ...robot.source.map((source) => `source: ${source}`),
    ...(geometry?.source ?? []).map((source) => `source of the geometry: ${source}`),
  ];
}

/** Values that no record gives carry their origin. */
function toolTable({ limits }: RobotProfile): string[] {
  const names = [
    ['v', 'speed m/s'],
    ['a', 'acceleration m/s²'],
    ['j', 'jerk m/s³'],
    ['w', 'turning rad/s'],
    ['dw', 'rad/s²'],
    ['ddw', 'rad/s³'],
  ] as const;
  const rows = names.map(([key, label]) => [
    label,
    value(limits.reduced.cartesian?.[key]),
    value(limits.full.cartesian?.[key]),
  ]);
  return columns([['tool', 'reduced', 'full'], ...rows]);
}

function jointTable(robot: RobotRecord, { limits }: RobotProfile): string[] {
  const rows = robot.joints.map((joint, i) => {
    const reduced = limits.reduced.joints?.[i];
    const full = limits.full.joints?.[i];
    return [
      joint.name,
      joint.continuous === true ? 'endless' : `${short(joint.lower)} … ${short(joint.upper)}`,
      full === undefined ? short(joint.velocity) : value(full.v),
      full === undefined ? '–' : value(reduced?.v),
      full === undefined ? short(joint.acceleration) : value(full.a),
      full === undefined ? short(joint.jerk) : value(full.j),
      joint.position_based_velocity === undefined ? '' : 'slower near the ends of its range',
    ];
  });
  return columns([['joint', 'range rad', 'rad/s', 'reduced', 'rad/s²', 'rad/s³', ''], ...rows]);
}

function checkTable({ action_spaces: spaces }: RobotProfile): string[] {
  const mark = (applies: boolean): string => (applies ? 'yes' : 'no');
  const rows = CHECKS.map((check) => [
    check,
    ...ACTION_SPACES.map((space) => (spaces[space].refused === null ? mark(spaces[space].checks[check].applies) : '–')),
  ]);
  const reasons = ACTION_SPACES.flatMap((space) => {
    const { refused, checks } = spaces[space];
    if (refused !== null) return [{ space, reason: `refused: ${refused}` }];
    return CHECKS.map((check) => ({ space, reason: `${check}: ${mark(checks[check].applies)}, ${checks[check].why}` }));
  });
  // The three joint spaces mostly say the same.
  const grouped = new Map<string, string[]>();
  for (const { space, reason } of reasons) grouped.set(reason, [...(grouped.get(reason) ?? []), space]);
  return [
    ...columns([['check', ...ACTION_SPACES], ...rows]),
    ...[...grouped].map(([reason, names]) => `${names.join(', ')}: ${reason}`),
  ];
}

function value(limit: Limit | undefined): string {
  if (limit === undefined) return '–';
  return limit.origin === 'record' ? short(limit.value) : `${short(limit.value)} ${limit.origin}`;
}

const metres = (value: number | null): string => (value === null ? '–' : `${value} m`);
const short = (value: number | null): string => (value === null ? '–' : String(Number(value.toFixed(3))));
