import { BEARER_SUBPROTOCOL_PREFIX, SUBPROTOCOL } from './vocabulary.js';

/** Versions this side speaks, highest first; W1. */
const KNOWN: readonly string[] = [SUBPROTOCOL];

export interface Negotiated {
  /** The subprotocol to answer with; null when none was offered, which means v1 without an answer. */
  subprotocol: string | null;
  /** The API key offered as `bearer.<key>` (W2); null when none was. */
  key: string | null;
}

/**
 * Reads a `Sec-WebSocket-Protocol` header: the highest known version wins, none offered is v1.
 * A bearer entry alone offers no version.
 * @returns null when only unknown versions are offered (answer 400).
 */
export function negotiateSubprotocol(header: string): Negotiated | null {
  const offers = header
    .split(',')
    .map((offer) => offer.trim())
    .filter((offer) => offer !== '');
  const versions = offers.filter((offer) => !offer.startsWith(BEARER_SUBPROTOCOL_PREFIX));
  const bearer = offers.find((offer) => offer.startsWith(BEARER_SUBPROTOCOL_PREFIX));
  const subprotocol = KNOWN.find((known) => versions.includes(known)) ?? null;
  if (subprotocol === null && versions.length > 0) return null;
  return { subprotocol, key: bearer === undefined ? null : bearer.slice(BEARER_SUBPROTOCOL_PREFIX.length) };
}
