export type Use<T> = (value: T) => Promise<void>

/**
 * A fixture with a type from which `extend` infers the value in every supported vitest. A fixture with a scope
 * is a tuple, from which `extend` would infer a union of the value and the tuple.
 */
export type Fixture<T> = (context: object, use: Use<T>) => Promise<void>
