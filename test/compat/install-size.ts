/** Prints how large an install of each package is, next to get-port's and portfinder's; see the README. */
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fromTarballs, npmInstall, packAll, withDependencies } from '../support/installed.ts'

const OTHERS = { 'get-port': '7.2.0', portfinder: '1.0.38' }

/** In bytes, and how many packages: what npm has put into `node_modules`, peers aside. */
function sizeOf(folder: string) {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => !/^\.|[\\/]\.bin[\\/]/.test(name))
  const bytes = files
    .map((name) => lstatSync(path.join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)
  const packages = files.filter((name) => /^(@[^\\/]+[\\/])?[^@\\/]+$/.test(name)).length
  return { bytes, packages }
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-size-'))
try {
  const packed = await packAll(folder)
  const installs: Record<string, Record<string, string>> = {
    ...Object.fromEntries(
      packed.map((each) => [each.name, fromTarballs(withDependencies(packed, each.name))] as const),
    ),
    ...Object.fromEntries(
      Object.entries(OTHERS).map(([name, version]) => [`${name} ${version}`, { [name]: version }]),
    ),
  }
  for (const [name, dependencies] of Object.entries(installs)) {
    const project = path.join(folder, name.replaceAll(/\W/g, '-'))
    await npmInstall(project, dependencies, ['--omit=peer'])
    const { bytes, packages } = sizeOf(path.join(project, 'node_modules'))
    console.log(`${name.padEnd(32)} ${Math.round(bytes / 1000)} kB in ${packages} package(s)`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
