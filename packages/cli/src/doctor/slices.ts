/** Are there slices to be had, and who has the others? */
import {
  type ClaimStatus,
  holdUdpPort,
  listClaims,
  listSlices,
  PortsliceError,
  type ResolvedOptions,
  type SliceStatus,
  sentinelOf,
  unconnectedUdpPortsOnLoopback,
} from '@portslice/core/inspect'
import { holdersText } from '../list/holder.js'
import { type Finding, problem } from './finding.js'

/** Fewer free slices than a machine of some size has workers. */
const FEW = 8
/** Holders named in a message; the rest are counted. */
const NAMED = 8

export async function slicesFindings({ slices }: ResolvedOptions): Promise<Finding[]> {
  const socket = await socketFinding(slices)
  if (socket.level === 'problem') return [socket]
  const mine = new Set(slices)
  const all = (await listSlices()).filter(({ first }) => mine.has(first))
  const held = all.filter(({ state }) => state === 'held')
  return [socket, freeFinding(slices.length, held, await listClaims()), ...leakedFinding(all)]
}

/** Whether a sentinel can be held at all. Of those that are held already, that is plain. */
async function socketFinding(slices: readonly number[]): Promise<Finding> {
  const ok: Finding = {
    id: 'sockets',
    level: 'ok',
    message: 'A UDP socket can be bound on 127.0.0.1: so nobody can have a slice that is held.',
  }
  const taken = await unconnectedUdpPortsOnLoopback()
  const free = slices.map(sentinelOf).filter((port) => !taken?.has(port))
  // Somebody may be quicker, so a few are tried; and whoever wants one is hardly kept waiting.
  for (const port of free.slice(-3)) {
    try {
      const held = await holdUdpPort(port)
      await held?.close()
      if (held) return ok
    } catch (error) {
      if (error instanceof PortsliceError) return problem('sockets', error)
      return {
        id: 'sockets',
        level: 'problem',
        message: `No UDP socket can be bound on 127.0.0.1 (${(error as Error).message}).`,
        advice:
          'portslice needs the loopback interface to be up and sockets to be allowed: see `ip addr show lo`, `ulimit -n` and the sandbox that this runs in.',
      }
    }
  }
  return ok
}

function freeFinding(
  total: number,
  held: readonly SliceStatus[],
  claims: readonly ClaimStatus[],
): Finding {
  const free = total - held.length
  const message = `${free} of ${total} slices are free; each worker needs one.${held.length > 0 ? ` Held: ${holdersText(held, claims, NAMED)}.` : ''}`
  if (free === 0) {
    return {
      id: 'slices',
      level: 'problem',
      message,
      advice:
        "Wait until one of them has ended ('portslice list' tells who and where), or widen the range with $PORTSLICE_RANGE.",
    }
  }
  if (free >= FEW) return { id: 'slices', level: 'ok', message }
  return {
    id: 'slices',
    level: 'note',
    message,
    advice: 'Widen the range with $PORTSLICE_RANGE if more workers than that are to run.',
  }
}

function leakedFinding(slices: readonly SliceStatus[]): Finding[] {
  const leaked = slices.flatMap(({ ports }) => ports.filter(({ state }) => state === 'leaked'))
  if (leaked.length === 0) return []
  const names = leaked.map(({ port, label }) =>
    label === undefined ? `${port}` : `${port} (${JSON.stringify(label)})`,
  )
  return [
    {
      id: 'leaked-ports',
      level: 'note',
      message: `Something still listens on ports that were given back: ${names.join(', ')}. They are not handed out before that has ended.`,
      advice: 'Close the server at the end of the test that the label names.',
    },
  ]
}
