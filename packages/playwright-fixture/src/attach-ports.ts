import type { TestInfo } from '@playwright/test'
import type { PortUse } from '@portslice/core/internal'
import { loadCore } from './load-core.js'

/** The attachment that our reporter reads. The underscore hides it in other reporters. */
export const ATTACHMENT = '_portslice'

const PORTS_ANNOTATION = 'ports'

/** Adds the ports of a test as an annotation and, for our reporter, as an attachment with times. */
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
