export type Use<T> = (value: T) => Promise<void>

/**
 * A fixture whose value `extend` of every supported vitest infers. From fixtures with a scope, which are
 * tuples, it would infer a union of the value and the tuple.
 */
export type Fixture<T> = (context: object, use: Use<T>) => Promise<void>
