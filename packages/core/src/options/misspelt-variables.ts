import { warnOnce } from '../platform/warn-once.js'
import { suggest } from './suggest.js'

const PREFIX = 'PORTSLICE_'
const NAMES = ['RANGE', 'SHARD', 'LOCK_DIR']

/** Warns about variables that have no effect, but are named almost like one of ours. */
export function warnAboutMisspeltVariables(env: NodeJS.ProcessEnv): void {
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith(PREFIX)) continue
    const name = variable.slice(PREFIX.length)
    if (NAMES.includes(name) || name.startsWith('PORT_')) continue
    const advice = suggest(name, NAMES, `$${PREFIX}`)
    if (!advice) continue
    warnOnce(
      `variable ${variable}`,
      'PORTSLICE_VARIABLE',
      `$${variable} has no effect: portslice has no such variable. ${advice}`,
    )
  }
}
