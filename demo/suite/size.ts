/** How much load one run is. The demo counts against these, so that an empty run cannot pass. */
export const TEST_FILES = 40
/** All tests of a file run at the same time. */
export const TESTS_A_FILE = 4
export const PORTS_A_TEST = 2
/** Workers of one vitest run: more than the two cores a CI machine has, so that ports wait. */
export const VITEST_WORKERS = 4

export const BROWSER_WORKERS = 3
/** Each opens a page, and takes one port besides that of its worker. */
export const BROWSER_TESTS = 12

/** ms between the hand-out of a port and the bind, as an app that has to start needs. */
export const SLOWEST_START = 300
export const FASTEST_START = 100
