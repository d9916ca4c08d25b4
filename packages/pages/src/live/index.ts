/**
 * The data that the server of `portslice ui` sends to its page.
 *
 * @module @portslice/pages/live
 */
export { changeBetween } from './row-changes.js'
export type { ClaimRow, PortRow, PortState, Row, Rows, SliceRow } from './rows.js'
