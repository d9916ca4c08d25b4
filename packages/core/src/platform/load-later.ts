import { isOutOfDescriptors, PortsliceError } from '../errors.js'

/**
 * Loads a part of this package that most processes do not need, once. Not for what an allocator needs
 * to work: it can outlive the vm context of the test file that made it.
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
