import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** Lines that wait for a reader who does not read; beyond it they are dropped: a log is not worth a late action. */
const MAX_WAITING_BYTES = 1024 * 1024;

export interface LogDestination {
  write(line: string): void;
}

/**
 * Standard error that never blocks the process and never keeps it from ending. Not pino's own destination: that one tries
 * for ever to flush into a broken pipe at exit, so that a child whose supervisor was killed stayed behind as an orphan; and
 * a plain write blocks while a supervisor that was stopped (Ctrl-Z) leaves the pipe full.
 */
export function stderrDestination(fd = 2): LogDestination {
  const kind = fstatSync(fd);
  if (!kind.isFIFO() && !kind.isSocket()) {
    return { write: (line) => void writeSync(fd, line) };
  }
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.unref();
  // Nobody reads any more: whoever started this process is gone, and the process hears of that elsewhere.
  socket.on('error', () => undefined);
  let dropped = 0;
  return {
    write(line) {
      if (socket.destroyed) return;
      if (socket.writableLength >= MAX_WAITING_BYTES) {
        dropped++;
        return;
      }
      if (dropped > 0)
        socket.write(`{"level":40,"time":${Date.now()},"msg":"${dropped} log lines dropped: nobody read"}\n`);
      dropped = 0;
      socket.write(line);
    },
  };
}
