import type { ClientBase, Submittable } from 'pg';

/** What the driver's connection has beside what its types say. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

const PIECE_BYTES = 64 * 1_024;

/**
 * Runs `COPY … FROM STDIN` with these bytes. The driver knows the messages but has no query that sends any: this is one. It
 * implements what the client calls of whichever query is running; a COPY calls no more than these.
 */
export function copyIn(client: ClientBase, sql: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    const copy = {
      submit: (connection: unknown) => (connection as CopyConnection).query(sql),
      handleCopyInResponse(connection: CopyConnection): void {
        for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
          connection.sendCopyFromChunk(bytes.subarray(at, at + PIECE_BYTES));
        }
        connection.endCopyFrom();
      },
      handleCommandComplete(): void {},
      /** Refused, or the connection is gone. After a refusal the server says when it is ready again. */
      handleError(error: Error): void {
        failure = error;
        reject(error);
      },
      handleReadyForQuery(): void {
        if (failure === null) resolve();
      },
    };
    client.query(copy satisfies Submittable);
  });
}
