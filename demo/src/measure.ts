import type { Source } from '../suite/environment.ts'
import type { Checkouts } from './checkouts.ts'
import { createRecords, type PortStats, summarize, watch } from './port-records.ts'
import type { Progress } from './progress.ts'
import { type Run, runSuites } from './run-suites.ts'

export interface Measurement {
  source: Source
  title: string
  runs: Run[]
  stats: PortStats
  seconds: number
}

const TITLES: Record<Source, string> = {
  portslice: 'portslice',
  'get-port': 'getPort()',
  'get-port-range': 'getPort(range)',
}

/** Runs the suites with one source of ports, and counts what happened to the ports. */
export async function measure(
  source: Source,
  options: { checkouts: Checkouts; browser: object; progress: Progress; signal: AbortSignal },
): Promise<Measurement> {
  const { checkouts, browser, progress, signal } = options
  const title = TITLES[source]
  const records = createRecords(checkouts.createDirectory(`records-${source}`))
  const start = performance.now()
  const seconds = () => (performance.now() - start) / 1000

  const over = new AbortController()
  const watched = watch(
    records,
    { intervalMs: progress.intervalMs, signal: over.signal },
    (stats) => progress.show(title, stats, seconds()),
  )
  watched.catch(() => {}) // Awaited below. Until then, an error must not end the process.
  try {
    const runs = await runSuites({
      source,
      records,
      browser,
      checkouts: checkouts.directories,
      reports: checkouts.createDirectory(`reports-${source}`),
      signal,
      onEnd: (run) => progress.ended(title, run),
    })
    return { source, title, runs, stats: summarize(records), seconds: seconds() }
  } finally {
    over.abort()
    await watched
  }
}
