import type { HoldReason } from '@sinew/protocol';
import type { SocketHandle } from '../stream/socket-handle.js';

/** S1. `opening` is a connection that has no session yet (stream/connection.ts). */
export type SessionState =
  | { readonly kind: 'active'; readonly socket: SocketHandle }
  | { readonly kind: 'held'; readonly socket: SocketHandle; readonly reason: HoldReason }
  | { readonly kind: 'detached'; readonly sinceMs: number }
  | { readonly kind: 'closed'; readonly reason: CloseReason };

export type CloseReason =
  | 'client'
  | 'drained'
  | 'resume_window_expired'
  | 'rate_limited'
  | 'key_revoked'
  | 'internal'
  | 'server_stopped';
