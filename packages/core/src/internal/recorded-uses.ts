/** A port that a test or worker had, for reporters. Times are in ms since 1970. */
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
  /** `pid`, `command` and `isForeign` are missing if the system does not show the process. */
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

/** The slices of a worker, and its ports that belong to no test. */
export interface WorkerUse {
  id: number
  pid: number
  slices: SliceUse[]
  /** Such as the ports of apps, which outlive a test. */
  ports: RecordedUse[]
}
