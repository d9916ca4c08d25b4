import { cleanEnvironment } from 'portslice-test/support/process'
import { FixtureProjects } from 'portslice-test/support/project'
import { comparison, inTurns } from '../compare.ts'
import type { Measured, Row } from '../row.ts'
import { figure, statsOf } from '../stats.ts'
import { untilPrinted } from './first-port.ts'

const RUNNER = '@playwright/test'
const FIXTURES = 'with the fixtures'
const MODULES = { [RUNNER]: RUNNER, [FIXTURES]: '@portslice/playwright-fixture' }
type Name = keyof typeof MODULES

const LIMIT_MS = 2

export const fixtureImport: Row = {
  name: 'The import of the Playwright fixtures',
  how: `What the fixtures cost a worker whose tests take no port. One process imports \`${RUNNER}\`, another one the
fixtures, which import it too; both are timed until they have printed a word.`,
  async run({ short }): Promise<Measured> {
    using fixtures = new FixtureProjects()
    const project = fixtures.project(
      Object.fromEntries(
        Object.values(MODULES).map((module, index) => [
          `import-${index}.js`,
          `import '${module}'\nprocess.stdout.write('imported')`,
        ]),
      ),
    )
    const names = Object.keys(MODULES) as Name[]
    const samples = await inTurns(names, short ? 10 : 40, (name) =>
      untilPrinted([project.file(`import-${names.indexOf(name)}.js`)], cleanEnvironment()),
    )
    const runner = samples[RUNNER]
    const more = statsOf(
      samples[FIXTURES].map((value, round) => value - (runner[round] as number)),
    ).median
    return {
      tables: [comparison('Spawn to imported, ms', samples, RUNNER)],
      targets: [
        {
          target: `at most ${LIMIT_MS} ms more than ${RUNNER}`,
          measured: `${figure(more)} ms`,
          met: more <= LIMIT_MS,
        },
      ],
      charts: [],
    }
  },
}
