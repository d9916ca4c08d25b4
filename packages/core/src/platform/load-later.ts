import { isOutOfDescriptors, PortsliceError } from '../errors.js'

/**
 * Loads a part of this package that most processes do not need, once. Not for parts that an allocator needs: it
 * can outlive the vm context of the test file that created it, and then no part can be loaded.
 *
 * @param load an `import()` of a literal, which bundlers understand
 */
export function loadLater<Module>(load: () => Promise<Module>): () => Promise<Module> {
  let loading: Promise<Module> | undefined
  return () => {
    loading ??= load().catch((cause) => {
      loading = undefined
      throw isOutOfDescriptors(cause) ? cannotLoad(cause) : cause
    })
    return loading
  }
}

function cannotLoad(cause: unknown): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_NO_SOCKET',
    `A part of portslice could not be loaded: ${(cause as Error).message}.`,
    { advice: 'Close what this process has open, or raise its limit (`ulimit -n`).', cause },
  )
}
