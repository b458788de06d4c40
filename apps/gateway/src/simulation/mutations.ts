import type { JournalWriter } from '@sinew/journal';
import type { PolicyInput, Requester, Scheduler } from '@sinew/policy';
import { decodeServerFrame, encodeServerMessage, type ServerMessage } from '@sinew/protocol';
import type { Rule } from './rules.js';

/** The product, broken on purpose in one place: a checker that does not find it is worth nothing. */
export interface Mutation {
  readonly name: string;
  /** One of these must be what finds it. */
  readonly foundBy: readonly Rule[];
  readonly journal?: (journal: JournalWriter) => JournalWriter;
  readonly scheduler?: (scheduler: Scheduler) => Scheduler;
  /** What leaves, instead of what the gateway sends; undefined: as it is. */
  readonly frame?: (message: ServerMessage, nowMs: number) => ServerMessage | undefined;
  /** Bytes of a file that are lost when a process is killed. */
  readonly forgetsWrites?: true;
  /** A timer that nobody clears when the gateway drains. */
  readonly leavesTimer?: true;
}

/** Calls go to `target`, but for those in `over`. */
function instead<T extends object>(target: T, over: Partial<Record<keyof T, unknown>>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const value = name in over ? over[name as keyof T] : Reflect.get(target, name, target);
      return typeof value === 'function' && !(name in over) ? value.bind(target) : value;
    },
  });
}

const everySecondTick =
  (change: (message: ServerMessage) => ServerMessage) =>
  (message: ServerMessage): ServerMessage | undefined =>
    (message.type === 'action' || message.type === 'hold') && message.seq % 8 === 7 ? change(message) : undefined;

const values = (message: ServerMessage, change: (values: Float64Array) => void): ServerMessage => {
  if (message.type !== 'action' && message.type !== 'hold') return message;
  const changed = Float64Array.from(message.values);
  change(changed);
  return { ...message, values: changed };
};

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'an action leaves before its record is written',
    foundBy: ['J1'],
    journal: (journal) =>
      instead(journal, {
        append: (record: Parameters<JournalWriter['append']>[0], onWritten?: () => void) => {
          journal.append(record);
          onWritten?.();
        },
      }),
  },
  {
    name: 'log ids are given out twice',
    foundBy: ['J1', 'J2', 'J5'],
    journal: (journal) => {
      let last = 0;
      return instead(journal, {
        nextLogId: () => {
          last = last !== 0 && last % 3 === 0 ? last : journal.nextLogId();
          return last;
        },
      });
    },
  },
  {
    name: 'an e-stop is forgotten with its session',
    foundBy: ['S11'],
    journal: (journal) => instead(journal, { latched: () => false }),
  },
  {
    name: 'what was written is lost with the process',
    foundBy: ['J1'],
    forgetsWrites: true,
  },
  {
    name: 'an old observation is inferred from again',
    foundBy: ['S5', 'S6'],
    scheduler: (scheduler) => {
      const kept = new Map<Requester, PolicyInput>();
      return instead(scheduler, {
        enqueue: (requester: Requester) => {
          const take = requester.take.bind(requester);
          requester.take = (nowMs) => {
            const input = take(nowMs);
            const old = kept.get(requester);
            if (input === null || (old !== undefined && nowMs - (old.receivedAtMs ?? 0) > 600)) return old ?? input;
            if (old === undefined) kept.set(requester, { ...input, images: copied(input) });
            return input;
          };
          scheduler.enqueue(requester);
        },
      });
    },
  },
  {
    name: 'a session has two requests in flight',
    foundBy: ['Q3'],
    scheduler: (scheduler) =>
      instead(scheduler, {
        enqueue: (requester: Requester) => {
          scheduler.enqueue(instead(requester, {}));
        },
      }),
  },
  {
    name: 'a tick is sent twice',
    foundBy: ['S2'],
    frame: everySecondTick((message) => ('seq' in message ? { ...message, seq: message.seq - 1 } : message)),
  },
  {
    name: 'a step leaves the envelope',
    foundBy: ['K3'],
    frame: everySecondTick((message) =>
      values(message, (v) => {
        v[0] = 0.2;
      }),
    ),
  },
  {
    name: 'a number that is none is sent',
    foundBy: ['K1', 'W1'],
    frame: everySecondTick((message) =>
      values(message, (v) => {
        v[3] = Number.NaN;
      }),
    ),
  },
  {
    name: 'the robot is led out of its workspace',
    foundBy: ['K2'],
    frame: (message) =>
      message.type === 'opened' && 'workspace' in message.robot
        ? { ...message, robot: { ...message.robot, workspace: { min: [-0.2, -0.2, 0.2], max: [0.2, 0.2, 0.4] } } }
        : undefined,
  },
  {
    name: 'a hold of an e-stop moves on',
    foundBy: ['K6'],
    frame: (message) =>
      message.type === 'hold' && message.reason === 'estop'
        ? values(message, (v) => {
            v[1] = 1e-4;
          })
        : undefined,
  },
  {
    name: 'an e-stop is not what a hold says',
    foundBy: ['S12'],
    frame: (message) =>
      message.type === 'hold' && message.reason === 'estop' ? { ...message, reason: 'starved' } : undefined,
  },
  {
    name: 'holds are sent as actions of the last chunk',
    foundBy: ['S6', 'K6', 'S7'],
    frame: lastActionAgain(),
  },
  {
    name: 'an old token is good for ever',
    foundBy: ['S7'],
    frame: (message) => (message.type === 'opened' ? { ...message, epoch: 1 } : undefined),
  },
  {
    name: 'a drained gateway leaves a timer',
    foundBy: ['S10'],
    leavesTimer: true,
  },
];

function copied({ images }: PolicyInput): PolicyInput['images'] {
  return Object.fromEntries(
    Object.entries(images).map(([name, image]) => [name, { ...image, data: image.data.slice() }]),
  );
}

function lastActionAgain(): (message: ServerMessage) => ServerMessage | undefined {
  let last: Extract<ServerMessage, { type: 'action' }> | null = null;
  return (message) => {
    if (message.type === 'action') last = message;
    if (message.type !== 'hold' || last === null) return undefined;
    return { ...last, seq: message.seq, values: message.values };
  };
}

/** What leaves in place of a frame. */
export function mutated({ frame }: Mutation, bytes: Uint8Array, nowMs: number): Uint8Array {
  if (frame === undefined) return bytes;
  const decoded = decodeServerFrame(bytes);
  const changed = decoded.ok ? frame(decoded.message, nowMs) : undefined;
  return changed === undefined ? bytes : encodeServerMessage(changed).slice();
}
