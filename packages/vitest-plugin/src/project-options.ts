import { inject } from 'vitest'
import { loadCore } from './load-core.js'
import type { ProvidedPortslice } from './vitest-types.js'

/** The options from the plugin or the globalSetup or, without both, from environment variables. */
export async function projectOptions(): Promise<ProvidedPortslice> {
  const provided = inject('portslice')
  if (provided) return provided
  const { checkAdapterOptions } = await loadCore()
  return { ...checkAdapterOptions(), isReported: false }
}
