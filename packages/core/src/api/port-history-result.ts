import type { ClaimStatus } from '../claim/list-claims.js'
import type { SliceHolderStatus } from '../slice/slice-record.js'

/** Who has a port, and who had it. */
export interface PortHistory {
  /** The port number. */
  port: number
  /** The host of the port, if it is not this machine. */
  host?: string
  /** The slice it belongs to. */
  slice: {
    /** The first port. */
    first: number
    /** The last port: the sentinel, which is not handed out. */
    last: number
    /** As in `SliceStatus`. `claimed`: its last port is claimed, so it cannot be leased. */
    state: 'free' | 'held' | 'abandoned' | 'claimed'
    /** The present or last holder; missing if there is none, or its journal is elsewhere. */
    holder?: SliceHolderStatus
    /** The processes that have the sentinel bound, if the journal of the holder is elsewhere. */
    processes?: PortProcess[]
  }
  /**
   * The present state of the port.
   *
   * - `free`: no process has it
   * - `out`: the holder of its slice has handed it out
   * - `leaked`: was released while a process listened on it, which still listens
   * - `quarantined`: was out when its holder died
   * - `claimed`: a process has claimed it as a fixed port
   * - `sentinel`: the last port of its slice, bound by the holder of the slice
   * - `foreign`: a program that does not use portslice listens on it, or has a connection from it
   * - `unknown`: its slice is held, but the journal of the holder is elsewhere
   */
  state: 'free' | 'out' | 'leaked' | 'quarantined' | 'claimed' | 'sentinel' | 'foreign' | 'unknown'
  /** Whether anything listens on it in this network namespace. */
  listening: boolean
  /** The processes that listen on it, as far as this user may see them. Empty on other systems than Linux. */
  processes: PortProcess[]
  /**
   * The connections from it, if nothing listens: until they end, it usually cannot be bound. Linux
   * only, like `timeWait`.
   */
  connections?: {
    /** The other end, such as `10.0.0.7:443`. */
    remote: string
    /** The processes that have it, as far as this user may see them. */
    processes: PortProcess[]
  }[]
  /** True if closed connections from it are in TIME_WAIT, which does not keep a server from binding it. */
  timeWait?: true
  /** The `label` it was taken with, if it is out, leaked or quarantined. */
  label?: string
  /** The `key` it was taken with, in the same states. */
  key?: string
  /** When this state began, ISO 8601. */
  since?: string
  /** The end of its quarantine, ISO 8601. */
  until?: string
  /** True if its holder is in another network namespace, in which the number means another port. */
  elsewhere?: true
  /** True if the holder is in another network namespace and may be dead. */
  unverified?: true
  /** Who has claimed it. */
  claim?: ClaimStatus
  /** Why it is never handed out; missing if it may be. */
  notHandedOut?: {
    /** `sentinel`: it holds its slice. `avoided`: servers or browsers reserve it. `range`: it lies outside. */
    reason: 'sentinel' | 'avoided' | 'range'
    /** A sentence for people. */
    text: string
  }
  /** Who had it, newest first, as far as the journals of the slice go back. */
  uses: PortUse[]
}

/** A port from hand-out to release. */
export interface PortUse {
  /** Who had it; missing if it was claimed, or if the journals no longer contain it. */
  holder?: SliceHolderStatus
  /** Who had claimed it as a fixed port. */
  claimer?: PortProcess
  /** The `label` it was taken with. */
  label?: string
  /** The `key` it was taken with. */
  key?: string
  /** When it was handed out, ISO 8601. */
  since?: string
  /** When the use ended, ISO 8601; missing if the use has not ended, or if no process noticed the end. */
  until?: string
  /** `out`: not yet. `died`: its holder ended without releasing it. */
  end: 'out' | 'released' | 'leaked' | 'died'
  /** When the quarantine that followed ended, or will end, ISO 8601. */
  quarantinedUntil?: string
}

/** A process, as the system shows it. */
export interface PortProcess {
  /** Its pid. */
  pid: number
  /** Its command with arguments, at most 500 characters. */
  command: string
  /** Its working directory, if this user may see it. */
  cwd?: string
}
