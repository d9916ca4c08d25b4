import { type SlowCommandOutput, slowCommandOutput } from './command-output.js'

/** A line of a list of all processes. */
export interface ListedProcess {
  readonly pid: number
  readonly parent: number
  /** A number that is greater for a later start, and never changes; empty if unknown. */
  readonly startedAt: string
}

/** Columns of POSIX, except for `lstart` of macOS and the BSDs. */
const ARGUMENTS = ['-A', '-o', 'pid=,ppid=,lstart=']

/** As `ps` lists them; `undefined` if it cannot be run. */
export async function listWithPs(
  output: SlowCommandOutput = slowCommandOutput,
): Promise<ListedProcess[] | undefined> {
  return parseProcesses(await output('ps', ARGUMENTS), (start) => {
    // Such as `Wed Nov 26 00:00:00 2025`.
    const ms = Date.parse(`${start} UTC`)
    return Number.isNaN(ms) ? '' : String(ms / 1000)
  })
}

/** Reads lines with a pid, the pid of the parent, and a rest. */
export function parseProcesses(
  text: string | undefined,
  startFrom: (rest: string) => string,
): ListedProcess[] | undefined {
  const found = [...(text ?? '').matchAll(/^\s*(\d+)\s+(\d+)[^\S\n]*(.*?)\s*$/gm)].map(
    ([, pid, parent, rest = '']) => ({
      pid: Number(pid),
      parent: Number(parent),
      startedAt: startFrom(rest),
    }),
  )
  return found.length > 0 ? found : undefined
}
