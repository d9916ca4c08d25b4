/** The findings for people, and for programs. */
import type { Colours } from '../terminal/colours.js'
import { sanitize } from '../terminal/format.js'
import { wrapAfter } from '../terminal/wrap.js'
import type { Finding } from './finding.js'

/** As wide as the longest mark, with two spaces. */
const INDENT = '         '

/** The schema of `portslice doctor --json`: see docs/command.md. What is there stays as it is. */
export interface DoctorDocument {
  version: 1
  /** Whether the promise can be kept here: no finding is a problem. */
  ok: boolean
  findings: readonly Finding[]
}

export function doctorDocument(findings: readonly Finding[]): DoctorDocument {
  return { version: 1, ok: isHealthy(findings), findings }
}

export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'problem')
}

/** @param columns of a line; infinite for a pipe */
export function doctorText(
  findings: readonly Finding[],
  colours: Colours,
  columns: number = Number.POSITIVE_INFINITY,
): string {
  const marks = {
    ok: colours.green('ok'),
    note: colours.yellow('note'),
    problem: colours.red('PROBLEM'),
  }
  const paragraph = (prefix: string, text: string) =>
    text
      .split('\n')
      .map((line, at) => wrapAfter(at === 0 ? prefix : INDENT, sanitize(line), columns))
  const lines = findings.flatMap(({ level, message, advice }) => [
    ...paragraph(marks[level] + INDENT.slice(level === 'problem' ? 7 : level.length), message),
    ...(advice === undefined ? [] : paragraph(`${INDENT}${colours.bold('→')} `, advice)),
  ])
  const problems = findings.filter(({ level }) => level === 'problem').length
  const summary =
    problems === 0
      ? 'portslice can keep its promise here.'
      : `portslice cannot keep its promise here: ${problems} ${problems === 1 ? 'problem' : 'problems'}.`
  lines.push('', wrapAfter('', summary, columns))
  return lines.map((line) => `${line}\n`).join('')
}
