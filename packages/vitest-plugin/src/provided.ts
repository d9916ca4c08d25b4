/** What the main process tells the workers, and the workers tell it: through vitest's own channels. */
import type { AllocatorOptions } from '@portslice/core'
import type { LeakedPort, OnLeak } from '@portslice/core/internal'

/** From the main process to the fixtures: `provide` and `inject`. */
export interface ProvidedPortslice {
  /** What an allocator takes of the options. */
  allocator: AllocatorOptions
  /** What to do about leaked ports. */
  onLeak: OnLeak
  /** Whether the main process reports leaks at the end, so that the workers need not. */
  isReported: boolean
}

/** From a test to the main process: `task.meta`. */
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
