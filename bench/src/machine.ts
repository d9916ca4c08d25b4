import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'

/** The load per core above which the page warns. */
const MAX_LOAD_PER_CORE = 0.25

const LIBRARIES = [
  'get-port',
  'portfinder',
  'detect-port',
  'get-port-please',
  'proper-lockfile',
  'vitest',
  '@playwright/test',
]

export interface Machine {
  readonly facts: readonly (readonly [name: string, value: string])[]
  /** Reasons why the figures may be wrong. */
  readonly warnings: readonly string[]
}

/** Call this before the measurements, because it includes the load. */
export function machine(): Machine {
  const [load] = os.loadavg() as [number, number, number]
  const cores = os.availableParallelism()
  const libraries = LIBRARIES.map((name) => `${name} ${versionOf(name)}`)
  return {
    facts: [
      ['when', `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`],
      ['processor', `${os.cpus()[0]?.model.trim() || 'unknown'}, ${cores} cores`],
      ['memory', `${(os.totalmem() / 2 ** 30).toFixed(1)} GiB`],
      ['system', `${os.type()} ${os.release()} ${os.arch()}`],
      ['load at the start', load.toFixed(2)],
      ['Node', process.versions.node],
      ['portslice', versionOf('@portslice/core')],
      ['libraries', libraries.join(', ')],
    ],
    warnings:
      load > MAX_LOAD_PER_CORE * cores
        ? [
            `The machine was busy at the start (load ${load.toFixed(2)} on ${cores} cores): times are too long, and ratios uncertain.`,
          ]
        : [],
  }
}

/** Where the libraries of the bench and of the test projects are installed. */
const MODULES = [
  new URL('../node_modules/', import.meta.url),
  new URL('../node_modules/', import.meta.resolve('portslice-test/support/project')),
]

function versionOf(name: string): string {
  const manifests = MODULES.map((modules) =>
    fileURLToPath(new URL(`${name}/package.json`, modules)),
  )
  const manifest = manifests.find((file) => existsSync(file))
  if (!manifest) throw new Error(`${name} is not installed.`)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
