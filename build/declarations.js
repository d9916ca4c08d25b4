/**
 * Removes declarations from `dist` that no entry of the package imports, and adds a `.d.cts` beside each of the
 * others. Run it after tsc, in the directory of the package.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const RELATIVE_IMPORT = /(['"]\.\.?\/[^'"]+)\.js(['"])/g
const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
const needed = new Set()

/** Marks a declaration as needed, and all declarations that it imports. */
function markNeeded(file) {
  if (needed.has(file)) return
  needed.add(file)
  for (const [, name] of readFileSync(file, 'utf8').matchAll(RELATIVE_IMPORT)) {
    markNeeded(path.join(path.dirname(file), `${name.slice(1)}.d.ts`))
  }
}

for (const target of Object.values(exports)) {
  if (typeof target === 'object') markNeeded(path.normalize(target.import.types))
}
for (const name of readdirSync('dist', { recursive: true })) {
  const file = path.join('dist', name)
  if (/\.d\.ts(\.map)?$/.test(file) && !needed.has(file.replace(/\.map$/, ''))) rmSync(file)
}

// In an ESM package, TypeScript reads a `.d.ts` as ESM, which it does not let every CommonJS file `require`.
for (const file of needed) {
  const text = readFileSync(file, 'utf8').replaceAll(RELATIVE_IMPORT, '$1.cjs$2')
  const map = JSON.parse(readFileSync(`${file}.map`, 'utf8'))
  const copy = file.replace(/\.d\.ts$/, '.d.cts')
  map.file = path.basename(copy)
  writeFileSync(copy, text.replace(/^(\/\/# sourceMappingURL=).*/m, `$1${map.file}.map`))
  writeFileSync(`${copy}.map`, JSON.stringify(map))
}
