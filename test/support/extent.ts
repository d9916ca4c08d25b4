/** How much is tested. */

/**
 * Whether to test also what takes minutes and seldom breaks: `pnpm run test:all` and CI do, `pnpm test`
 * does not.
 */
export const TEST_ALL = Boolean(process.env.TEST_ALL)
