import { type ClaimStatus, sanitize } from '@portslice/core/internal/inspect'
import type { ListedSlice } from './find-owners.js'

export const LIST_VERSION = 1

/** The schema in docs/command.md. Scripts rely on it: only add fields. */
export interface ListDocument {
  version: typeof LIST_VERSION
  /** `null` if portslice uses no files. */
  lockDirectory: string | null
  slices: readonly ListedSlice[]
  claims: readonly ClaimStatus[]
}

export function formatListJson({
  lockDirectory,
  slices,
  claims,
}: Omit<ListDocument, 'version'>): string {
  return formatJson({ version: LIST_VERSION, lockDirectory, slices, claims } satisfies ListDocument)
}

/** Escapes the control characters that `JSON.stringify` leaves, so that it is safe on a terminal. */
export function formatJson(value: unknown): string {
  return `${sanitize(JSON.stringify(value, null, 2))}\n`
}
