import { type ClaimStatus, sanitize } from '@portslice/core/internal/inspect'
import type { ListedSlice } from './add-slice-owners.js'

export const LIST_VERSION = 1

/** The schema in docs/command.md. Scripts rely on it: only add fields. */
export interface ListDocument {
  version: typeof LIST_VERSION
  /** `null` if portslice uses no files. */
  lockDirectory: string | null
  /** The other host whose ports these are, if `$PORTSLICE_HOST` is set. */
  host?: string
  slices: readonly ListedSlice[]
  claims: readonly ClaimStatus[]
}

export function formatListJson(document: Omit<ListDocument, 'version'>): string {
  return formatJson({ version: LIST_VERSION, ...document } satisfies ListDocument)
}

/** Escapes the control characters that `JSON.stringify` leaves, so that it is safe on a terminal. */
export function formatJson(value: unknown): string {
  return `${sanitize(JSON.stringify(value, null, 2))}\n`
}
