import { checkAdapterOptions } from '@portslice/core/internal'
import { inject } from 'vitest'
import type { ProvidedPortslice } from './vitest-types.js'

/** The options of the plugin or the globalSetup; without them, those of the environment. */
export function projectOptions(): ProvidedPortslice {
  return inject('portslice') ?? { ...checkAdapterOptions(), isReported: false }
}
