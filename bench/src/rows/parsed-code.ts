import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parsedLength, parsedScripts } from 'portslice-test/support/parsed-code'
import { type Outcome, runNode } from 'portslice-test/support/process'
import { FixtureProjects } from 'portslice-test/support/project'
import type { Measured, Row } from '../row.ts'
import { figure } from '../stats.ts'

const FIRST_PORT = fileURLToPath(new URL('../processes/first-port/', import.meta.url))

/** Of the first process that is given. */
const LIMITS_KB = { firstPort: 120, fixtureAlone: 18, fixturePort: 143 }

export const parsedCode: Row = {
  name: 'Code parsed for the first port',
  how: `How much JavaScript of the package itself V8 parses, in thousands of characters. Parsing is most of what a
library costs a fresh process, and its amount does not depend on the machine. It is counted in a process until its first
port, and in a worker of vitest or Playwright whose test file imports the fixtures, without and with a test that takes a
port.`,
  async run({ folder }): Promise<Measured> {
    const ofProcess = async (script: string, url: RegExp) => {
      const lockDirectory = path.join(folder, 'locks')
      return most(url, (env) => runNode([path.join(FIRST_PORT, script)], { lockDirectory, env }))
    }
    const rows: [name: string, characters: number][] = [
      ['portslice', await ofProcess('portslice.js', /packages\/core\/dist/)],
      ['portslice, CommonJS', await ofProcess('portslice.cjs', /packages\/core\/dist/)],
      ['get-port', await ofProcess('get-port.js', /node_modules\/get-port\//)],
      ...(await ofFixtures()),
    ]
    const of = (name: string) => (rows.find((row) => row[0] === name)?.[1] as number) / 1000
    const limit = (name: string, kB: number) => ({
      target: `${name}: at most ${kB} kB`,
      measured: `${figure(of(name))} kB`,
      met: of(name) <= kB,
    })
    return {
      tables: [
        {
          caption: 'Parsed, kB',
          head: ['', 'kB'],
          rows: rows.map(([name, characters]) => [name, figure(characters / 1000)]),
        },
      ],
      targets: [
        limit('portslice', LIMITS_KB.firstPort),
        limit('vitest fixtures, no port', LIMITS_KB.fixtureAlone),
        limit('Playwright fixtures, no port', LIMITS_KB.fixtureAlone),
        limit('vitest fixtures, a port', LIMITS_KB.fixturePort),
        limit('Playwright fixtures, a port', LIMITS_KB.fixturePort),
      ],
      charts: [],
    }
  },
}

async function ofFixtures(): Promise<[string, number][]> {
  using fixtures = new FixtureProjects()
  const found: [string, number][] = []
  const tests = { 'no port': '() => {}', 'a port': '({ port }) => port' }
  for (const [name, test] of Object.entries(tests)) {
    const vitest = fixtures.project({
      'vitest.config.js': `
        import portslice from '@portslice/vitest-plugin'
        export default { plugins: [portslice()] }`,
      'one.test.js': `import { test } from '@portslice/vitest-plugin/test'\ntest('one', ${test})`,
    })
    // Only workers load the fixtures; the main process has the plugin and its reporter.
    const worker = /@portslice\/(?:core|vitest-plugin\/dist\/(?:test|setup|chunk)|app-server)/
    found.push([
      `vitest fixtures, ${name}`,
      await most(
        worker,
        (env) => vitest.vitest([], { env }),
        /@portslice\/vitest-plugin\/dist\/test/,
      ),
    ])
    const playwright = fixtures.project({
      'playwright.config.js': "export default { reporter: 'line' }",
      'one.spec.js': `import { test } from '@portslice/playwright-fixture'\ntest('one', ${test.replace('()', '({})')})`,
    })
    found.push([
      `Playwright fixtures, ${name}`,
      await most(/@portslice\//, (env) => playwright.playwright([], { env })),
    ])
  }
  return found.sort(([a], [b]) => b.localeCompare(a))
}

/** The most that one process has parsed, of those that have parsed `only`. */
async function most(
  url: RegExp,
  run: (env: Record<string, string>) => Promise<Outcome>,
  only = url,
): Promise<number> {
  const processes = await parsedScripts(async (env) => {
    const { status, stdout, stderr } = await run(env)
    if (status !== 0) throw new Error(`The run ended with ${status}: ${stdout}\n${stderr}`)
  })
  const counted = processes.filter((scripts) => parsedLength(scripts, only) > 0)
  return Math.max(...counted.map((scripts) => parsedLength(scripts, url)))
}
