import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogUpdate } from 'log-update'

const DRAW_INTERVAL_MS = 1000

/** Redraws a table every second, until a signal. */
export async function watch(
  stream: NodeJS.WriteStream,
  draw: () => Promise<string>,
): Promise<void> {
  const update = createLogUpdate(stream)
  const end = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => end.abort())
  try {
    while (!end.signal.aborted) {
      update((await draw()).trimEnd())
      const next = new AbortController()
      const signal = AbortSignal.any([end.signal, next.signal])
      const waits = [
        sleep(DRAW_INTERVAL_MS, undefined, { signal }),
        once(stream, 'resize', { signal }),
      ]
      await Promise.race(waits).catch(() => {}) // Aborted by a signal.
      next.abort()
    }
  } finally {
    update.done() // Shows the cursor again.
  }
}
