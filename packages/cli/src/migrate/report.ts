/** Formats the outcome of `portslice migrate` as text and JSON. */
import path from 'node:path'
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import type { Colours } from '../terminal/colours.js'
import { pluralize, sanitize } from '../terminal/format.js'
import { formatJson } from '../terminal/format-json.js'
import { wrapAfter } from '../terminal/wrap.js'
import type { MigratedFile } from './migrate-files.js'
import type { Refusal } from './write-migrated.js'

const MIGRATE_VERSION = 1
/** Lines of the file around a change, as in `git diff`. */
const CONTEXT_LINES = 3
const INDENT = '    '

export interface Outcome {
  files: readonly MigratedFile[]
  /** The files that were written; `undefined` without --write. */
  written?: ReadonlySet<string>
  refused: ReadonlyMap<string, Refusal>
  /** The command that installs missing packages, if any. */
  install?: string
}

const REFUSALS: Record<Refusal, string> = {
  uncommitted: 'it has changes that are not committed',
  'not in git': 'it is not in git',
  'changed meanwhile': 'it has been changed since it was read',
}

function nameOf(file: string): string {
  return path.relative(process.cwd(), file).replaceAll(path.sep, '/')
}

function diffOf({ file, before, code }: MigratedFile): string {
  if (before === code) return ''
  const name = nameOf(file)
  return createTwoFilesPatch(`a/${name}`, `b/${name}`, before, code, undefined, undefined, {
    context: CONTEXT_LINES,
    headerOptions: FILE_HEADERS_ONLY,
  })
}

export function migrateJson({ files, written, refused, install }: Outcome): string {
  return formatJson({
    version: MIGRATE_VERSION,
    written: written !== undefined,
    install: install ?? null,
    files: files.map((each) => ({
      file: nameOf(each.file),
      changes: each.changes,
      written: written?.has(each.file) ?? false,
      refused: refused.get(each.file) ?? null,
      diff: diffOf(each),
      findings: each.findings,
    })),
  })
}

export function migrateText(
  outcome: Outcome,
  { colours, columns }: { colours: Colours; columns: number },
): string {
  const parts = [
    ...outcome.files.map((each) => coloured(diffOf(each), colours)),
    findingsText(outcome.files, colours, columns),
    refusalsText(outcome.refused),
    summary(outcome),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function coloured(diff: string, { red, green, bold, cyan }: Colours): string {
  return diff
    .split('\n')
    .map((line) => {
      if (/^(---|\+\+\+) /.test(line)) return bold(line)
      if (line.startsWith('@@')) return cyan(line)
      if (line.startsWith('-')) return red(line)
      return line.startsWith('+') ? green(line) : line
    })
    .join('\n')
}

function findingsText(
  files: readonly MigratedFile[],
  { bold, dim }: Colours,
  columns: number,
): string {
  const lines = files.flatMap(({ file, findings }) =>
    findings.map(({ line, source, advice }) => {
      const place = bold(`${sanitize(nameOf(file))}:${line}`)
      const code = source === '' ? '' : `  ${dim(sanitize(source))}`
      return `${place}${code}\n${wrapAfter(INDENT, advice, columns)}\n`
    }),
  )
  return lines.length === 0 ? '' : `Left to you:\n\n${lines.join('\n')}`
}

function refusalsText(refused: ReadonlyMap<string, Refusal>): string {
  const lines = [...refused].map(
    ([file, why]) => `${sanitize(nameOf(file))} was not changed: ${REFUSALS[why]}.\n`,
  )
  if (lines.length === 0) return ''
  return `${lines.join('')}Commit first, so that git can restore the old files, or use --force.\n`
}

function summary({ files, written, install }: Outcome): string {
  const changing = files.filter(({ changes }) => changes > 0)
  const places = changing.reduce((sum, { changes }) => sum + changes, 0)
  const listed = files.reduce((sum, { findings }) => sum + findings.length, 0)
  const left = listed === 0 ? '' : ` ${pluralize(listed, 'place')} left to you.`
  if (changing.length === 0) return `Nothing to change.${left}\n`
  const what = `${pluralize(places, 'place')} in ${pluralize(changing.length, 'file')}`
  const lines = [
    written
      ? `Changed ${pluralize(written.size, 'file')} of ${changing.length}.${left}`
      : `Would change ${what}.${left} Nothing was written; --write changes the files.`,
    ...(install ? [`Install what the files import: ${install}`] : []),
  ]
  return lines.map((line) => `${line}\n`).join('')
}
