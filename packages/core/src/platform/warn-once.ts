import { sanitize } from '../errors.js'
import { processWide } from '../process-state.js'

/** @param key what the warning is about */
export function warnOnce(key: string, code: string, message: string): void {
  const warned = processWide('warnings', () => new Set<string>())
  if (warned.has(key)) return
  warned.add(key)
  process.emitWarning(sanitize(message), { type: 'PortsliceWarning', code })
}
