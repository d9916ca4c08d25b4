import { sleep } from '../platform/clock.js'
import { isSurelyFree } from './free.js'
import { isListening } from './listening.js'

/** A server that is closing, or a process that is ending, needs a moment. */
const CHECK_DELAYS_MS = [5, 20, 75, 150]

/** False if no socket can be opened to check: the port is probed again before it is handed out. */
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

async function hasListener(port: number): Promise<boolean> {
  return !(await isSurelyFree(port)) && isListening(port)
}
