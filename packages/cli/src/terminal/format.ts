/** Text of other processes on a terminal: one line without control characters, cut to fit. */
import { sanitize as escapeControls } from '@portslice/core/internal/inspect'
import stringWidth from 'fast-string-width'

/** What turns the direction of text, or takes no room: a label could hide or reverse what it says. */
const INVISIBLE = /[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\n/g

/** A text as it may be shown: control characters and direction marks as escapes of JavaScript. */
export function sanitize(text: string): string {
  return escapeControls(text).replaceAll(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Plain letters are counted; for all others the library compiles expressions of some size first. */
const ASCII = /^[ -~]*$/

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text)
}

/** Cuts a text without escapes to so many columns, between what readers take for characters. */
export function truncate(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  if (columns <= 0) return ''
  let [cut, width] = ['', 0]
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += widthOf(segment)
    if (width >= columns) break // The last column is for the sign that something is missing.
    cut += segment
  }
  return `${cut}…`
}

/** Fills a text up to so many columns. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)))
}
