/** Was a port given back while something still uses it? */
import { sleep } from '../platform/clock.js'
import { isSurelyFree } from './free.js'
import { isListening } from './listening.js'

/**
 * Waits between looks, in ms. A server that was told to close, or a process that was told to
 * end, needs a moment, and is not to be blamed for it.
 */
const GRACE = [5, 20, 75, 150]

/**
 * Whether something still uses a port a short while after it was given back; not where the
 * system has no more sockets to find out. Before it is handed out it is looked at again.
 *
 * @param isInUse default: whether something listens on it, for TCP or UDP
 */
export async function isLeaked(port: number, isInUse = inUse): Promise<boolean> {
  try {
    for (const wait of GRACE) {
      if (!(await isInUse(port))) return false
      await sleep(wait)
    }
    return await isInUse(port)
  } catch {
    return false
  }
}

/** Binding tells most quickly that nobody is there; that it fails can have other reasons. */
async function inUse(port: number): Promise<boolean> {
  return !(await isSurelyFree(port)) && isListening(port)
}
