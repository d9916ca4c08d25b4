/**
 * The page of `portslice ui`, and what the server sends to it.
 *
 * @module @portslice/pages/live
 */
export { changeBetween } from './apply.js'
export type { ClaimRow, PortRow, PortState, RangeRow, Row, Rows, SliceRow } from './rows.js'
