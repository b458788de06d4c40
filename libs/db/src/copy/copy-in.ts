import { setImmediate as turn } from 'node:timers/promises';
import type { ClientBase, Submittable } from 'pg';

/** What the driver's connection has beside what its types say. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  sendCopyFail(message: string): void;
  endCopyFrom(): void;
}

/**
 * Runs `COPY … FROM STDIN` with these pieces, each made while the server reads those before it; a piece may be used again once the
 * next one is asked for. Where making one throws, the COPY is called off, and what was thrown is what this rejects with: the
 * transaction has failed by then. The driver knows the messages but has no query that sends any: this is one. It implements what
 * the client calls of whichever query is running; a COPY calls no more than these.
 */
export function copyIn(client: ClientBase, sql: string, pieces: Iterable<Buffer>): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    const copy = {
      submit: (connection: unknown) => (connection as CopyConnection).query(sql),
      handleCopyInResponse(connection: CopyConnection): void {
        send(connection, pieces, () => failure !== null).catch((error: Error) => {
          failure = error;
          connection.sendCopyFail('called off');
        });
      },
      handleCommandComplete(): void {},
      /** Refused, or the connection is gone. After a refusal the server says when it is ready again. */
      handleError(error: Error): void {
        failure ??= error;
        reject(failure);
      },
      handleReadyForQuery(): void {
        if (failure === null) resolve();
      },
    };
    client.query(copy satisfies Submittable);
  });
}

async function send(connection: CopyConnection, pieces: Iterable<Buffer>, failed: () => boolean): Promise<void> {
  for (const piece of pieces) {
    if (failed()) return;
    // The driver copies it.
    connection.sendCopyFromChunk(piece);
    await turn();
  }
  if (!failed()) connection.endCopyFrom();
}
