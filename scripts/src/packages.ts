import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Package {
  directory: string
  manifest: Manifest
}

export interface Manifest {
  name: string
  version: string
  private?: boolean
  repository: { url: string }
  exports: Record<string, string | { import: { types: string } }>
  dependencies?: Record<string, string>
}

/** The packages that npm publishes. */
export function publishedPackages(root: string = ROOT): Package[] {
  return readdirSync(path.join(root, 'packages'))
    .map((name) => {
      const directory = path.join(root, 'packages', name)
      const manifest = readFileSync(path.join(directory, 'package.json'), 'utf8')
      return { directory, manifest: JSON.parse(manifest) as Manifest }
    })
    .filter(({ manifest }) => !manifest.private)
}
