/** Text of others on somebody's terminal: one line, nothing that the terminal would obey, cut to fit. */
import { withoutControls } from '@portslice/core/inspect'
import truncated from 'fast-string-truncated-width'
import stringWidth from 'fast-string-width'

/** What turns the direction of text, or takes no room: a label could hide or reverse what it says. */
const INVISIBLE = /[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\n/g

/** A text as it may be shown: control characters and direction marks as escapes of JavaScript. */
export function shown(text: string): string {
  return withoutControls(text).replaceAll(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/** Cuts a text without escapes to so many columns. */
export function fitted(text: string, columns: number): string {
  if (columns <= 0) return ''
  const { index, ellipsed } = truncated(text, { limit: columns, ellipsis: '…' })
  return ellipsed ? `${text.slice(0, index)}…` : text.slice(0, index)
}

/** Fills a text up to so many columns. */
export function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)))
}
