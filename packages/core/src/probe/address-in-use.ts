import { codeOf } from '../errors.js'

/** Node's code, and the messages of the C library and of Windows. */
const SYSTEM_MESSAGE =
  /EADDRINUSE|\baddress (?:is )?(?:already )?in use|only one usage of each socket address/i

/** Messages of servers and tools, also of those that then try another port. */
const SERVER_MESSAGE =
  /\bport(?: \d+)? (?:(?:is|was) )?(?:already )?(?:in use|used|taken|occupied|allocated)\b|\bconnection in use\b|\balready running on port \d/i

/** `port 5173`, `127.0.0.1:80`, `:::3000` or `('0.0.0.0', 8000)`, but not a time (`12:00:00`). */
const NAMED_PORT =
  /\bport\W{1,3}([1-9]\d{0,4})\b|(?<![\d.])(?:\d+(?:\.\d+){3}|\[?[\da-f:]*:[\da-f:]*:?[\da-f]*\]?|\*|[a-z][\w.-]*|):([1-9]\d{0,4})\b(?!:\d)|'[^']*', ([1-9]\d{0,4})\b/gi
/** The port can be in the lines that follow: Node prints the fields of an error, PostgreSQL a hint. */
const DETAIL_LINES = 10
const DETAIL = /\bport:? ([1-9]\d{0,4})\b/i

/** @param ports the ports that count: a line that names only other ports is ignored */
export function reportsAddressInUse(output: string, ports?: readonly number[]): boolean {
  if (!ports) return saysInUse(output)
  const lines = output.split(/[\r\n]+/)
  return lines.some((line, i) => {
    if (!saysInUse(line)) return false
    const named = portsNamedIn(line)
    if (named.length === 0) {
      const details = lines.slice(i + 1, i + 1 + DETAIL_LINES)
      named.push(...details.flatMap((each) => DETAIL.exec(each)?.[1] ?? []).map(Number))
    }
    return named.length === 0 || named.some((port) => ports.includes(port))
  })
}

function saysInUse(text: string): boolean {
  return SYSTEM_MESSAGE.test(text) || SERVER_MESSAGE.test(text)
}

function portsNamedIn(line: string): number[] {
  return [...line.matchAll(NAMED_PORT)].map(([, ...found]) => Number(found.find(Boolean)))
}

const OUTPUTS = ['stderr', 'all', 'output'] as const
const CAUSES = ['cause', 'errors', 'error', 'suppressed'] as const

/** Searches also nested errors, and the output of a child process in an error. Never throws. */
export function isAddressInUse(error: unknown): boolean {
  const seen = new Set<unknown>()
  const queue: unknown[] = [error]
  // The queue grows during the loop. Causes can be circular.
  for (const candidate of queue) {
    if (candidate === undefined || candidate === null || seen.has(candidate)) continue
    seen.add(candidate)
    try {
      if (typeof candidate === 'string') {
        if (reportsAddressInUse(candidate)) return true
      } else if (ArrayBuffer.isView(candidate)) {
        const { buffer, byteOffset, byteLength } = candidate
        queue.push(Buffer.from(buffer, byteOffset, byteLength).toString())
      } else if (Array.isArray(candidate)) {
        // Not spread: an output can have more lines than a call can have arguments.
        for (const each of candidate) queue.push(each)
      } else if (typeof candidate === 'object') {
        if (codeOf(candidate) === 'EADDRINUSE') return true
        const about = candidate as Record<string, unknown>
        for (const name of ['message', ...CAUSES, ...OUTPUTS]) queue.push(about[name])
      }
    } catch {}
  }
  return false
}
