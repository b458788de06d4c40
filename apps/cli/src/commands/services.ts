import { pathToFileURL } from 'node:url';
import { loadSettings, SETTINGS, settingsEnvironment } from '@sinew/config';
import { type Command, noWords, refuse } from '../command.js';
import { ENTRIES } from '../entries.js';

/** One part on its own, in this process, as production runs it: settings in, signals straight to it. */
function service(name: 'gateway' | 'worker' | 'shipper', summary: string): Command {
  return {
    name,
    summary,
    usage: [`${name} [options]`],
    options: SETTINGS,
    async run(argv, terminal) {
      const { settings, rest, errors } = loadSettings({ argv, env: terminal.env });
      refuse(errors, name);
      noWords(rest, name);
      Object.assign(process.env, settingsEnvironment(settings));
      await import(pathToFileURL(ENTRIES[name]).href);
      return 0;
    },
  };
}

export const gateway = service(
  'gateway',
  'One gateway: robots stream to it. Put any TCP load balancer before several.',
);
export const worker = service(
  'worker',
  'One job worker: what follows after inferences are stored. Start as many as needed.',
);
export const shipper = service('shipper', "Brings one gateway's journal to the database. One beside each gateway.");
