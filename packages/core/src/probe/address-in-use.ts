/** Did something fail because its port was taken? */
import { codeOf } from '../errors.js'

/** Node's code, the C library's words (Python, Go, Java, Ruby, PostgreSQL, nginx …), and Windows'. */
const SYSTEM_SAID =
  /EADDRINUSE|\baddress (?:is )?(?:already )?in use|only one usage of each socket address/i

/**
 * What servers and tools make of it: "Port 5173 is already in use", "That port is already in
 * use", "Port 8080 was already in use", "Connection in use: ('127.0.0.1', 8000)", "port is already
 * allocated", "Something is already running on port 3000". Some then try another one, which is as
 * little use to whoever was told of this one.
 */
const SERVER_SAID =
  /\bport(?: \d+)? (?:(?:is|was) )?(?:already )?(?:in use|used|taken|occupied|allocated)\b|\bconnection in use\b|\balready running on port \d/i

/**
 * A port as it stands in such a line: `port 5173`, `127.0.0.1:80`, `:::3000`, `('0.0.0.0', 8000)`.
 * The time of a log line (`12:00:00`) is not one.
 */
const NAMED_PORT =
  /\bport\W{1,3}([1-9]\d{0,4})\b|(?<![\d.])(?:\d+(?:\.\d+){3}|\[?[\da-f:]*:[\da-f:]*:?[\da-f]*\]?|\*|[a-z][\w.-]*|):([1-9]\d{0,4})\b(?!:\d)|'[^']*', ([1-9]\d{0,4})\b/gi
/** Node prints the fields of an error in the lines that follow, PostgreSQL a hint. */
const LINES_OF_DETAILS = 10
const DETAIL = /\bport:? ([1-9]\d{0,4})\b/i

/**
 * Whether a program's output says that an address was taken.
 *
 * @param output what it printed
 * @param ports whose address: a line that names other ports alone does not count
 */
export function reportsAddressInUse(output: string, ports?: readonly number[]): boolean {
  if (!ports) return saysInUse(output)
  const lines = output.split(/[\r\n]+/)
  return lines.some((line, i) => {
    if (!saysInUse(line)) return false
    const named = portsNamedIn(line)
    if (named.length === 0) {
      const details = lines.slice(i + 1, i + 1 + LINES_OF_DETAILS)
      named.push(...details.flatMap((each) => DETAIL.exec(each)?.[1] ?? []).map(Number))
    }
    return named.length === 0 || named.some((port) => ports.includes(port))
  })
}

function saysInUse(text: string): boolean {
  return SYSTEM_SAID.test(text) || SERVER_SAID.test(text)
}

function portsNamedIn(line: string): number[] {
  return [...line.matchAll(NAMED_PORT)].map(([, ...found]) => Number(found.find(Boolean)))
}

/** Where errors of `node:child_process` and its like keep what a child said on stderr. */
const OUTPUTS = ['stderr', 'all', 'output'] as const
/** Other errors in an error: of `Error`, `AggregateError`, `SuppressedError`. */
const CAUSES = ['cause', 'errors', 'error', 'suppressed'] as const

/**
 * Whether an error comes from a port that was taken: by its `code`, by what it says, by the
 * error output of a child process that it keeps, or by any error that it was caused by or is
 * made of. Never throws.
 *
 * @param error anything that was thrown
 */
export function isAddressInUse(error: unknown): boolean {
  const seen = new Set<unknown>()
  const queue: unknown[] = [error]
  // A loop, as the queue grows while it is gone through: chains can be circular.
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
        // One by one: a child's output can have more lines than a call may have arguments.
        for (const each of candidate) queue.push(each)
      } else if (typeof candidate === 'object') {
        if (codeOf(candidate) === 'EADDRINUSE') return true
        const about = candidate as Record<string, unknown>
        for (const name of ['message', ...CAUSES, ...OUTPUTS]) queue.push(about[name])
      }
    } catch {
      // A getter that throws tells nothing.
    }
  }
  return false
}
