/** Who has claimed which port now: what the notes tell, where the claim socket is bound. */
import { lockDirectoryFor } from '../options/lock-directory.js'
import { checkListOptions } from '../options/options.js'
import { hostIdentity } from '../platform/host.js'
import { processStateOf } from '../platform/process-run.js'
import { isUdpPortHeld } from '../probe/held-udp.js'
import { isListeningForTcp, unconnectedUdpPortsOnLoopback } from '../probe/listening.js'
import { claimNotes, readClaimNote } from '../slice/claim-note.js'

/** One fixed port that is claimed. */
export interface ClaimStatus {
  /** Its number. */
  port: number
  /** Of the process that has it. */
  pid: number
  /** The directory it was started in. */
  cwd: string
  /** With its arguments, at most 500 characters. */
  command: string
  /** When it claimed the port, ISO 8601. */
  since: string
  /** Whether something listens on it now, for TCP. */
  listening: boolean
}

/**
 * The ports that are claimed by holders who share this lock directory and network namespace,
 * ascending. Texts come from other processes: neutralise control characters before you print them.
 *
 * @param options `lockDirectory`, by default as of an allocator
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID
 */
export async function listClaims(
  options: { lockDirectory?: string | false } = {},
): Promise<ClaimStatus[]> {
  checkListOptions(options)
  const lockDirectory = lockDirectoryFor(options.lockDirectory)
  if (lockDirectory === undefined) return []
  const noted = claimNotes(lockDirectory)
  const sockets = noted.length > 0 ? await unconnectedUdpPortsOnLoopback() : undefined
  const claims: ClaimStatus[] = []
  for (const port of noted) {
    const note = readClaimNote(lockDirectory, port, hostIdentity())
    if (!note || note.died || processStateOf(note.pid, note) === 'gone') continue
    if (!(sockets?.has(port) ?? (await isHeld(port)))) continue
    const { pid, cwd, command, at } = note
    claims.push({ port, pid, cwd, command, since: at, listening: await isListeningForTcp(port) })
  }
  return claims
}

/** One that cannot be tried (privileged, or no sockets left) is taken to be held, as its note says. */
function isHeld(port: number): Promise<boolean> {
  return isUdpPortHeld(port).catch(() => true)
}
