/**
 * The tested versions: the oldest and the newest of those that the packages support. Raise the newest ones
 * with what is published.
 */

/** `engines`: ^20.19 || ^22.12 || >=24 */
export const NODES = ['20.19.0', '22.12.0', '24.0.0', '26.10.0'] as const

/** The peer range: ^3.2 || ^4 || ^5 */
export const VITESTS = ['3.2.0', '3.2.7', '4.0.0', '4.1.12', '5.0.0', '5.1.1'] as const

/** The packages that a version of vitest needs. */
export const BESIDE: Partial<Record<(typeof VITESTS)[number], Record<string, string>>> = {
  // It takes a newer vite, and then fails: "Unknown method: getBuiltins", with any test.
  '4.0.0': { vite: '7.1.12' },
}

/** The peer range: ^1.50 */
export const PLAYWRIGHTS = ['1.50.0', '1.65.1'] as const

/** Jest has no adapter; these `require` what `import` in a test becomes. */
export const JESTS = ['29.7.0', '30.5.2'] as const

/** vitest's pools. The vm pools always isolate. */
export const POOLS = [
  { pool: 'forks', isolate: true },
  { pool: 'forks', isolate: false },
  { pool: 'threads', isolate: true },
  { pool: 'threads', isolate: false },
  { pool: 'vmForks', isolate: true },
  { pool: 'vmThreads', isolate: true },
] as const

export type Pool = (typeof POOLS)[number]

export function nameOf({ pool, isolate }: Pool): string {
  return isolate ? pool : `${pool}, not isolated`
}

/** Why a version of vitest cannot be tried on a Node: its own `engines` say so. */
export function refusedBy(vitest: string, node: string): string | undefined {
  return vitest.startsWith('5.') && node.startsWith('20.') ? 'vitest 5 needs Node 22.12' : undefined
}
