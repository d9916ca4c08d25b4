import { type Runtime, runtime } from '@portslice/core/internal/inspect'
import type { Colours } from '../terminal/colours.js'
import { pluralize, sanitize } from '../terminal/format.js'
import { wrapAfter } from '../terminal/wrap.js'
import type { Finding } from './finding.js'

/** As wide as `PROBLEM` and two spaces. */
const INDENT = '         '

/** The schema in docs/json.md. Scripts rely on it: only add fields. */
export interface DoctorDocument {
  version: 1
  ok: boolean
  /** The JavaScript runtime of the command. */
  runtime: Runtime
  findings: readonly Finding[]
}

export function doctorDocument(findings: readonly Finding[]): DoctorDocument {
  return { version: 1, ok: isHealthy(findings), runtime: runtime(), findings }
}

export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'problem')
}

export function doctorText(
  findings: readonly Finding[],
  colours: Colours,
  columns: number = Number.POSITIVE_INFINITY,
): string {
  const levels = {
    ok: colours.green('ok'),
    note: colours.yellow('note'),
    problem: colours.red('PROBLEM'),
  }
  const paragraph = (prefix: string, text: string) =>
    text
      .split('\n')
      .map((line, index) => wrapAfter(index === 0 ? prefix : INDENT, sanitize(line), columns))
  const lines = findings.flatMap(({ level, message, advice }) => [
    ...paragraph(levels[level] + INDENT.slice(level === 'problem' ? 7 : level.length), message),
    ...(advice === undefined ? [] : paragraph(`${INDENT}${colours.bold('→')} `, advice)),
  ])
  const problems = findings.filter(({ level }) => level === 'problem').length
  const summary =
    problems === 0
      ? 'portslice works here.'
      : `portslice cannot keep ports unique here: ${pluralize(problems, 'problem')}.`
  lines.push('', wrapAfter('', summary, columns))
  return lines.map((line) => `${line}\n`).join('')
}
