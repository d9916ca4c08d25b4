import type { HolderInfo, PortEvent } from '../claim/port-event.js'

export type { HolderInfo, PortEvent }

/** A port that is taken, and its purpose. */
export interface PortUse {
  /** The port number. */
  readonly port: number
  /** What the port is for. */
  readonly label?: string | undefined
  /** The key that gets the same port again. */
  readonly key?: string | undefined
  /** Where the key is valid. */
  readonly projectRoot?: string | undefined
}

/** A port that a dead holder had out, or that a key had last. */
export interface LeftPort extends PortUse {
  /** How long its quarantine still lasts, in ms; 0 if it is only remembered for its key. */
  readonly leftMs: number
}

/**
 * Why a slice or a port was not leased. `held`: another process has it. `quarantined`: its holder died less
 * than 30 s ago. `recovering`: the server has just started, or its data is new, and earlier holders may return
 * for `leftMs`. `lost`: this session, or its lease of the slice, has ended.
 */
export interface Refusal {
  /** The reason. */
  readonly refused: 'held' | 'quarantined' | 'recovering' | 'lost'
  /** The port that was refused; missing if the reason concerns a slice or the session. */
  readonly port?: number | undefined
  /** How long the reason lasts at most, in ms. */
  readonly leftMs?: number | undefined
  /** Who has it. */
  readonly holder?: HolderInfo | undefined
}

/** A slice that is held now. */
export interface HeldSlice {
  /** The ports that are quarantined in it, and those that a key had last. */
  readonly left: readonly LeftPort[]
}

/** A slice in a listing. */
export interface ListedSlice {
  /** The first port. */
  readonly first: number
  /** Whether its holder is alive. */
  readonly isHeld: boolean
  /** The current or last holder. */
  readonly holder?: HolderInfo | undefined
  /** Since when, in ms since 1970, by the clock of the server. */
  readonly sinceMs: number
}

/** A port in a listing. */
export interface ListedPort extends PortUse {
  /** `leaked` ports were released while the app still listened. */
  readonly state: 'out' | 'leaked' | 'quarantined'
  /** Whether it was claimed as a fixed port. */
  readonly isClaim: boolean
  /** Who has or had it. */
  readonly holder?: HolderInfo | undefined
  /** Since when, in ms since 1970, by the clock of the server. */
  readonly sinceMs: number
  /** How long its quarantine still lasts, in ms. */
  readonly leftMs: number
}

/** The slices and ports of a host that the coordinator knows. */
export interface Listing {
  /** Ascending. */
  readonly slices: readonly ListedSlice[]
  /** Ascending. */
  readonly ports: readonly ListedPort[]
}

/** Slices and ports that a process holds. */
export interface Holdings {
  /** The first port of each slice. */
  readonly slices: readonly number[]
  /** The ports that are out. */
  readonly ports: readonly PortUse[]
}

/** The result of a check of a coordinator, for `portslice doctor`. */
export interface CoordinatorCheck {
  /** Such as `PostgreSQL 17.5`. */
  readonly server: string
  /** How long a round trip takes, in ms. */
  readonly latencyMs: number
  /** Problems of the server, and what to do about each; empty for a healthy server. */
  readonly problems: readonly { readonly problem: string; readonly advice: string }[]
}

/**
 * One connection of one process to a database that decides who has the ports of a host. When the session ends,
 * the server frees its slices and quarantines its ports, without help of the process. Then each call rejects, and a new session
 * of the same owner takes over with `resume`. If a call has no answer in time, the session is lost. All times
 * are measured by the clock of the server.
 */
export interface CoordinatorSession {
  /** Holds a slice if no other session does. */
  holdSlice(first: number): Promise<HeldSlice | Refusal>
  /** The slices that any session holds. The process tries other slices first. */
  heldSlices(): Promise<readonly number[]>
  /**
   * Takes all of the ports or none, in one round trip, and records them.
   *
   * @param slice the first port of the held slice that they are in; without it they are claims
   */
  takePorts(uses: readonly PortUse[], slice?: number): Promise<Refusal | undefined>
  /** Gives back a port. @param leaked whether the app still listens */
  releasePort(port: number, leaked: boolean): Promise<void>
  /** Gives back a slice. None of its ports may be out. */
  releaseSlice(first: number): Promise<void>
  /** Holds these again unless other processes have them; releases all others of this owner. @returns those held */
  resume(holdings: Holdings): Promise<Holdings>
  /** The slices and ports of the host. */
  list(): Promise<Listing>
  /** The events of a port, newest first. */
  history(port: number): Promise<PortEvent[]>
  /** Checks the server for `portslice doctor`. */
  check(): Promise<CoordinatorCheck>
  /** Gives back all slices and ports, and ends the connection. */
  close(): Promise<void>
}

/** How a session is opened. */
export interface SessionOptions {
  /** The URL of the database. */
  readonly url: string
  /** The host whose ports are leased. */
  readonly host: string
  /** The same for all sessions of a process (or worker thread); a UUID. */
  readonly owner: string
  /** The process that opens the session. */
  readonly holder: HolderInfo
  /** Called once, as soon as the process notices that the session has ended. */
  readonly onLost: (reason: string) => void
}

/** The exports of a package for one kind of database. */
export interface CoordinatorModule {
  /**
   * Opens a session. It must not keep the process alive while no call is waiting.
   *
   * @throws PortsliceError ERR_PORTSLICE_COORDINATOR if the database cannot be used
   */
  openSession(options: SessionOptions): Promise<CoordinatorSession>
}
