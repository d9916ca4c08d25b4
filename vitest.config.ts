import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The longest first: one that takes minutes by itself is not to be the last to begin. */
const LONGEST = /integration\/(vitest|chaos|compat|runners|examples|cluster-net|docs)\.test\.ts$/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => LONGEST.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    // Most of them wait for processes that they have started: more at once than there are cores.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{packages/*,scripts}/src/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      // Each starts real test runners and many processes; deadlines only end what hangs.
      { test: { name: 'whole', include: ['test/**/*.test.ts'], testTimeout: 300_000 } },
    ],
  },
})
