import type { AllocatorOptions } from '@portslice/core'
import type { LeakedPort, OnLeak, PortUse, WorkerUse } from '@portslice/core/internal'
import type { PortTable } from './ports-option.js'

/** What the main process passes to the fixtures by `provide` and `inject`. */
export interface ProvidedPortslice {
  /** The options of the allocator. */
  allocator: AllocatorOptions
  /** What to do about leaked ports. */
  onLeak: OnLeak
  /** Whether the main process reports leaks at the end; otherwise the workers do. */
  isReported: boolean
  /** Whether each test file has its own worker or, in vm pools, its own globals. */
  isIsolated?: boolean
  /** `sequence.hooks` of the vitest config. */
  hooks?: string
}

/** What a test passes to the main process by `task.meta`. */
export interface PortsliceMeta {
  /** Ports with a listener after the end of the test. */
  leaked: LeakedPort[]
  /** The ports of the test and when it had them. */
  ports?: PortUse[]
  /** The worker, with its slices and its ports that belong to no test. */
  worker?: WorkerUse
  /** On a file: the ports that its hooks, suites and top level left in use. */
  others?: {
    /** Such as `suite > beforeAll`. */
    owner: string
    /** The ports. */
    leaked: LeakedPort[]
  }[]
}

declare module 'vitest' {
  interface ProvidedContext {
    portslice?: ProvidedPortslice
    /** The ports of the plugin's option `ports`, by name. */
    portslicePorts: PortTable
  }
  interface TaskMeta {
    portslice?: PortsliceMeta
  }
}
