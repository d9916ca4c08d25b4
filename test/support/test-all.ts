/**
 * Whether to run the tests that take long and repeat a promise: with other versions, package managers
 * and settings, or more often. `pnpm run test:all` and CI do, `pnpm test` does not.
 */
export const TEST_ALL = Boolean(process.env.TEST_ALL)

/** The first cases of a test, which `pnpm test` runs; all of them with {@link TEST_ALL}. */
export function firstOf<T>(cases: readonly T[], count = 1): T[] {
  return TEST_ALL ? [...cases] : cases.slice(0, count)
}
