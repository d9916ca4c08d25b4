/** When a port was handed out, seen in use and given back; times in ms since 1970. */
export interface PortUse {
  /** Its number. */
  port: number
  /** The label that it was taken with, if any. */
  label?: string
  /** When it was asked for. */
  requestedAt: number
  /** When it was handed out; later than `requestedAt` by the time that the caller waited. */
  takenAt: number
  /** When it was given back; missing while it is out. */
  releasedAt?: number
  /** Whether something still listened when it was given back. */
  leaked?: true
  /** What was seen listening on it; only recorded for the report of a run. */
  listeners?: PortListener[]
}

/** A process that was seen on a port. */
export interface PortListener {
  /** When it was first seen; for servers in the process of the test, when it began to listen. */
  since: number
  /** Missing if the system does not show it, as the other two. */
  pid?: number
  /** Its command with arguments. */
  command?: string
  /** True for a process that this worker has not started. */
  isForeign?: true
  /** True if it kept a server of this process from listening (EADDRINUSE). */
  isInTheWay?: true
}

/** The wait of a worker for a slice. */
export interface SliceUse {
  /** The first port. */
  first: number
  /** The last port. */
  last: number
  /** When the worker asked for it. */
  requestedAt: number
  /** When it had it. */
  leasedAt: number
}

/** What a worker has besides the ports of its tests. */
export interface WorkerUse {
  /** 1-based, as the test runner counts. */
  id: number
  /** Its process. */
  pid: number
  /** The slices that it has leased. */
  slices: SliceUse[]
  /** The ports that outlive a test, such as those of apps. */
  ports: PortUse[]
}
