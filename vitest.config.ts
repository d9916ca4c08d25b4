import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Start first, so that none of them is the only one left at the end. */
const LONGEST =
  /(slice\/slice|integration\/(app-server|vitest|coordinator-faults|coordinator-packages|coordinator-machines|command-background|commonjs|docs-first-example|docs-getting-started|migrate|vitest-hooks|quarantine|docs-recipes|error-messages|chaos|compat|docs-site|examples|runners))\.test\.ts$/

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
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{packages/*,scripts}/src/**/*.test.ts'],
          // They leave nothing behind in their process, and half of the time went to new ones.
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      // Each starts real test runners and many processes; deadlines only end what hangs. What they
      // share in their own process is portslice itself, as the files of any suite do.
      {
        test: {
          name: 'whole',
          include: ['test/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          isolate: false,
        },
      },
    ],
  },
})
