/** The thread that renews the session. */
import { parentPort, workerData } from 'node:worker_threads'
import { fieldsOf, messageOf } from '@portslice/core/internal'
import { Connection } from './connection.js'
import type { RenewalMessage, RenewalRequest, RenewalTarget } from './renewal.js'
import { SESSION_MS } from './script.js'

const INTERVAL_MS = 4000
const RETRY_INTERVAL_MS = 500
/** Without a renewal for this long, the session may have expired before the next one arrives. */
const MAX_AGE_MS = SESSION_MS - 3000

const target = workerData as RenewalTarget
let connection: Connection | undefined
let renewedAt = performance.now()

function report(message: RenewalMessage): void {
  parentPort?.postMessage(message)
}

function end(reason: string): void {
  report({ lost: reason })
  process.exit()
}

async function renew(): Promise<void> {
  const startedAt = performance.now()
  try {
    if (connection === undefined || connection.lost !== undefined) {
      connection = await Connection.open(target, () => {})
    }
    const answer = fieldsOf(await connection.run('renew'))
    if (answer.isEnded === true) return end('the session has ended on the server')
    // Count from before the request, because the server may have handled it at once.
    renewedAt = startedAt
    report({ renewedAt: answer.at })
  } catch (error) {
    if (performance.now() - renewedAt > MAX_AGE_MS) end(messageOf(error))
  }
}

async function keepRenewing(): Promise<void> {
  await renew()
  const isFailing = connection === undefined || connection.lost !== undefined
  setTimeout(() => void keepRenewing(), isFailing ? RETRY_INTERVAL_MS : INTERVAL_MS)
}

/** Ends the session on the server. The main thread waits for this before it exits. */
async function close(): Promise<void> {
  try {
    if (connection?.lost === undefined) await connection?.run('close')
  } finally {
    const closed = new Int32Array(target.closed)
    Atomics.store(closed, 0, 1)
    Atomics.notify(closed, 0)
  }
}

parentPort?.on('message', (request: RenewalRequest) => {
  if (request === 'close') return void close().catch(() => {})
  renewedAt = performance.now()
  void keepRenewing()
})
// Connect before the session is opened, so that it can be renewed at once.
Connection.open(target, () => {}).then(
  (opened) => {
    connection = opened
    report({ isReady: true })
  },
  // The first renewal connects again.
  () => report({ isReady: true }),
)
