import { sanitize as escapeControls, hostInUrl } from '@portslice/core/internal/inspect'
import stringWidth from 'fast-string-width'

/** Invisible characters and direction marks, which could hide or reverse a text. */
const INVISIBLE = /[\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u17b4\u17b5\u3164\uffa0]|\n/gu

/** Escapes control characters and invisible characters, so that text of other processes is safe to print. */
export function sanitize(text: string): string {
  return escapeControls(text).replaceAll(INVISIBLE, (character) => {
    const code = (character.codePointAt(0) as number).toString(16)
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
  })
}

/** Needs no library, which compiles large regular expressions at its first call. */
const ASCII = /^[ -~]*$/

export function widthOf(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text)
}

/** Cuts text without escape sequences between grapheme clusters. */
export function truncate(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  if (columns <= 0) return ''
  let [cut, width] = ['', 0]
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += widthOf(segment)
    if (width >= columns) break // Leaves the last column for the ellipsis.
    cut += segment
  }
  return `${cut}…`
}

export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)))
}

/** `1 port`, `2 ports` */
export function pluralize(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** `a, b, and 3 more` */
export function listNames(names: readonly string[], max: number): string {
  const more = names.length - max
  return [...names.slice(0, max), ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}

/** The URL of a web server on the port. */
export function urlOf(port: number, host = 'localhost'): string {
  return `http://${hostInUrl(host)}:${port}`
}
