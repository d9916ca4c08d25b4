import { PortsliceError } from '@portslice/core'
import { WATCHDOG_VARIABLE } from './watchdog-protocol.js'

/**
 * Ends this process if it was started as a watchdog, but runs the user's program. This happens with compiled
 * programs that do not run scripts. Without this check, each copy would start another one.
 */
export function exitIfWatchdog(): void {
  if (process.env[WATCHDOG_VARIABLE] !== String(process.ppid)) return
  process.stderr.write(
    'This program cannot be the watchdog of its apps: it does not run scripts.\n',
  )
  process.exit(1)
}

export function refuseInsideWatchdog(): void {
  const value = process.env[WATCHDOG_VARIABLE]
  if (value === undefined) return
  throw new PortsliceError(
    'ERR_PORTSLICE_APP_START',
    `This process was started as the watchdog of another one ($${WATCHDOG_VARIABLE} is ${JSON.stringify(value)}), so it cannot start apps.`,
    {
      value,
      advice: `If it was not, remove $${WATCHDOG_VARIABLE} from its environment: only portslice sets it.`,
    },
  )
}
