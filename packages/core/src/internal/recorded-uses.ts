/** A port that a test had, for reporters. Times in ms since 1970. */
export interface RecordedUse {
  port: number
  label?: string
  requestedAt: number
  /** Later than `requestedAt` by the time that the caller waited. */
  takenAt: number
  /** Missing while it is out. */
  releasedAt?: number
  leaked?: true
  /** Only recorded for the report of a run. */
  listeners?: PortListener[]
}

export interface PortListener {
  /** When first seen; for servers in the process of the test, when it began to listen. */
  since: number
  /** Missing if the system does not show it, as the other two. */
  pid?: number
  command?: string
  /** A process that this worker has not started. */
  isForeign?: true
  /** It kept a server of this process from listening (EADDRINUSE). */
  isInTheWay?: true
}

/** The wait of a worker for a slice. */
export interface SliceUse {
  first: number
  last: number
  requestedAt: number
  leasedAt: number
}

/** What a worker has besides the ports of its tests. */
export interface WorkerUse {
  id: number
  pid: number
  slices: SliceUse[]
  /** Those that outlive a test, such as those of apps. */
  ports: RecordedUse[]
}
