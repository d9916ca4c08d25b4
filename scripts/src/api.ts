/**
 * Writes reports of the public API and of the command's help to `api/`, so that reviews show changes. Also writes
 * the manual page of the command. `--check` writes nothing, and fails if a report is out of date. Build first.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createApiReports, type Entry } from './api-report.ts'
import { createCommandReport } from './command-help.ts'
import { createManPage } from './man-page.ts'
import { publishedPackages, ROOT } from './packages.ts'

const REPORTS = path.join(ROOT, 'api')

function entries(): Entry[] {
  return publishedPackages().flatMap(({ directory, manifest }) =>
    Object.entries(manifest.exports).flatMap(([entry, target]) => {
      if (typeof target === 'string' || entry.startsWith('./internal')) return []
      const name = [path.basename(directory), ...(entry === '.' ? [] : [entry.slice(2)])].join('.')
      return [{ name, directory, declarations: path.join(directory, target.import.types) }]
    }),
  )
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })

const temporary = mkdtempSync(path.join(os.tmpdir(), 'portslice-api-'))
/** The text of each file, by path relative to `api/`. */
let wanted: Map<string, string>
try {
  const all = entries()
  const reports = createApiReports(all, temporary)
  wanted = new Map([
    ...all.map(({ name }, i) => [`${name}.api.md`, reports[i] as string] as const),
    ['cli.help.md', createCommandReport(path.join(ROOT, 'packages/cli'))] as const,
    ['../packages/cli/man/portslice.1', createManPage(path.join(ROOT, 'packages/cli'))] as const,
  ])
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

mkdirSync(REPORTS, { recursive: true })
const present = readdirSync(REPORTS)
const stale = present.filter((file) => !wanted.has(file))
const changed = [...wanted].filter(([file, text]) => {
  const known = path.join(REPORTS, file)
  // Git may check files out with CRLF on Windows.
  return !existsSync(known) || readFileSync(known, 'utf8').replaceAll('\r\n', '\n') !== text
})
const different = [...changed.map(([file]) => file), ...stale].map((file) =>
  path.posix.join('api', file),
)
if (!values.check) {
  for (const [file, text] of changed) writeFileSync(path.join(REPORTS, file), text)
  for (const file of stale) rmSync(path.join(REPORTS, file))
  console.log(different.length > 0 ? `Changed: ${different.join(', ')}` : 'Nothing has changed.')
} else if (different.length > 0) {
  console.error(
    `These reports of the public API are out of date: ${different.join(', ')}.\n` +
      'If the change is intended, run `npx --yes pnpm@12 run api` and commit the result.',
  )
  process.exitCode = 1
}
