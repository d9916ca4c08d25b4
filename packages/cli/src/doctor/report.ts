/** The findings for people, and for programs. */
import type { Colours } from '../terminal/colours.js'
import { sanitize } from '../terminal/format.js'
import type { Finding } from './finding.js'

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

export function doctorText(findings: readonly Finding[], colours: Colours): string {
  const marks = {
    ok: colours.green('ok'),
    note: colours.yellow('note'),
    problem: colours.red('PROBLEM'),
  }
  const lines = findings.flatMap(({ level, message, advice }) => [
    `${marks[level]}${' '.repeat(9 - (level === 'ok' ? 2 : level === 'note' ? 4 : 7))}${indented(message)}`,
    ...(advice === undefined ? [] : [`         ${colours.bold('→')} ${indented(advice)}`]),
  ])
  const problems = findings.filter(({ level }) => level === 'problem').length
  lines.push(
    '',
    problems === 0
      ? 'portslice can keep its promise here.'
      : `portslice cannot keep its promise here: ${problems} ${problems === 1 ? 'problem' : 'problems'}.`,
  )
  return lines.map((line) => `${line}\n`).join('')
}

function indented(text: string): string {
  return text.split('\n').map(sanitize).join('\n         ')
}
