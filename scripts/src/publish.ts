/**
 * Packs the packages as they were built last, and publishes those whose version the registry does
 * not have: run it again after one that failed half-way. `--dry-run` asks npm for a rehearsal.
 *
 * Each comes after those of ours that it needs, so there is no moment in which it cannot be installed.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { packAll, withDependencies } from 'portslice-test/support/installed'
import { packagesIn } from './packages.ts'

const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } })

function npm(args: readonly string[], stdio: 'inherit' | 'ignore'): boolean {
  return spawnSync('npm', args, { stdio }).status === 0
}

const versions = new Map(packagesIn().map(({ manifest }) => [manifest.name, manifest.version]))
const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-publish-'))
try {
  const packed = await packAll(folder)
  const inOrder = new Set(packed.flatMap(({ name }) => withDependencies(packed, name)))
  for (const { name, file } of inOrder) {
    const published = `${name}@${versions.get(name)}`
    if (npm(['view', published, 'version'], 'ignore')) {
      console.log(`${published} is there already.`)
      continue
    }
    const how = values['dry-run'] ? ['--dry-run'] : ['--provenance']
    if (!npm(['publish', file, '--access=public', ...how], 'inherit')) {
      throw new Error(`${published} was not published; those before it were. Run this again.`)
    }
    console.log(`${published} is published${values['dry-run'] ? ', or would be' : ''}.`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
