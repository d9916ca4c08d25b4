import type { AllocatorOptions } from '@portslice/core'
import type { LeakedPort, OnLeak } from '@portslice/core/internal'

/** Sent from the main process to the fixtures, by `provide` and `inject`. */
export interface ProvidedPortslice {
  /** The options of the allocator. */
  allocator: AllocatorOptions
  /** What to do about leaked ports. */
  onLeak: OnLeak
  /** Whether the main process reports leaks at the end; otherwise the workers do. */
  isReported: boolean
}

/** Sent from a test to the main process, by `task.meta`. */
export interface PortsliceMeta {
  /** The ports on which something still listened when the test had ended. */
  leaked: LeakedPort[]
}

declare module 'vitest' {
  interface ProvidedContext {
    portslice?: ProvidedPortslice
  }
  interface TaskMeta {
    portslice?: PortsliceMeta
  }
}
