import { findRobot, nearestRobots, ROBOTS, type RobotRecord } from '@sinew/robots';
import { columns } from '../columns.js';
import { defineCommand, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { JSON_OPTION } from '../json-option.js';

export const robots = defineCommand({
  name: 'robots',
  summary: 'The robot types that sessions can name, with their hardware limits.',
  usage: ['robots list', 'robots show ROBOT_TYPE'],
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
      JSON.stringify(ROBOTS.map(({ id, vendor, model, dof, reach_m }) => ({ id, vendor, model, dof, reach_m }))),
    );
    return 0;
  }
  const rows = ROBOTS.map((robot) => [robot.id, robot.vendor, robot.model, String(robot.dof), metres(robot.reach_m)]);
  for (const line of columns([['robot type', 'vendor', 'model', 'joints', 'reach'], ...rows])) terminal.out(line);
  return 0;
}

function show(id: string, json: boolean, terminal: Terminal): number {
  const robot = findRobot(id);
  if (robot === undefined) {
    throw new Failure(`there is no robot type "${id}"`, [
      `the nearest: ${nearestRobots(id).join(', ')}`,
      'sinew robots list shows all',
    ]);
  }
  if (json) terminal.out(JSON.stringify(robot));
  else for (const line of describe(robot)) terminal.out(line);
  return 0;
}

function describe(robot: RobotRecord): string[] {
  const facts = [
    ['vendor', robot.vendor],
    ['model', robot.model],
    ['reach', metres(robot.reach_m)],
    ['payload', robot.payload_kg === null ? '–' : `${robot.payload_kg} kg`],
    ['tool speed', robot.tcp_speed_m_s === null ? '–' : `${robot.tcp_speed_m_s} m/s`],
    ['gripper', robot.gripper === null ? '–' : (robot.gripper.model ?? robot.gripper.kind)],
  ];
  const joints = robot.joints.map((joint) => [
    joint.name,
    joint.continuous === true ? 'endless' : `${radians(joint.lower)} … ${radians(joint.upper)}`,
    radians(joint.velocity),
    radians(joint.acceleration),
    radians(joint.jerk),
  ]);
  return [
    robot.id,
    ...columns(facts),
    '',
    ...columns([['joint', 'range rad', 'rad/s', 'rad/s²', 'rad/s³'], ...joints]),
    '',
    ...(robot.notes === '' ? [] : [robot.notes]),
    ...robot.source.map((source) => `source: ${source}`),
  ];
}

const metres = (value: number | null): string => (value === null ? '–' : `${value} m`);
const radians = (value: number | null): string => (value === null ? '–' : String(Number(value.toFixed(3))));
