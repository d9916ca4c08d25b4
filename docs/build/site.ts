/**
 * Builds the documentation site into .vitepress/dist, or serves it for writing (`serve`). Before
 * that, it writes the pages that are generated from sources.
 */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { faultsOf } from './check-site.ts'
import { writePages } from './examples.ts'

const DOCS = fileURLToPath(new URL('..', import.meta.url))

/** Runs a program of docs/node_modules; if it fails, this process ends with the same status. */
function run(program: string, script: string, ...args: string[]): void {
  const file = path.join(DOCS, 'node_modules', program, 'bin', script)
  const { status } = spawnSync(process.execPath, [file, ...args], { cwd: DOCS, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

// Fails for a public name without a docstring, and for a dead link in a docstring.
run('typedoc', 'typedoc')
writePages()
if (process.argv[2] === 'serve') {
  run('vitepress', 'vitepress.js', 'dev', '.')
} else {
  run('vitepress', 'vitepress.js', 'build', '.')
  const faults = faultsOf(path.join(DOCS, '.vitepress', 'dist'))
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exitCode = 1
}
