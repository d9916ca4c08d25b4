import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * Adds a file with the licences of the libraries that a bundle contains: they ask for it.
 * `inlined`: modules that it contains as text.
 */
export function bundledLicenses(inlined = []) {
  return {
    name: 'bundled-licenses',
    generateBundle(_, bundle) {
      const moduleIds = Object.values(bundle).flatMap((output) => output.moduleIds ?? [])
      const folders = [...moduleIds, ...inlined].map(
        (id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1],
      )
      const texts = [...new Set(folders.filter(Boolean))].sort().map(licenseOf)
      if (texts.length === 0) return
      this.emitFile({
        type: 'asset',
        fileName: 'THIRD-PARTY-LICENSES.txt',
        source: texts.join(`\n${'-'.repeat(80)}\n\n`),
      })
    },
  }
}

function licenseOf(folder) {
  const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
  if (!file) throw new Error(`${name} is bundled, but has no licence to go with it.`)
  return `${name} ${version}\n\n${readFileSync(path.join(folder, file), 'utf8')}`
}
