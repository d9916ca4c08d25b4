type Core = typeof import('@portslice/core/internal')

/** Not a literal in `import()`, because vite would bundle it for the browser in browser mode. */
const CORE = '@portslice/core/internal'

let loading: Promise<Core> | undefined
let core: Core | undefined

/**
 * Loads the allocator on first use, so that test files without ports start sooner. Loads it once, because two
 * imports at the same time fail in vm pools of vitest 4.
 */
export function loadCore(): Promise<Core> {
  loading ??= (import(/* @vite-ignore */ CORE) as Promise<Core>).then((loaded) => {
    core = loaded
    return loaded
  })
  return loading
}

/** `undefined` before {@link loadCore} has loaded it. */
export function loadedCore(): Core | undefined {
  return core
}
