/** Finds banned phrases in sources and docs. Part of `pnpm run lint`. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Exception, findPhrases } from './find-phrases.ts'
import { ROOT } from './packages.ts'

/** Pathspecs of git. */
const AREAS = [
  '.',
  ':!*.lock',
  ':!*/CHANGELOG.md',
  // These contain banned phrases on purpose.
  ':!scripts/src/banned-phrases.ts',
  ':!scripts/src/find-phrases.test.ts',
  ':!scripts/src/lint-phrases.ts',
]

const EXCEPTIONS: readonly Exception[] = [
  { file: 'examples/database/README.md', text: 'user `nobody`', reason: 'the name of a user' },
]

const names = execFileSync('git', ['ls-files', '-z', '--', ...AREAS], {
  cwd: ROOT,
  encoding: 'utf8',
})
const files = names
  .split('\0')
  .filter(Boolean)
  .map((file) => ({ file, text: readFileSync(path.join(ROOT, file), 'utf8') }))
const findings = findPhrases(files, EXCEPTIONS)
for (const finding of findings) console.error(finding)
if (findings.length > 0) process.exitCode = 1
else console.log(`No banned phrases in ${files.length} files.`)
