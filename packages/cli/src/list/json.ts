/** The schema of `portslice list --json`: see docs/command.md. What is there stays as it is. */
import type { ClaimStatus } from '@portslice/core/internal/inspect'
import { sanitize } from '@portslice/core/internal/inspect'
import type { ListedSlice } from './owner.js'

export const LIST_VERSION = 1

export interface ListDocument {
  version: typeof LIST_VERSION
  /** `null`: without files. */
  lockDirectory: string | null
  slices: readonly ListedSlice[]
  claims: readonly ClaimStatus[]
}

export function listJson({ lockDirectory, slices, claims }: Omit<ListDocument, 'version'>): string {
  return jsonText({ version: LIST_VERSION, lockDirectory, slices, claims } satisfies ListDocument)
}

/** JSON that a terminal obeys nothing of: what `JSON.stringify` leaves is written as JSON's own escapes. */
export function jsonText(value: unknown): string {
  return `${sanitize(JSON.stringify(value, null, 2))}\n`
}
