/** Causes errors and warnings that quote terminal escapes, and reports their messages. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAllocator, namedPort, PortsliceError, releasePort } from '@portslice/core'
import { collectWarnings, onWords, readPlan, say } from '../../support/script.ts'

export interface Plan {
  /** Of one slice, which this process holds. */
  range: readonly [number, number]
  /** Of a slice of another process, whose journal has terminal escapes. */
  heldRange: readonly [number, number]
  heldLockDirectory: string
  escapes: string
}

/** The message of each error and warning, by what caused it. */
export type Messages = Record<string, string>

const { range, heldRange, heldLockDirectory, escapes } = readPlan<Plan>()
const warnings = collectWarnings()
onWords({ end: () => process.exit() })
const folder = process.cwd()
const evil = path.join(folder, escapes)

const messages: Messages = {}
async function provoke(cause: string, task: () => Promise<unknown>): Promise<void> {
  try {
    await task()
    messages[cause] = 'there was none'
  } catch (error) {
    messages[cause] = error instanceof PortsliceError ? error.message : `foreign: ${error}`
  }
}

const at = (lockDirectory: string) => () => createAllocator({ range, lockDirectory })
writeFileSync(path.join(folder, 'file'), '')
symlinkSync(folder, `${evil}-link`)
await provoke('a lock directory that is a link', at(`${evil}-link`))
await provoke('a lock directory that cannot be created', at(path.join(folder, 'file', escapes)))
await provoke('a range', () => createAllocator({ range: escapes as never }))
await provoke('an option', () => createAllocator({ [escapes]: escapes } as never))
await provoke('a name', () => namedPort(escapes))
await provoke('a port', () => releasePort(escapes as never))
process.env.PORTSLICE_RANGE = escapes
await provoke('a variable', () => createAllocator({ lockDirectory: evil }))
delete process.env.PORTSLICE_RANGE
await provoke('a holder', () =>
  createAllocator({ range: heldRange, lockDirectory: heldLockDirectory, waitTimeout: 100 }),
)

const allocator = await createAllocator({ range, lockDirectory: evil })
const lease = await allocator.take({ label: escapes })
await provoke('a label', () => lease.untilListening({ timeout: 1 }))
// A link in place of the directory: the journal can no longer be written.
rmSync(evil, { recursive: true })
mkdirSync(`${evil}-elsewhere`)
symlinkSync(`${evil}-elsewhere`, evil)
await allocator.take()
await sleep(100)
messages['a warning'] = warnings.join('\n') || 'there was none'
say(messages)
process.exit()
