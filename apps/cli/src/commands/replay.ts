import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS } from '@sinew/config';
import { readJournal } from '@sinew/journal';
import { BLENDS, SMOOTHINGS } from '@sinew/protocol';
import { JournalReplay, type OtherSettings, ReplayError, type ReplayedTick, type SessionReport } from '@sinew/replay';
import { findRobot } from '@sinew/robots';
import { defineCommand, pick, type Terminal } from '../command.js';
import { Failure, UsageError } from '../failure.js';
import { journalFolder } from '../instance/shipped.js';
import { JSON_OPTION } from '../json-option.js';
import { axesOf } from '../replay/axes.js';
import { plainTick } from '../replay/plain-tick.js';
import { reportLines } from '../replay/report-lines.js';
import { plot } from '../replay/tick-plot.js';
import { tableHead, tableLines } from '../replay/tick-table.js';

const LIMITS = ['v', 'a', 'j', 'w', 'dw', 'ddw', 'joint_scale'] as const;

export const replay = defineCommand({
  name: 'replay',
  summary:
    'Feeds recorded sessions through timeline, smoothing and governor again: tick by tick what was proposed, blended, smoothed\n' +
    'and sent, and whether every number is the recorded one bit for bit (exit code 1 where not). Also while the gateway runs.\n' +
    'With other settings it shows what they would have changed, had the robot been seen where it was.',
  usage: ['replay [JOURNAL_FOLDER | SESSION] [--session ID] [options]'],
  options: {
    session: { type: 'string', default: null, help: 'only this session, or the request_id of a REST request' },
    from: { type: 'integer', default: null, min: 0, max: 2 ** 53 - 1, help: 'show ticks from this one on' },
    to: { type: 'integer', default: null, min: 0, max: 2 ** 53 - 1, help: 'and up to this one' },
    svg: { type: 'string', default: null, help: "plot one session's ticks into this file" },
    blend: { type: 'choice', default: null, choices: BLENDS, help: 'in place of the recorded one' },
    smoothing: { type: 'choice', default: null, choices: SMOOTHINGS, help: 'in place of the recorded one' },
    execute: {
      type: 'integer',
      default: null,
      min: 1,
      max: 1000,
      help: 'a longer horizon: chunks that it would not have asked for are left out (none can be added)',
    },
    mode: {
      type: 'choice',
      default: null,
      choices: ['reduced', 'full'],
      help: 'safety mode in place of the recorded one',
    },
    limits: { type: 'list', default: [], help: `tighter limits: ${LIMITS.join(', ')}, as in v=0.1,w=1` },
    ...pick(SETTINGS, 'data_dir'),
    ...JSON_OPTION,
  },
  async run(values, rest, terminal) {
    if (rest.length > 1) throw new UsageError(`sinew replay takes no "${rest[1]}"`, ['sinew replay --help']);
    const other = otherSettings(values);
    const { dir, session } = placeOf(rest[0], values.session, values.data_dir);
    const { from, to } = values;
    const shown = ({ n }: ReplayedTick): boolean => n >= (from ?? 0) && n <= (to ?? Number.POSITIVE_INFINITY);
    const found = await replayFolder(dir, session, other, shown, terminal);
    const { faults, reports } = found;
    if (reports.length === 0) {
      throw new Failure(session === null ? `${dir} holds no session` : `${dir} holds nothing of ${session}`);
    }
    const only = reports.length === 1 ? (reports[0] ?? null) : null;
    const changed = Object.keys(other).length > 0;
    const incomplete = reports.some(({ report }) => report.incomplete !== null);
    const identical = !incomplete && reports.every(({ report }) => report.differing === 0);
    if (values.svg !== null) {
      if (only === null) {
        throw new UsageError(`--svg plots one session; ${dir} holds ${reports.length}`, ['name one with --session']);
      }
      const { session_id, robot_id, robot_type } = only.report;
      writeFileSync(values.svg, plot(`${session_id}  ${robot_id} (${robot_type})`, only.axes, only.ticks));
    }
    if (values.json) {
      const sessions = reports.map(({ report }) => report);
      const ticks = only === null ? {} : { ticks: only.ticks.map(plainTick) };
      terminal.out(JSON.stringify({ journal: dir, changed, identical, faults, sessions, ...ticks }));
    } else {
      if (only !== null) {
        terminal.out(tableHead(only.axes));
        for (const tick of only.ticks) for (const line of tableLines(tick)) terminal.out(line);
        terminal.out('');
      }
      for (const { report } of reports) for (const line of reportLines(report, changed)) terminal.out(line);
    }
    return incomplete || (!changed && !identical) ? 1 : 0;
  },
});

interface Shown {
  readonly report: SessionReport;
  readonly axes: { name: string; unit: string }[];
  readonly ticks: ReplayedTick[];
}

async function replayFolder(
  dir: string,
  session: string | null,
  other: OtherSettings,
  shown: (tick: ReplayedTick) => boolean,
  terminal: Terminal,
): Promise<{ reports: Shown[]; faults: number }> {
  const ticks = new Map<SessionReport, ReplayedTick[]>();
  // Ticks are shown of one session alone; of many they would only fill the memory.
  const several = (): boolean => session === null && ticks.size > 1;
  const engine = new JournalReplay({
    session,
    other,
    onTick: (report, tick) => {
      const kept = ticks.get(report) ?? [];
      if (kept.length === 0) ticks.set(report, kept);
      if (several()) for (const list of ticks.values()) list.length = 0;
      else if (shown(tick)) kept.push(tick);
    },
  });
  let faults = 0;
  const onFault = ({
    reason,
    segment,
    offset,
    last,
  }: {
    reason: string;
    segment: number;
    offset: number;
    last: boolean;
  }) => {
    // The end of the newest segment is where a gateway that runs is writing.
    if (last && reason === 'torn') return;
    faults++;
    terminal.err(`sinew: the journal is damaged (${reason}) in segment ${segment} at byte ${offset}`);
  };
  try {
    for await (const { record } of readJournal({ dir, onFault })) engine.add(record);
  } catch (error) {
    if (error instanceof ReplayError) throw new Failure(`these settings cannot be had: ${error.message}`);
    throw error;
  }
  const reports = engine.reports.map((report) => {
    const dof = findRobot(report.robot_type)?.dof ?? null;
    return { report, axes: axesOf(report.action_space, report.dim, dof), ticks: ticks.get(report) ?? [] };
  });
  return { reports, faults };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The word may name a journal's folder, a data folder that holds one, or a session. */
function placeOf(
  word: string | undefined,
  session: string | null,
  dataDir: string,
): { dir: string; session: string | null } {
  const own = journalFolder(dataDir);
  if (word === undefined) return { dir: existing(own), session };
  if (existsSync(word) && statSync(word).isDirectory()) {
    const inside = join(word, 'journal');
    return { dir: existing(!holdsSegments(word) && existsSync(inside) ? inside : word), session };
  }
  if (!UUID.test(word)) throw new Failure(`${word} is neither a folder nor the id of a session`);
  if (session !== null && session !== word) throw new UsageError(`two sessions: ${word} and --session ${session}`);
  return { dir: existing(own), session: word };
}

const holdsSegments = (dir: string): boolean => readdirSync(dir).some((name) => name.endsWith('.journal'));

function existing(dir: string): string {
  if (existsSync(dir) && holdsSegments(dir)) return dir;
  throw new Failure(`${dir} holds no journal`, ['npm start writes one; --data-dir names another folder']);
}

function otherSettings(values: {
  readonly blend: OtherSettings['blend'] | null;
  readonly smoothing: OtherSettings['smoothing'] | null;
  readonly execute: number | null;
  readonly mode: 'reduced' | 'full' | null;
  readonly limits: readonly string[];
}): OtherSettings {
  const { blend, execute, mode, smoothing } = values;
  const limits = Object.fromEntries(values.limits.map(limit));
  return {
    ...(blend === null || blend === undefined ? {} : { blend }),
    ...(smoothing === null || smoothing === undefined ? {} : { smoothing }),
    ...(execute === null ? {} : { execute }),
    ...(mode === null ? {} : { mode }),
    ...(values.limits.length === 0 ? {} : { limits }),
  };
}

function limit(text: string): [string, number] {
  const [name = '', value] = text.split('=');
  const number = Number(value);
  if (!LIMITS.some((known) => known === name) || value === undefined || value === '' || !(number > 0)) {
    throw new UsageError(`--limits: "${text}" is not NAME=NUMBER with a NAME of ${LIMITS.join(', ')}`);
  }
  return [name, number];
}
