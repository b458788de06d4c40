/** Where a policy runs that this process only talks to. */
export type RemoteModel = KserveModel | OpenpiModel;

interface Servers {
  /** Equal servers of one model; empty where the manifest leaves them to the setting `remote_urls`. */
  readonly urls: readonly string[];
  /** Requests in flight a server, each on a connection of its own. */
  readonly connections: number;
}

export interface KserveModel extends Servers {
  readonly backend: 'kserve';
  readonly model: string;
  /** Absent: the server's choice. */
  readonly version?: string | undefined;
}

/** A key of an observation map, or the keys on the way to it. */
export type Key = string | readonly string[];

export interface OpenpiModel extends Servers {
  readonly backend: 'openpi';
  readonly keys: {
    /** By camera name. */
    readonly cameras: Readonly<Record<string, Key>>;
    /** The whole state under one key, or some entries of it under each of several. */
    readonly state: Key | readonly StatePart[];
    readonly prompt: Key;
  };
  /** What goes along with every observation, as it stands: a dialect's `{"endpoint": "infer"}`. */
  readonly constants: Readonly<Record<string, string | number | boolean>>;
}

export interface StatePart {
  readonly key: Key;
  /** Indices of the state. */
  readonly entries: readonly number[];
}

export const PROTOCOLS = { kserve: ['http:', 'https:'], openpi: ['ws:', 'wss:'] } as const;
