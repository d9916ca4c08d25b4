type Core = typeof import('@portslice/core/internal')

/** Not a literal: in browser mode, vite would bundle it for the browser. */
const CORE = '@portslice/core/internal'

let loading: Promise<Core> | undefined
let core: Core | undefined

/**
 * Loads the allocator when a port is asked for: test files that take no port start sooner. Once, because
 * two imports at the same time fail in vm pools of vitest 4.
 */
export function loadCore(): Promise<Core> {
  loading ??= (import(/* @vite-ignore */ CORE) as Promise<Core>).then((loaded) => {
    core = loaded
    return loaded
  })
  return loading
}

/** `undefined` before a port was asked for. */
export function loadedCore(): Core | undefined {
  return core
}
