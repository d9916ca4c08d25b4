import type { Source } from '../suite/environment.ts'
import type { Checkouts } from './checkouts.ts'
import { load, type Run } from './load.ts'
import type { Progress } from './progress.ts'
import { createRecords, type Sight, summarize, watch } from './watcher.ts'

export interface Measurement {
  source: Source
  title: string
  runs: Run[]
  sight: Sight
  seconds: number
}

const TITLES: Record<Source, string> = {
  portslice: 'portslice',
  'get-port': 'getPort()',
  'get-port-range': 'getPort(range)',
}

export async function measure(
  source: Source,
  options: { checkouts: Checkouts; browser: object; progress: Progress; signal: AbortSignal },
): Promise<Measurement> {
  const { checkouts, browser, progress, signal } = options
  const title = TITLES[source]
  const records = createRecords(checkouts.folder(`records-${source}`))
  const start = performance.now()
  const seconds = () => (performance.now() - start) / 1000

  const over = new AbortController()
  const watching = watch(
    records,
    { intervalMs: progress.intervalMs, signal: over.signal },
    (sight) => progress.show(title, sight, seconds()),
  )
  watching.catch(() => {}) // Awaited below; until then a failure must not end the process.
  try {
    const runs = await load({
      source,
      records,
      browser,
      checkouts: checkouts.folders,
      reports: checkouts.folder(`reports-${source}`),
      signal,
      onEnd: (run) => progress.ended(title, run),
    })
    return { source, title, runs, sight: summarize(records), seconds: seconds() }
  } finally {
    over.abort()
    await watching
  }
}
