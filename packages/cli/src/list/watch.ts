/** Draws a text again and again in the same place, until a signal comes. */
import { createLogUpdate } from 'log-update'

/** How often to draw, in ms. */
const DRAW_INTERVAL_MS = 1000

/**
 * @param draw the text to be shown now
 * @returns when SIGINT, SIGTERM or SIGHUP has come
 */
export async function watch(
  stream: NodeJS.WriteStream,
  draw: () => Promise<string>,
): Promise<void> {
  const update = createLogUpdate(stream)
  const ended = new AbortController()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.once(signal, () => ended.abort())
  const redraw = new EventTarget()
  const onResize = () => redraw.dispatchEvent(new Event('now'))
  stream.on('resize', onResize)
  try {
    while (!ended.signal.aborted) {
      update((await draw()).trimEnd())
      await untilNext(ended.signal, redraw)
    }
  } finally {
    stream.off('resize', onResize)
    update.done() // Shows the cursor again.
  }
}

function untilNext(ended: AbortSignal, redraw: EventTarget): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, DRAW_INTERVAL_MS)
    const now = () => {
      clearTimeout(timer)
      resolve()
    }
    ended.addEventListener('abort', now, { once: true })
    redraw.addEventListener('now', now, { once: true })
    if (ended.aborted) now()
  })
}
