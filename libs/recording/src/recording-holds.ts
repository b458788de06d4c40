import { closeSync, openSync, readSync } from 'node:fs';
import { McapStreamReader } from '@mcap/core';
import { namesInference } from './session-recording.js';

const READ_BYTES = 1_048_576;

/** Whether this inference stands in the recording; one that cannot be read to its end may hold anything, so it does. */
export function recordingHolds(path: string, logId: number): boolean {
  const file = openSync(path, 'r');
  try {
    const reader = new McapStreamReader();
    const topics = new Map<number, string>();
    const piece = new Uint8Array(READ_BYTES);
    for (let got = readSync(file, piece); got > 0; got = readSync(file, piece)) {
      reader.append(piece.slice(0, got));
      for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
        if (record.type === 'Channel') topics.set(record.id, record.topic);
        else if (record.type === 'Message' && namesInference(topics.get(record.channelId) ?? '', record.data, logId)) {
          return true;
        }
      }
      if (reader.done()) return false;
    }
    // Of one that is being written nothing is torn; of one that a crash cut, what it is cannot be told.
    return reader.bytesRemaining() > 0;
  } catch {
    return true;
  } finally {
    closeSync(file);
  }
}
