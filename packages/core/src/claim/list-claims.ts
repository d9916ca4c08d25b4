import { hostIdentity } from '../platform/host.js'
import { processStateOf } from '../platform/process-run.js'
import { isUdpPortHeld } from '../probe/hold-udp-port.js'
import { isListeningForTcp, unconnectedUdpPortsOnLoopback } from '../probe/listening.js'
import { claimNotes, readClaimNote } from '../slice/claim-note.js'

/** A claimed port. */
export interface ClaimStatus {
  /** The port number. */
  port: number
  /** The process that has claimed it. */
  pid: number
  /** The working directory of that process. */
  cwd: string
  /** Its command with arguments, at most 500 characters. */
  command: string
  /** When it claimed the port, ISO 8601. */
  since: string
  /** Whether something listens on it now, for TCP. */
  listening: boolean
}

/** The claims of this lock directory and network namespace, ascending. */
export async function listClaims(lockDirectory: string | undefined): Promise<ClaimStatus[]> {
  if (lockDirectory === undefined) return []
  const ports = claimNotes(lockDirectory)
  const sockets = ports.length > 0 ? await unconnectedUdpPortsOnLoopback() : undefined
  const claims: ClaimStatus[] = []
  for (const port of ports) {
    const note = readClaimNote(lockDirectory, port, hostIdentity())
    if (!note || note.died || processStateOf(note.pid, note) === 'gone') continue
    if (!(sockets?.has(port) ?? (await mayBeHeld(port)))) continue
    const { pid, cwd, command, at } = note
    claims.push({ port, pid, cwd, command, since: at, listening: await isListeningForTcp(port) })
  }
  return claims
}

/** True also if the port cannot be checked, because it is privileged or there are no sockets left. */
function mayBeHeld(port: number): Promise<boolean> {
  return isUdpPortHeld(port).catch(() => true)
}
