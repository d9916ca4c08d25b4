/**
 * A program that starts the app of $COMMAND, says what runs, and stays until it is killed.
 *
 * $STARTS: a file to which each start of this program is written. $TAKEN_PORT: the port to use; it is
 * not leased, for runtimes on which core does not run. $EXEC_PATH: what Node says it is itself.
 */
import { appendFileSync } from 'node:fs'
import { startApp } from '@portslice/app-server'

const { COMMAND, STARTS, TAKEN_PORT, EXEC_PATH } = process.env
if (STARTS) appendFileSync(STARTS, `${process.pid}\n`)
if (EXEC_PATH) process.execPath = EXEC_PATH

// Only what the app server asks of an allocator.
const allocator = TAKEN_PORT && {
  takeMany: async () => [
    {
      port: Number(TAKEN_PORT),
      isListening: async () => false,
      release: async () => ({ leaked: false }),
    },
  ],
}

/** A CommonJS bundle has no await at its top. */
async function runApp(): Promise<void> {
  const app = await startApp(
    { command: COMMAND as string, ready: '/' },
    allocator ? { allocator: allocator as never } : {},
  )
  console.log(JSON.stringify({ url: app.url, pid: app.pid }))
  setTimeout(() => {}, 300_000)
}

void runApp()
