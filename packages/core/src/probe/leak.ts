import { sleep } from '../platform/clock.js'
import { isSurelyFree } from './free.js'
import { isListening } from './listening.js'

/** Delays between checks: a server that is closing, or a process that is ending, needs a moment. */
const CHECK_DELAYS_MS = [5, 20, 75, 150]

/**
 * Whether a port is still in use shortly after its release; false if no socket can be opened to
 * find out, as the port is probed again before it is handed out.
 *
 * @param isInUse default: whether anything listens on it, for TCP or UDP
 */
export async function isLeaked(port: number, isInUse = hasListener): Promise<boolean> {
  try {
    for (const delay of CHECK_DELAYS_MS) {
      if (!(await isInUse(port))) return false
      await sleep(delay)
    }
    return await isInUse(port)
  } catch {
    return false
  }
}

/** A bind is the quickest check. If it fails, that can have other reasons than a listener. */
async function hasListener(port: number): Promise<boolean> {
  return !(await isSurelyFree(port)) && isListening(port)
}
