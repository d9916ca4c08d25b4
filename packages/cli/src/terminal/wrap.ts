import { stripVTControlCharacters } from 'node:util'
import { wrapAnsi } from 'fast-wrap-ansi'
import { widthOf } from './format.js'

/** If there is less room, the description is below its term. */
const MIN_DESCRIPTION_WIDTH = 24
const INDENT_BELOW = 6

/**
 * Wraps text after a prefix with a hanging indent. Words longer than a line stay whole, so that
 * paths can be copied.
 */
export function wrapAfter(prefix: string, text: string, columns: number): string {
  if (columns === Number.POSITIVE_INFINITY) return prefix + text
  const width = widthOf(stripVTControlCharacters(prefix))
  const indent = '\n'.padEnd(width + 1)
  return prefix + wrapAnsi(text, Math.max(1, columns - width)).replaceAll('\n', indent)
}

/** Wraps help that consists of paragraphs and of terms with descriptions. */
export function wrapHelp(text: string, columns: number): string {
  if (text.split('\n').every((line) => widthOf(line) <= columns)) return text
  return helpParts(text)
    .map((part) => formatPart(part, columns))
    .join('\n')
}

export interface HelpPart {
  /** Empty for a paragraph. */
  term: string
  column: number
  description: string
}

export function helpParts(text: string): HelpPart[] {
  const parts: HelpPart[] = []
  for (const line of text.split('\n')) {
    const previous = parts.at(-1)
    const column = line.search(/\S/)
    const [, term, gap, rest] = /^( {1,4}\S.*?)( {2,})(\S.*)$/.exec(line) ?? []
    if (term && gap && rest) {
      parts.push({ term, column: term.length + gap.length, description: rest })
    } else if (column >= 1 && column <= 4) {
      parts.push({ term: line, column: 0, description: '' })
    } else if (previous && previous.term !== '' && column > 4) {
      previous.column = column
      previous.description = `${previous.description} ${line.trim()}`.trim()
    } else if (previous && previous.term === '' && previous.description !== '' && line !== '') {
      previous.description += ` ${line}`
    } else {
      parts.push({ term: '', column: 0, description: line })
    }
  }
  return parts
}

function formatPart({ term, column, description }: HelpPart, columns: number): string {
  if (term === '') return wrapAfter('', description, columns)
  if (description === '') return wrapAfter('  ', term.trim(), columns)
  const isBeside = column - term.length >= 2 && columns - column >= MIN_DESCRIPTION_WIDTH
  if (isBeside) return wrapAfter(term.padEnd(column), description, columns)
  const below = wrapAfter(' '.repeat(INDENT_BELOW), description, columns)
  return `${wrapAfter('  ', term.trim(), columns)}\n${below}`
}
