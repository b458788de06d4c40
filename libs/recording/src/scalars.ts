import { TIMESTAMP } from './foxglove.js';
import { type MessageType, message } from './message-type.js';

/**
 * Named numbers at a time, a field each, so that a plot finds them by name without knowing us: `sinew.<name>`. Names that protobuf
 * does not take are made so that it does (`joint 1` is `joint_1`), and stay apart.
 */
export function scalars(name: string, names: readonly string[]): MessageType {
  const used = new Set(['timestamp']);
  const fields = names.map((wanted, i) => {
    const plain = wanted.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?![A-Za-z])/, 'v');
    const free = used.has(plain) ? `${plain}_${i}` : plain;
    used.add(free);
    return { name: free, number: i + 2, type: 'double' as const };
  });
  return message('sinew', name, `sinew/${name}.proto`, [{ name: 'timestamp', number: 1, type: TIMESTAMP }, ...fields]);
}

/** The numbers in the order of the names that the type was made of; what is missing is left out. */
export function scalarValues(type: MessageType, values: ArrayLike<number>): Record<string, number> {
  const named: Record<string, number> = {};
  for (const [i, field] of type.fields.slice(1).entries()) {
    const value = values[i];
    if (value !== undefined) named[field.name] = value;
  }
  return named;
}
