/** Does what Getting Started and the README say, to the letter: writes each file, runs each command. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodePackage, npmInstall, packAll } from '../support/installed.ts'
import { type Step, sectionsOf } from '../support/page-steps.ts'
import { run } from '../support/process.ts'
import { Registry } from '../support/registry.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'

const START = sectionsOf('docs/getting-started.md')
const README = sectionsOf('README.md')

interface Variant {
  installer: 'npm' | 'pnpm' | 'yarn'
  /** As `npm init -y` leaves it, which is CommonJS. */
  isCommonJs?: boolean
  /** The version of Node; default: the workspace's. */
  node?: string
  /** Versions to install in place of the newest. */
  versions?: Record<string, string>
}

const OLDEST = { vitest: '3.2.0', '@playwright/test': '1.50.0' }
const VARIANTS: Record<string, Variant> = {
  npm: { installer: 'npm' },
  ...(TEST_ALL && {
    pnpm: { installer: 'pnpm' },
    yarn: { installer: 'yarn' },
    CommonJS: { installer: 'npm', isCommonJs: true },
    'the oldest runners': { installer: 'npm', versions: OLDEST },
    'Node 20': { installer: 'npm', node: '20.19.0', versions: { vitest: '4' } },
    'Node 24': { installer: 'npm', node: '24.0.0' },
  }),
}

/** What the last command of a section prints on success. */
const PRINTS: Record<string, RegExp> = {
  vitest: /Tests +2 passed/,
  Playwright: /\d passed/,
  'Another test runner': /pass 1\b/,
  'Any other program': /\d/,
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-getting-started-'))
const bin = path.join(folder, 'bin')
let registry: Registry

beforeAll(async () => {
  registry = await Registry.start(await packAll(folder))
  mkdirSync(bin)
  program('pnpm', 'exec npx --yes pnpm@12 "$@"')
  const yarn = createRequire(import.meta.url).resolve('yarn/bin/yarn.js')
  program('yarn', `exec node "${yarn}" "$@"`)
}, 120_000)

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}, 120_000)

function program(name: string, script: string): void {
  writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(path.join(bin, name), 0o755)
}

/** The directory of a Node of this version, from its npm package. */
async function nodeOf(version: string): Promise<string> {
  const tools = path.join(folder, `node-${version}`)
  await npmInstall(tools, { node: nodePackage(version) })
  return path.join(tools, 'node_modules', 'node', 'bin')
}

/** What the page says about projects without `"type": "module"`. */
const [, ESM_NAME = '', CJS_NAME = ''] =
  /a `\.js` file is CommonJS\. Call\n`([\w.]+)` `([\w.]+)`/.exec(
    readFileSync(new URL('../../docs/getting-started.md', import.meta.url), 'utf8'),
  ) ?? []

/** Follows the steps in an empty directory, and returns the output of the last command. */
async function follow(name: string, steps: readonly Step[], variant: Variant): Promise<string> {
  const { installer, isCommonJs = false, node, versions = {} } = variant
  const project = path.join(folder, name.replaceAll(/\W+/g, '-').toLowerCase())
  mkdirSync(project)
  writeFileSync(path.join(project, '.npmrc'), `registry=${registry.url}\n`)
  const nodeFolder = node === undefined ? path.dirname(process.execPath) : await nodeOf(node)
  const env = {
    PATH: [bin, nodeFolder, process.env.PATH].join(path.delimiter),
    PORTSLICE_LOCK_DIR: path.join(project, 'locks'),
    // The cache of the user may have other packages with these names and versions.
    YARN_CACHE_FOLDER: path.join(folder, 'yarn-cache'),
    NO_COLOR: '1',
  }
  const adapted = (text: string) => (isCommonJs ? text.replaceAll(ESM_NAME, CJS_NAME) : text)
  let printed = ''
  for (const step of steps) {
    if ('file' in step) {
      writeFileSync(path.join(project, adapted(step.file)), adapted(step.text))
    } else if ((step.installer ?? installer) === installer) {
      const { stdout } = await run(['sh', '-ec', pinned(step.commands, versions)], {
        cwd: project,
        env,
      })
      printed = stdout
    }
  }
  return printed
}

/** The commands, with the versions of a variant where they install something. */
function pinned(commands: string, versions: Readonly<Record<string, string>>): string {
  if (!/ -D /.test(commands)) return commands
  return Object.entries(versions).reduce(
    (text, [name, version]) => text.replace(` ${name} `, ` ${name}@${version} `),
    commands,
  )
}

/** The commands that make an empty project, of which the last makes it ESM. */
function emptyProject(isCommonJs: boolean): Step[] {
  const [init] = START.get('') as [{ commands: string }]
  const commands = init.commands.trim().split('\n')
  expect(commands).toEqual(['npm init -y', 'npm pkg set type=module'])
  return [{ commands: isCommonJs ? 'npm init -y\nnpm pkg set type=commonjs' : init.commands }]
}

describe.each(Object.entries(VARIANTS))('Getting Started, with %s', (name, variant) => {
  test.each(firstOf(Object.entries(PRINTS)))('%s', async (section, prints) => {
    const steps = START.get(section) as Step[]
    const all = [...emptyProject(variant.isCommonJs ?? false), ...steps]
    expect(await follow(`${name} ${section}`, all, variant)).toMatch(prints)
  })
})

test.each(firstOf(['Playwright', 'vitest']))('the README, %s', async (section) => {
  // The server is shown once, for both.
  const server = (README.get('vitest') as Step[]).filter(
    (step) => 'file' in step && step.file === 'server.js',
  )
  const steps = [...emptyProject(false), ...server, ...(README.get(section) as Step[])]
  expect(await follow(`README ${section}`, steps, { installer: 'npm' })).toMatch(
    section === 'vitest' ? /Tests +1 passed/ : /1 passed/,
  )
})

test('each section with commands is followed, and the page says what differs in CommonJS', () => {
  const withCommands = [...START].filter(([, steps]) => steps.some((step) => 'commands' in step))
  expect(withCommands.map(([heading]) => heading)).toEqual(['', ...Object.keys(PRINTS)])
  expect([ESM_NAME, CJS_NAME]).toEqual(['server.js', 'server.mjs'])
})
