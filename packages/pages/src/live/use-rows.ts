import { useEffect, useState } from 'preact/hooks'
import { applyChange } from './row-changes.js'
import type { Change, Rows } from './rows.js'

export type Connection = 'connecting' | 'live' | 'lost'

/** The current rows. The server sends an event for each change. */
export function useRows(): { rows: Rows | undefined; connection: Connection } {
  const [rows, setRows] = useState<Rows>()
  const [connection, setConnection] = useState<Connection>('connecting')
  useEffect(() => {
    const source = new EventSource('events')
    source.addEventListener('open', () => setConnection('live'))
    source.addEventListener('error', () => setConnection('lost')) // EventSource reconnects.
    source.addEventListener('snapshot', ({ data }) => setRows(JSON.parse(data) as Rows))
    source.addEventListener('change', ({ data }) => {
      setRows((known) => applyChange(known ?? {}, JSON.parse(data) as Change))
    })
    return () => source.close()
  }, [])
  return { rows, connection }
}

/** The current time, updated every second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}
