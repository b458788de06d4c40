import { SocketHandle } from '../stream/socket-handle.js';

/** RFC 6455: what openpi's server closes with on an error, and with which servers that stop do. */
const INTERNAL_ERROR = 1011;
const GOING_AWAY = 1001;

/** A socket whose client knows only the close codes of RFC 6455, and reads why from a text frame before. */
export class OpenpiSocket extends SocketHandle {
  /** Says what is wrong, and closes. */
  fail(code: string, message: string, nowMs: number): void {
    this.sendText(`${code}: ${message}`, nowMs);
    super.end(INTERNAL_ERROR, `${code}: explained in the frame before`, nowMs);
  }

  override end(code: number, reason: string, nowMs: number): void {
    const known = code === 4503 ? GOING_AWAY : code >= 4000 ? INTERNAL_ERROR : code;
    super.end(known, reason, nowMs);
  }
}
