import type { TestInfo } from '@playwright/test'
import type { PortUse } from '@portslice/core/internal'
import { loadCore } from './load-core.js'

/** The reporter reads it; the underscore hides it from others. */
export const ATTACHMENT = '_portslice'

const PORTS_ANNOTATION = 'ports'

/** As an annotation, and with times for our own reporter. */
export async function attachPorts(testInfo: TestInfo, ports: readonly PortUse[]): Promise<void> {
  if (ports.length > 0) {
    const description = ports.map(formatPort).join(', ')
    testInfo.annotations.push({ type: PORTS_ANNOTATION, description })
  }
  const { isPortReportRequested, takeWorkerUse } = await loadCore()
  if (!isPortReportRequested()) return
  const worker = takeWorkerUse()
  if (ports.length + worker.ports.length + worker.slices.length === 0) return
  const body = JSON.stringify({ ports, worker })
  await testInfo.attach(ATTACHMENT, { body, contentType: 'application/json' })
}

/** `20003 (api)` */
function formatPort({ port, label }: PortUse): string {
  return label === undefined ? `${port}` : `${port} (${label})`
}
