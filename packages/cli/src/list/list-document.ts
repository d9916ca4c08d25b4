import type { ClaimStatus } from '@portslice/core/internal/inspect'
import { formatJson } from '../terminal/format-json.js'
import type { ListedSlice } from './add-slice-owners.js'

const LIST_VERSION = 1

/** The schema in docs/json.md. Scripts rely on it: only add fields. */
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
