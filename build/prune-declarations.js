/** Removes declarations that no entry of the package imports. Run after tsc in the package directory. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
const needed = new Set()

function need(file) {
  if (needed.has(file)) return
  needed.add(file)
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/['"](\.\.?\/[^'"]+)\.js['"]/g)) {
    need(path.join(path.dirname(file), `${name}.d.ts`))
  }
}

for (const { types } of Object.values(exports)) need(path.normalize(types))
for (const name of readdirSync('dist', { recursive: true })) {
  const file = path.join('dist', name)
  if (file.endsWith('.d.ts') && !needed.has(file)) rmSync(file)
}
