import type { AllocatorOptions } from '@portslice/core'
import type { LeakedPort, OnLeak, PortUse, WorkerUse } from '@portslice/core/internal'
import type { PortTable } from './ports-option.js'

/** From the main process to the fixtures, by `provide` and `inject`. */
export interface ProvidedPortslice {
  /** The options of the allocator. */
  allocator: AllocatorOptions
  /** What to do about leaked ports. */
  onLeak: OnLeak
  /** Whether the main process reports leaks at the end; otherwise the workers do. */
  isReported: boolean
  /** Whether each test file has a worker, or in vm pools globals, of its own. */
  isIsolated?: boolean
  /** `sequence.hooks` of the vitest config. */
  hooks?: string
}

/** From a test to the main process, by `task.meta`. */
export interface PortsliceMeta {
  /** Where something still listened when the test had ended. */
  leaked: LeakedPort[]
  /** With the times at which the test had them. */
  ports?: PortUse[]
  /** With what it has besides the ports of its tests. */
  worker?: WorkerUse
  /** Of a file: the ports that its hooks, suites and top level left in use. */
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
