import type { PortRange } from '../slice/layout.js'
import type { ListedProcess } from './processes.ps.js'

/** The differences between operating systems. Those between Node, Bun and Deno are in `runtime.ts` and `clock.ts`. */
export interface System {
  /** Whether /proc shows processes, sockets and settings. */
  readonly hasProc: boolean
  /** Whether processes can be asked to end, and belong to groups. On Windows a signal kills. */
  readonly hasSignals: boolean
  /** Whether a path such as `/tmp` depends on the current drive. */
  readonly hasDrives: boolean
  /** Whether tools such as `npm` are scripts, which the system cannot start without a shell. */
  readonly areToolsScripts: boolean
  /** The program that opens a URL in the user's browser, and its first arguments. */
  readonly browserOpener: readonly [program: string, ...args: string[]]
  /** Whether a bind of a wildcard address fails if a socket has the port on any one address. */
  readonly isWildcardExclusive: boolean
  /** Whether Kubernetes may redirect ports without a socket. */
  readonly hasNodePorts: boolean
  /** Error codes of a bind that mean that another socket has the port. */
  readonly takenCodes: readonly string[]
  /** Error codes of a rename onto a directory that is not empty. */
  readonly occupiedCodes: readonly string[]
  /** The longest path of a UNIX socket; 0 if the file system has no sockets. */
  readonly maxSocketPathBytes: number
  /** Ports of the system's own servers, by the names of the servers. */
  readonly serverPorts: Readonly<Record<string, readonly number[]>>
  readonly defaultEphemeralRange: PortRange
  /** `undefined` if unknown. */
  readEphemeralRange(): PortRange | undefined
  /** Ports that no process can bind. */
  readExcludedRanges(): readonly PortRange[]
  /** Changes with each start of the machine; `undefined` if unknown. */
  readBootId(): string | undefined
  /** Lists all processes if there is no /proc; `undefined` if they cannot be listed. */
  listProcesses?(): Promise<readonly ListedProcess[] | undefined>
  /** Keeps other users out of a new directory, if the mode of `mkdir` does not. */
  makePrivate?(directory: string): void
  /** Who else may write to a directory, if its mode does not show this; `undefined` if unknown. */
  othersThatMayWrite?(directory: string): readonly string[] | undefined
}
