/** The size of one load. The demo checks the results against it, so that an empty run fails. */
export const TEST_FILES = 40
/** The tests of a file run concurrently. */
export const TESTS_PER_FILE = 4
export const PORTS_PER_TEST = 2
/** More than a CI machine has cores, so that apps bind late. */
export const VITEST_WORKERS = 4

export const BROWSER_WORKERS = 3
/** Each test takes one port, in addition to the port of its worker. */
export const BROWSER_TESTS = 12

/** The time between hand-out and bind simulates the start of an app. */
export const MAX_START_MS = 300
export const MIN_START_MS = 100
