/** The packages that are published. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Package {
  folder: string
  manifest: Manifest
}

export interface Manifest {
  name: string
  version: string
  private?: boolean
  repository: { url: string }
  exports: Record<string, string | { types?: string }>
  dependencies?: Record<string, string>
}

/** @param root of the workspace */
export function packagesIn(root: string = ROOT): Package[] {
  return readdirSync(path.join(root, 'packages'))
    .map((name) => {
      const folder = path.join(root, 'packages', name)
      const manifest = readFileSync(path.join(folder, 'package.json'), 'utf8')
      return { folder, manifest: JSON.parse(manifest) as Manifest }
    })
    .filter(({ manifest }) => !manifest.private)
}
