import { checkAdapterOptions } from '@portslice/core/internal'
import { inject } from 'vitest'
import type { ProvidedPortslice } from './provided.js'

/** What the plugin or the globalSetup has checked; without them, the environment alone. */
export function settings(): ProvidedPortslice {
  return inject('portslice') ?? { ...checkAdapterOptions(), isReported: false }
}
