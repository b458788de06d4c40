import type { ClientBase, Submittable } from 'pg';

/** The bytes of `COPY … TO STDOUT`. The driver has no query that keeps them: this is one. */
export function copyOut(client: ClientBase, sql: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let failed = false;
    const copy = {
      submit: (connection: unknown) => (connection as { query(text: string): void }).query(sql),
      handleCopyData(message: { readonly chunk: Buffer }): void {
        // The driver reads the next message into the same bytes.
        pieces.push(Buffer.from(message.chunk));
      },
      handleCommandComplete(): void {},
      handleError(error: Error): void {
        failed = true;
        reject(error);
      },
      handleReadyForQuery(): void {
        if (!failed) resolve(Buffer.concat(pieces));
      },
    };
    client.query(copy satisfies Submittable);
  });
}
