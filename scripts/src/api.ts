/**
 * Writes what users can import into `api/`, one file for each entry of each package, and what the
 * command says of itself, so that a change of the public face is seen in a review. `--check` writes nothing, and fails where a file
 * is not what it would write. Reads the declarations in `dist/`: build first.
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
import { type Entry, reportsOf } from './api-report.ts'
import { commandReport } from './command-report.ts'
import { packagesIn, ROOT } from './packages.ts'

const REPORTS = path.join(ROOT, 'api')

function entries(): Entry[] {
  return packagesIn().flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports).flatMap(([entry, target]) => {
      if (typeof target === 'string' || !target.types || entry.startsWith('./internal')) return []
      const name = [path.basename(folder), ...(entry === '.' ? [] : [entry.slice(2)])].join('.')
      return [{ name, folder, declarations: path.join(folder, target.types) }]
    }),
  )
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })

const temporary = mkdtempSync(path.join(os.tmpdir(), 'portslice-api-'))
let wanted: Map<string, string>
try {
  const all = entries()
  const reports = reportsOf(all, temporary)
  wanted = new Map([
    ...all.map(({ name }, i) => [`${name}.api.md`, reports[i] as string] as const),
    ['cli.help.md', commandReport(path.join(ROOT, 'packages/cli'))] as const,
  ])
} finally {
  rmSync(temporary, { recursive: true, force: true })
}

mkdirSync(REPORTS, { recursive: true })
const there = readdirSync(REPORTS)
const stale = there.filter((file) => !wanted.has(file))
const changed = [...wanted].filter(([file, text]) => {
  const known = path.join(REPORTS, file)
  // Windows may have checked it out with ends of lines of its own.
  return !existsSync(known) || readFileSync(known, 'utf8').replaceAll('\r\n', '\n') !== text
})
const different = [...changed.map(([file]) => file), ...stale].map((file) => `api/${file}`)
if (!values.check) {
  for (const [file, text] of changed) writeFileSync(path.join(REPORTS, file), text)
  for (const file of stale) rmSync(path.join(REPORTS, file))
  console.log(different.length > 0 ? `Changed: ${different.join(', ')}` : 'Nothing has changed.')
} else if (different.length > 0) {
  console.error(
    `The public face of the packages is not what is written in ${different.join(', ')}.\n` +
      'If the change is meant, run `npx --yes pnpm@12 run api`, and commit what it writes.',
  )
  process.exitCode = 1
}
