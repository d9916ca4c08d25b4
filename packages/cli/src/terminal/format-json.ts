import { sanitize } from '@portslice/core/internal/inspect'

/** Escapes the control characters that `JSON.stringify` leaves, so that it is safe on a terminal. */
export function formatJson(value: unknown): string {
  return `${sanitize(JSON.stringify(value, null, 2))}\n`
}
