/**
 * Finishes what TypeScript has written to `dist`: removes declarations that no entry of the package
 * leads to, and adds a `.d.cts` beside each other one. Run in the package's directory, after tsc.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const RELATIVE_IMPORT = /(['"]\.\.?\/[^'"]+)\.js(['"])/g
const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
const needed = new Set()

function need(file) {
  if (needed.has(file)) return
  needed.add(file)
  for (const [, name] of readFileSync(file, 'utf8').matchAll(RELATIVE_IMPORT)) {
    need(path.join(path.dirname(file), `${name.slice(1)}.d.ts`))
  }
}

for (const target of Object.values(exports)) {
  if (typeof target === 'object') need(path.normalize(target.import.types))
}
for (const name of readdirSync('dist', { recursive: true })) {
  const file = path.join('dist', name)
  if (/\.d\.ts(\.map)?$/.test(file) && !needed.has(file.replace(/\.map$/, ''))) rmSync(file)
}

/** TypeScript reads a `.d.ts` of an ESM package as ESM, which CommonJS cannot `require` everywhere. */
for (const file of needed) {
  const text = readFileSync(file, 'utf8').replaceAll(RELATIVE_IMPORT, '$1.cjs$2')
  const map = JSON.parse(readFileSync(`${file}.map`, 'utf8'))
  const copy = file.replace(/\.d\.ts$/, '.d.cts')
  map.file = path.basename(copy)
  writeFileSync(copy, text.replace(/^(\/\/# sourceMappingURL=).*/m, `$1${map.file}.map`))
  writeFileSync(`${copy}.map`, JSON.stringify(map))
}
