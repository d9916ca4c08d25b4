/**
 * A compiled program that does not know how to be a runtime starts itself again in place of the
 * watchdog. That copy must not go on: it would do all the program does, and start a copy as well.
 */
import { PortsliceError } from '@portslice/core'
import { INSIDE_WATCHDOG } from './watchdog-protocol.js'

/** Ends this process if it was started as a watchdog by its parent. Call before anything else. */
export function endCopyInPlaceOfWatchdog(): void {
  if (process.env[INSIDE_WATCHDOG] !== String(process.ppid)) return
  process.stderr.write('This program cannot be the watchdog of its apps: it runs no scripts.\n')
  process.exit(1)
}

/** @throws PortsliceError ERR_PORTSLICE_APP_START */
export function refuseInsideWatchdog(): void {
  const value = process.env[INSIDE_WATCHDOG]
  if (value === undefined) return
  throw new PortsliceError(
    'ERR_PORTSLICE_APP_START',
    `This process was started as the watchdog of another one ($${INSIDE_WATCHDOG} is ${JSON.stringify(value)}), and starts no apps.`,
    {
      value,
      advice: `If it was not, remove $${INSIDE_WATCHDOG} from its environment: portslice alone sets it.`,
    },
  )
}
