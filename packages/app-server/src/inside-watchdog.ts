import { PortsliceError } from '@portslice/core'
import { INSIDE_WATCHDOG } from './watchdog-protocol.js'

/**
 * Call before anything else: a compiled program that cannot be used as a runtime would run again in place of
 * its watchdog, and start further copies.
 */
export function exitIfWatchdog(): void {
  if (process.env[INSIDE_WATCHDOG] !== String(process.ppid)) return
  process.stderr.write(
    'This program cannot be the watchdog of its apps: it does not run scripts.\n',
  )
  process.exit(1)
}

export function refuseInsideWatchdog(): void {
  const value = process.env[INSIDE_WATCHDOG]
  if (value === undefined) return
  throw new PortsliceError(
    'ERR_PORTSLICE_APP_START',
    `This process was started as the watchdog of another one ($${INSIDE_WATCHDOG} is ${JSON.stringify(value)}), so it cannot start apps.`,
    {
      value,
      advice: `If it was not, remove $${INSIDE_WATCHDOG} from its environment: only portslice sets it.`,
    },
  )
}
