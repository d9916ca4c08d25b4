import { sanitize } from '../errors.js'
import { processWide } from '../process-state.js'

/** The lock directories that were warned of. */
const warnedOf = () => processWide('warnings', () => new Set<string>())

/** Warns, once a process for each lock directory, that the sentinels alone protect for now. */
export function warnOnce(lockDirectory: string | undefined, error: unknown): void {
  if (lockDirectory === undefined) return
  const warned = warnedOf()
  if (warned.has(lockDirectory)) return
  warned.add(lockDirectory)
  const reason = error instanceof Error ? error.message : String(error)
  process.emitWarning(
    sanitize(
      `The lock directory ${JSON.stringify(lockDirectory)} cannot be used at the moment (${reason}). ` +
        'Ports stay unique in this network namespace; until it can be used again, `listSlices` and ' +
        'holders in other namespaces do not see this process.',
    ),
    { type: 'PortsliceWarning', code: 'PORTSLICE_LOCK_DIRECTORY' },
  )
}
