/**
 * Packs the built packages, and publishes the versions that the registry does not have yet, so it can
 * be run again after a failure. Dependencies are published first. `--dry-run` publishes nothing.
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
const directory = mkdtempSync(path.join(os.tmpdir(), 'portslice-publish-'))
try {
  const packed = await packAll(directory)
  const inOrder = new Set(packed.flatMap(({ name }) => withDependencies(packed, name)))
  for (const { name, file } of inOrder) {
    const published = `${name}@${versions.get(name)}`
    if (npm(['view', published, 'version'], 'ignore')) {
      console.log(`${published} is published already.`)
      continue
    }
    const how = values['dry-run'] ? ['--dry-run'] : ['--provenance']
    if (!npm(['publish', file, '--access=public', ...how], 'inherit')) {
      throw new Error(
        `${published} was not published, but the packages before it were. Run this again.`,
      )
    }
    console.log(`${published} ${values['dry-run'] ? 'would be' : 'was'} published.`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
