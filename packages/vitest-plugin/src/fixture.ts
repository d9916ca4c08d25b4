export type Use<T> = (value: T) => Promise<void>

/**
 * A fixture as `extend` of every supported vitest infers its value. Also of fixtures with a scope,
 * which are tuples: from those it would infer a union of the value and the tuple.
 */
export type Fixture<T> = (context: object, use: Use<T>) => Promise<void>
