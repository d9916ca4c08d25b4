import { createHash } from 'node:crypto'

/**
 * The first of the two keys of an advisory lock; the second is the port. Not negative, because
 * `pg_locks` shows keys as unsigned. Two hosts with the same key would only exclude each other.
 */
export function lockClass(kind: 'slices' | 'ports', host: string): number {
  const digest = createHash('sha256').update(`portslice ${kind} ${host}`).digest()
  return digest.readUInt32BE(0) >>> 1
}
