/** The packages as users install them: what is in the tarballs, with which installers and which types they work. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  fromTarballs,
  npmInstall,
  type PackedPackage,
  packAll,
  withDependencies,
} from '../support/installed.ts'
import { run } from '../support/process.ts'
import { firstOf } from '../support/test-all.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PACKAGES = [
  '@portslice/core',
  '@portslice/postgres',
  '@portslice/redis',
  '@portslice/app-server',
  '@portslice/vitest-plugin',
  '@portslice/playwright-fixture',
  'portslice',
]

const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-packages-'))
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }), 120_000)

let packed: PackedPackage[]
beforeAll(async () => {
  packed = await packAll(folder)
}, 120_000)

function packageNamed(name: string): PackedPackage {
  return packed.find((each) => each.name === name) as PackedPackage
}

/** A published `package.json`. */
async function manifestOf(name: string): Promise<Manifest> {
  return JSON.parse(await textIn(packageNamed(name).file, 'package.json')) as Manifest
}

interface Manifest {
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  engines: { node: string }
  version: string
}

const EVERYWHERE = ['LICENSE', 'README.md', 'package.json']
const LIBRARIES = PACKAGES.filter((name) => name !== 'portslice')
/** Declarations and their source maps. */
const DECLARATION = /^dist\/.+\.d\.c?ts(\.map)?$/
const SOURCE = /^src\/.+\.ts$/

/** The built files of a library's entries, without declarations. */
function bothForms(...entries: string[]): string[] {
  return entries.flatMap((entry) => [`dist/${entry}.js`, `dist/${entry}.cjs`])
}

const unpacked = new Map<string, Promise<string>>()

/** Reads a file of a tarball, which is unpacked only once. */
async function textIn(tarball: string, file: string): Promise<string> {
  if (!unpacked.has(tarball)) unpacked.set(tarball, unpack(tarball))
  return readFileSync(path.join((await unpacked.get(tarball)) as string, file), 'utf8')
}

async function unpack(tarball: string): Promise<string> {
  const to = mkdtempSync(path.join(folder, 'unpacked-'))
  await promisify(execFile)('tar', ['-xzf', tarball, '-C', to])
  return path.join(to, 'package')
}

describe('the tarballs', () => {
  test.each([
    [
      '@portslice/core',
      [
        ...bothForms(
          'coordinator',
          'index',
          'internal',
          'internal/errors',
          'internal/inspect',
          'net',
        ),
        'dist/THIRD-PARTY-LICENSES.txt',
        'dist/chunk-*.cjs',
        'dist/chunk-*.js',
      ],
    ],
    ['@portslice/postgres', bothForms('index')],
    [
      '@portslice/redis',
      [...bothForms('index', 'renewal-worker'), 'dist/chunk-*.cjs', 'dist/chunk-*.js'],
    ],
    ['@portslice/app-server', [...bothForms('index'), 'dist/THIRD-PARTY-LICENSES.txt']],
    [
      '@portslice/vitest-plugin',
      [
        ...bothForms('index', 'test', 'global-setup', 'reporter'),
        'dist/THIRD-PARTY-LICENSES.txt',
        'dist/chunk-*.cjs',
        'dist/chunk-*.js',
        'dist/setup.js',
      ],
    ],
    [
      '@portslice/playwright-fixture',
      [
        ...bothForms('index', 'reporter'),
        'dist/THIRD-PARTY-LICENSES.txt',
        'dist/chunk-*.cjs',
        'dist/chunk-*.js',
      ],
    ],
  ])('of %s holds nothing but what users need', (name, files) => {
    const found = packageNamed(name)
      .contents.filter((file) => !DECLARATION.test(file) && !SOURCE.test(file))
      .map((file) => file.replace(/^(dist\/chunk-)[\w-]+/, '$1*'))
    expect([...new Set(found)].toSorted()).toEqual([...EVERYWHERE, ...files].toSorted())
  })

  test.each(LIBRARIES)('of %s leads from each declaration to its source', async (name) => {
    const { contents, file } = packageNamed(name)
    expect(contents.filter((each) => /\.test(-support)?\.ts$/.test(each))).toEqual([])
    const declarations = contents.filter((each) => /^dist\/.+\.d\.c?ts$/.test(each))
    expect(declarations.length).toBeGreaterThan(0)
    for (const declaration of declarations) {
      const map = JSON.parse(await textIn(file, `${declaration}.map`)) as { sources: string[] }
      expect(map.sources).toHaveLength(1)
      for (const source of map.sources) {
        expect(contents).toContain(path.posix.join(path.posix.dirname(declaration), source))
      }
      const text = await textIn(file, declaration)
      expect(text).toContain(`//# sourceMappingURL=${path.posix.basename(declaration)}.map`)
    }
  })

  test.each(PACKAGES)('of %s has a README that links to the docs', async (name) => {
    const readme = await textIn(packageNamed(name).file, 'README.md')
    const linked = [...readme.matchAll(/portslice\/blob\/main\/(docs\/[\w-]+\.md)(#[\w-]+)?/g)]
    expect(linked.length).toBeGreaterThan(1)
    for (const [, page = '', anchor] of linked) {
      const headings = readFileSync(path.join(ROOT, page), 'utf8').match(/^#+ .+/gm) ?? []
      const anchors = headings.map((each) =>
        each.replace(/^#+ /, '#').toLowerCase().replaceAll(' ', '-'),
      )
      if (anchor !== undefined) expect(anchors).toContain(anchor)
    }
  })

  test('name the licenses of what they contain', async () => {
    const { file } = packageNamed('@portslice/app-server')
    const text = await textIn(file, 'dist/THIRD-PARTY-LICENSES.txt')
    expect(text).toMatch(/^cross-spawn \d/m)
  })

  test.each(PACKAGES)('of %s has declarations that lead nowhere outside of it', async (name) => {
    const { contents, file } = packageNamed(name)
    for (const each of contents.filter((name) => /\.d\.c?ts$/.test(name))) {
      const text = await textIn(file, each)
      const found = [...text.matchAll(/['"](\.\.?\/[^'"]+)\.(c?)js['"]/g)]
      for (const [, to, form] of found) {
        // A declaration of one form leads to declarations of the same form.
        expect(form).toBe(each.endsWith('.d.cts') ? 'c' : '')
        expect(contents).toContain(path.join(path.dirname(each), `${to}.d.${form}ts`))
      }
    }
  })

  test.each(PACKAGES)('of %s: publint finds nothing', async (name) => {
    const tarball = new Uint8Array(readFileSync(packageNamed(name).file)).buffer
    const manifest = await manifestOf(name)
    const { messages } = await publint({ pack: { tarball }, strict: true })
    expect(messages.map((message) => formatMessage(message, manifest as never))).toEqual([])
  })

  test.concurrent.each(firstOf(PACKAGES))(
    'of %s: are-the-types-wrong finds nothing',
    async (name) => {
      const attw = createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json')
      const args = [packageNamed(name).file, '--no-color', '--no-emoji']
      await run([process.execPath, path.join(attw, '../dist/index.js'), ...args], { cwd: folder })
    },
  )

  test.each(PACKAGES)(
    'of %s: no scripts that run at an install, no dependencies but each other and a database client',
    async (name) => {
      const { scripts = {}, dependencies = {} } = await manifestOf(name)
      expect(Object.keys(scripts).filter((each) => /install|prepare/.test(each))).toEqual([])
      const clients = { '@portslice/postgres': 'pg', '@portslice/redis': '@redis/client' }
      const allowed = [...PACKAGES, clients[name as keyof typeof clients]]
      expect(Object.keys(dependencies).filter((each) => !allowed.includes(each))).toEqual([])
    },
  )

  test('declare the versions that docs/compatibility.md lists as tested', async () => {
    const page = readFileSync(path.join(ROOT, 'docs/compatibility.md'), 'utf8')
    const vitest = (await manifestOf('@portslice/vitest-plugin')).peerDependencies?.vitest ?? ''
    const playwright = (await manifestOf('@portslice/playwright-fixture')).peerDependencies
    for (const claimed of vitest.split(' || ')) {
      const oldest = claimed.slice(1).split('.')
      expect(page).toMatch(
        new RegExp(`^\\| ${[oldest[0], oldest[1] ?? 0, 0].join('\\.')} \\|`, 'm'),
      )
    }
    const oldest = playwright?.['@playwright/test']?.slice(1) ?? ''
    expect(page).toMatch(new RegExp(`^\\| ${oldest.replace('.', '\\.')}\\.0 \\|`, 'm'))
    for (const name of PACKAGES) {
      const { node } = (await manifestOf(name)).engines
      for (const claimed of node.split(' || ')) {
        const [major, minor = 0] = claimed.replace(/^\D+/, '').split('.')
        expect(page).toContain(`Node ${major}.${minor}.0`)
      }
    }
  })
})

/** The first example of Getting Started. */
const HELLO = /^```ts\n\/\/ hello\.test\.ts\n([\s\S]*?)^```$/m.exec(
  readFileSync(path.join(ROOT, 'docs/getting-started.md'), 'utf8'),
)?.[1] as string

const NODE_24 = path.dirname(process.execPath)
const bin = (name: string, file: string) =>
  path.join(path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), file)

/** Each in an empty project. The overrides stand for a registry that has the packages. */
const INSTALLERS: Record<
  string,
  {
    files(tarballs: Record<string, string>): Record<string, string>
    install: [string, ...string[]]
    run: [string, ...string[]]
  }
> = {
  npm: {
    files: () => ({}),
    install: ['npm', 'install', '--no-audit', '--prefer-offline'],
    run: ['npx', '--no-install', 'vitest', 'run'],
  },
  pnpm: {
    files: (tarballs) => ({
      'pnpm-workspace.yaml': `overrides: ${JSON.stringify(tarballs)}\n`,
    }),
    install: ['npx', '--yes', 'pnpm@12', 'install', '--prefer-offline'],
    run: ['npx', '--yes', 'pnpm@12', 'exec', 'vitest', 'run'],
  },
  'yarn classic': {
    files: () => ({}),
    install: [process.execPath, bin('yarn', 'bin/yarn.js'), 'install', '--no-lockfile'],
    run: [process.execPath, bin('yarn', 'bin/yarn.js'), '-s', 'vitest', 'run'],
  },
  'yarn with Plug’n’Play': {
    files: () => ({ '.yarnrc.yml': 'enableTelemetry: false\nenableGlobalCache: true\n' }),
    install: [process.execPath, bin('@yarnpkg/cli-dist', 'bin/yarn.js'), 'install'],
    run: [process.execPath, bin('@yarnpkg/cli-dist', 'bin/yarn.js'), 'vitest', 'run'],
  },
}

test.concurrent.each(firstOf(Object.keys(INSTALLERS)))(
  'installed with %s into an empty project, the first example of Getting Started runs',
  async (installer) => {
    const { files, install, run: runTests } = INSTALLERS[installer] as (typeof INSTALLERS)[string]
    const project = path.join(folder, installer.replaceAll(/\W/g, '-'))
    const tarballs = fromTarballs(withDependencies(packed, '@portslice/vitest-plugin'))
    write(project, {
      'package.json': JSON.stringify({
        private: true,
        type: 'module',
        devDependencies: {
          '@portslice/vitest-plugin': tarballs['@portslice/vitest-plugin'],
          ...(installer === 'npm' && tarballs),
          // vitest's peer, which yarn leaves to the user.
          vite: '8.3.8',
          vitest: '5.1.1',
        },
        resolutions: tarballs,
      }),
      'hello.test.ts': HELLO,
      // An empty one: it is a project of its own.
      'yarn.lock': '',
      ...files(tarballs),
    })
    const env = {
      // Yarn would take an earlier tarball of the same name and version from the user's cache.
      YARN_CACHE_FOLDER: path.join(folder, 'yarn-cache'),
      PATH: `${NODE_24}${path.delimiter}${process.env.PATH}`,
      PORTSLICE_LOCK_DIR: path.join(project, 'locks'),
      YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
      NO_COLOR: '1',
    }
    await run(install, { cwd: project, env })
    const { stdout } = await run(runTests, { cwd: project, env })
    expect(stdout).toMatch(/Tests {2}1 passed/)
  },
)

function write(project: string, files: Record<string, string>): void {
  mkdirSync(project, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(project, name), text)
}

describe('the types', () => {
  const project = path.join(folder, 'types')

  /** As a user would write it, with a mistake that only right types find. */
  const USE = `
    const port: number = await takePort({ label: 'api' })
    // @ts-expect-error: a port is a number
    const text: string = await takePort()
    const lease: PortLease = await (await createAllocator({ range: [20000, 29999] })).take()
    const found: boolean = (await lease.release()).leaked
    // @ts-expect-error: no such option
    await createAllocator({ rnage: [1, 2] })
    const error: PortsliceError = new PortsliceError('ERR_PORTSLICE_CLOSED', 'a', { advice: 'b' })
    const server: import('node:net').Server = createServer()
    export { error, found, port, server, text }`

  const FILES = {
    'module.mts': `
      import { createAllocator, type PortLease, PortsliceError, takePort } from '@portslice/core'
      import { createServer } from '@portslice/core/net'
      import { sharedAllocator } from '@portslice/core/internal'
      export { sharedAllocator }
      ${USE}`,
    'vitest.mts': `
      import portslice from '@portslice/vitest-plugin'
      import setup from '@portslice/vitest-plugin/global-setup'
      import { it, portFixtures, test } from '@portslice/vitest-plugin/test'
      import { defineConfig } from 'vitest/config'
      export default defineConfig({ plugins: [portslice({ onLeak: 'fail' })] })
      test('a', async ({ port, takePort }) => { const all: number[] = [port, await takePort()]; return void all })
      // @ts-expect-error: a port is a number
      it('b', ({ port }) => { const text: string = port; return void text })
      export { portFixtures, setup }`,
    'playwright.mts': `
      import { mergeTests, test as base } from '@playwright/test'
      import { expect, namedPort, portFixtures, test } from '@portslice/playwright-fixture'
      const both = mergeTests(base, test)
      both('a', async ({ port, page }) => { await page.goto(String(port)); expect(port).toBe(1) })
      // @ts-expect-error: a port is a number
      both('b', async ({ workerPort }) => { const text: string = workerPort; return void text })
      export const web: number = await namedPort('web')
      export { portFixtures }`,
    'required.cts': `
      import { createAllocator, type PortLease, PortsliceError, takePort } from '@portslice/core'
      import net = require('@portslice/core/net')
      const { createServer } = net
      export async function use() { ${USE.replace(/export .*/, 'return { error, found, port, server, text }')} }`,
    'vitest.cts': `
      import portslice from '@portslice/vitest-plugin'
      import setup from '@portslice/vitest-plugin/global-setup'
      import { it, portFixtures } from '@portslice/vitest-plugin/test'
      // @ts-expect-error: no such option
      portslice({ rnage: [1, 2] })
      // @ts-expect-error: a port is a number
      it('b', ({ port }) => { const text: string = port; return void text })
      export { portFixtures, setup }`,
    'playwright.cts': `
      import { defineConfig, namedPort, test } from '@portslice/playwright-fixture'
      // @ts-expect-error: a port is a number
      test('b', async ({ workerPort }) => { const text: string = workerPort; return void text })
      // @ts-expect-error: no such option
      defineConfig({ use: { app: { comand: 'node server.js' } } })
      export default namedPort('web').then((web) =>
        defineConfig({ use: { app: { command: 'node ' + web }, portslice: { onLeak: 'fail' } } }))`,
    'app.cts': `
      import { startApp } from '@portslice/app-server'
      // @ts-expect-error: a URL is a string
      export const url: Promise<number> = startApp({ command: 'a' }).then((app) => app.url)`,
  }

  const ESM_FILES = ['module.mts', 'vitest.mts', 'playwright.mts']
  const COMMONJS_FILES = ['required.cts', 'vitest.cts', 'playwright.cts', 'app.cts']

  beforeAll(async () => {
    await npmInstall(project, {
      ...fromTarballs(packed),
      '@playwright/test': '1.65.1',
      '@types/node': '24.19.2',
      vitest: '5.1.1',
    })
    write(project, FILES)
  }, 240_000)

  test.each([
    ['node16', 'node16', ESM_FILES],
    ['node16', 'node16', COMMONJS_FILES],
    ['nodenext', 'nodenext', ESM_FILES],
    ['nodenext', 'nodenext', COMMONJS_FILES],
    ['esnext', 'bundler', ESM_FILES],
    ['preserve', 'bundler', COMMONJS_FILES],
  ])('are right with module %s and resolution %s: %j', async (module, resolution, files) => {
    const config = `tsconfig.${module}-${files.length}.json`
    write(project, {
      [config]: JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution: resolution,
          target: 'es2022',
          lib: ['es2022', 'dom', 'esnext.disposable'],
          types: ['node'],
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
          // Declarations of ours are checked; those of others are theirs.
          skipLibCheck: true,
        },
        files,
      }),
    })
    const tsc = bin('typescript', 'bin/tsc')
    await run([process.execPath, tsc, '--project', config], { cwd: project })
  })
})
