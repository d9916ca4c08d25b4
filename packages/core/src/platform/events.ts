/**
 * Diagnostics channels, which docs/events.md describes. Ask `hasSubscribers` before you make a message:
 * without subscribers an event costs one property access.
 */
import diagnostics from 'node:diagnostics_channel'
import { sanitize } from '../errors.js'
import { processWide } from '../process-state.js'

/** A slice, in a message. */
export interface SliceMessage {
  /** The first port. */
  first: number
  /** The last port, which is the sentinel. */
  last: number
}

/** A port, in a message. */
export interface PortMessage {
  /** The port number. */
  port: number
}

/** A port, and what it is for, in a message. */
export interface LabelMessage extends PortMessage {
  /** What the port is for. */
  label?: string | undefined
}

/** The messages of the diagnostics channels, by name. */
export interface PortsliceEvents {
  /** A slice was leased. */
  'portslice:lease': SliceMessage & {
    /** Where its lock and journal are; missing without files. */
    lockDirectory?: string | undefined
  }
  /** A slice was given back. */
  'portslice:give-back': SliceMessage
  /** A slice could not be leased. */
  'portslice:skip-slice': SliceMessage & {
    /** `held`: another process has the sentinel; `locked`: the lock. */
    reason: 'held' | 'locked'
  }
  /** A port was handed out. */
  'portslice:take': LabelMessage & {
    /** The key that it was taken with. */
    key?: string | undefined
  }
  /** A port was not handed out, or could not be claimed. */
  'portslice:skip-port': PortMessage & {
    /** Why not. */
    reason: string
  }
  /** A port was released, or a claim ended. */
  'portslice:release': PortMessage & {
    /** Whether something still listens on it. */
    leaked: boolean
  }
  /** A port was out when its holder died. */
  'portslice:quarantine': LabelMessage & {
    /** For how long it is not handed out, in ms. */
    leftMs: number
  }
  /** A fixed port was claimed. */
  'portslice:claim': LabelMessage
}

interface EventChannel<Message> {
  readonly hasSubscribers: boolean
  publish(message: Message): void
}

const channel = <Name extends keyof PortsliceEvents>(name: Name) =>
  diagnostics.channel(name) as EventChannel<PortsliceEvents[Name]>

export const events = {
  lease: channel('portslice:lease'),
  giveBack: channel('portslice:give-back'),
  skipSlice: channel('portslice:skip-slice'),
  take: channel('portslice:take'),
  skipPort: channel('portslice:skip-port'),
  release: channel('portslice:release'),
  quarantine: channel('portslice:quarantine'),
  claim: channel('portslice:claim'),
}

export function skipPort(port: number, reason: string): void {
  if (events.skipPort.hasSubscribers) events.skipPort.publish({ port, reason })
}

/** Prints every event on stderr if `$NODE_DEBUG` names `portslice`. */
function logEvents(): void {
  const { debuglog } = process.getBuiltinModule('node:util')
  const log = debuglog('portslice')
  const state = processWide('debug log', () => ({ isSubscribed: false }))
  if (!log.enabled || state.isSubscribed) return
  state.isSubscribed = true
  for (const each of Object.values(events)) {
    ;(each as diagnostics.Channel).subscribe((message, name) => {
      log('%s %s', String(name).replace('portslice:', ''), sanitize(JSON.stringify(message)))
    })
  }
}

if (process.env.NODE_DEBUG) logEvents()
