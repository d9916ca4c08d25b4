import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** Adds the licenses of bundled libraries to `dist`. @param inlined ids of modules that are embedded as strings */
export function bundledLicenses(inlined = []) {
  return {
    name: 'bundled-licenses',
    generateBundle(_, bundle) {
      const moduleIds = Object.values(bundle).flatMap((output) => output.moduleIds ?? [])
      const directories = [...moduleIds, ...inlined].map(
        (id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1],
      )
      const texts = [...new Set(directories.filter(Boolean))].sort().map(readLicense)
      if (texts.length === 0) return
      this.emitFile({
        type: 'asset',
        fileName: 'THIRD-PARTY-LICENSES.txt',
        source: texts.join(`\n${'-'.repeat(80)}\n\n`),
      })
    },
  }
}

function readLicense(directory) {
  const { name, version } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'))
  const file = readdirSync(directory).find((each) => /^licen[cs]e/i.test(each))
  if (!file) throw new Error(`${name} is bundled, but has no license file.`)
  return `${name} ${version}\n\n${readFileSync(path.join(directory, file), 'utf8')}`
}
