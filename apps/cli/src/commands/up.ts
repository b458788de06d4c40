import { join } from 'node:path';
import { contradictions, demoKeyPath, misspeltVariables, SETTINGS, type Settings } from '@sinew/config';
import type { RobotStatus } from '@sinew/simulator';
import { defineCommand, noWords, refuse, type Terminal } from '../command.js';
import { ENTRIES } from '../entries.js';
import { JSON_OPTION } from '../json-option.js';
import { systemClock } from '../supervisor/clock.js';
import { Narrator, PlainView, QuietView, TableView, type View } from '../up/console-view.js';
import { type Addresses, Instance } from '../up/instance.js';
import { LogFiles } from '../up/log-files.js';
import { awaitPredecessor, checkPort, takeDataDir } from '../up/preflight.js';
import { prepareDatabase } from '../up/prepare-database.js';
import { Screen } from '../up/screen.js';
import { listenForStop } from '../up/stop-signals.js';

export const up = defineCommand({
  name: 'up',
  summary: 'Runs everything on this machine: database, gateway, worker, shipper and simulated robots, supervised.',
  usage: ['up [options]'],
  options: { ...SETTINGS, ...JSON_OPTION },
  async run({ json, ...settings }, rest, terminal) {
    refuse(contradictions(settings), 'up');
    noWords(rest, 'up');
    for (const { message } of misspeltVariables(terminal.env)) terminal.err(`sinew: ${message}`);

    const lock = takeDataDir(settings.data_dir, 'sinew up');
    try {
      await awaitPredecessor(settings.data_dir, settings.host, settings.port);
      await checkPort(settings.host, settings.port);
      return await supervise(settings, json, terminal);
    } finally {
      lock.release();
    }
  },
});

async function supervise(settings: Settings, json: boolean, terminal: Terminal): Promise<number> {
  const now = (): number => systemClock.now();
  const logs = new LogFiles(join(settings.data_dir, 'logs'));
  const view = chooseView(json, terminal, now);
  const narrator = new Narrator((text) => view.message(text), now);
  const instance = new Instance({
    settings,
    apiKey: terminal.env.SINEW_API_KEY ?? null,
    clock: systemClock,
    entries: ENTRIES,
    prepare: (url) =>
      prepareDatabase(url, { dataDir: settings.data_dir, embedded: settings.database_url === null }, (text) =>
        view.message(text),
      ),
    report: (process, event) => {
      if (event.type === 'log') logs.append(process, event.text);
      if (event.type === 'line' && event.line.event === 'robots') view.robots(event.line.robots as RobotStatus[]);
      narrator.hear(process, event);
    },
  });
  const signals = listenForStop(() => {
    instance.kill();
    process.exit(130);
  });
  try {
    const started = now();
    const ready = await Promise.race([instance.start(), signals.requested]);
    if (ready !== undefined) {
      announce(ready, { settings, json, terminal, view, seconds: (now() - started) / 1000 });
      if (settings.sim && ready.apiKey !== null) instance.startRobots();
      await signals.requested;
    }
    view.message('stopping …');
    await instance.stop();
    view.message('stopped');
    return 0;
  } finally {
    await instance.stop();
    signals.dispose();
    view.close();
    logs.close();
  }
}

interface Announcement {
  readonly settings: Settings;
  readonly json: boolean;
  readonly terminal: Terminal;
  readonly view: View;
  readonly seconds: number;
}

function announce(ready: Addresses, { settings, json, terminal, view, seconds }: Announcement): void {
  if (json) {
    const { apiKey, http, openpi, ws } = ready;
    terminal.out(JSON.stringify({ event: 'ready', http, ws, ...(openpi === null ? {} : { openpi }), api_key: apiKey }));
    return;
  }
  view.message(`ready in ${seconds.toFixed(1)} s: ${ready.http} (robots: ${ready.ws})`);
  if (ready.openpi !== null) view.message(`openpi clients: ${ready.openpi}`);
  if (ready.apiKey !== null && settings.database_url === null)
    view.message(`API key: ${demoKeyPath(settings.data_dir)}`);
  if (!settings.sim) return;
  if (ready.apiKey !== null) view.message(`${settings.robots} simulated robots are coming; Ctrl-C stops everything`);
  else view.message('no simulated robots: they need a key. sinew keys create NAME, then set SINEW_API_KEY');
}

function chooseView(json: boolean, terminal: Terminal, now: () => number): View {
  if (json) return new QuietView((line) => terminal.err(line));
  if (!terminal.isTty) return new PlainView((line) => terminal.out(line), now);
  return new TableView(new Screen(process.stdout), 'Ctrl-C stops everything');
}
