/** Takes and releases ports in alternating blocks, with subscribers to events and without any events. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { readPlan } from 'portslice-test/support/script'
import { type Blocks, inBlocks } from './alternate-blocks.ts'
import { whenAllAreReady } from './when-all-are-ready.ts'

const { folder, ...blocks } = readPlan<Blocks & { folder: string }>()
const DIST = fileURLToPath(new URL('.', import.meta.resolve('@portslice/core')))

/** A copy of the built package, with separate state. */
async function copyOf(name: string, edit: (code: string) => string) {
  const copy = path.join(folder, name)
  cpSync(DIST, copy, { recursive: true })
  writeFileSync(path.join(copy, 'package.json'), '{ "type": "module" }')
  for (const file of readdirSync(copy).filter((each) => each.endsWith('.js'))) {
    const code = readFileSync(path.join(copy, file), 'utf8')
    writeFileSync(path.join(copy, file), edit(code).replaceAll('portslice:', `${name}:`))
  }
  const { createAllocator } = await import(pathToFileURL(path.join(copy, 'index.js')).href)
  const allocator = await createAllocator()
  return async () => {
    const lease = await allocator.take()
    await lease.release()
  }
}

let removed = 0
const withoutEvents = await copyOf('without', (code) =>
  code.replaceAll(/[\w$]+\.\w+\.hasSubscribers/g, () => {
    removed++
    return 'false'
  }),
)
if (removed === 0) throw new Error('No events were found in the built package.')
const unobserved = await copyOf('unobserved', (code) => code)
const observed = await copyOf('observed', (code) => code)
const { subscribe } = process.getBuiltinModule('node:diagnostics_channel')
for (const name of ['take', 'release']) subscribe(`observed:${name}`, () => {})

whenAllAreReady(() =>
  inBlocks(
    { 'events removed': withoutEvents, 'no subscriber': unobserved, subscribed: observed },
    blocks,
  ),
)
