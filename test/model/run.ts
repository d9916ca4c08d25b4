/**
 * The model test: a seeded schedule of what processes do and what befalls them, checked step
 * by step against a simple model of who may hold what.
 *
 *   node test/model/run.ts [--seed N] [--steps N] [--minutes N]
 *
 * With `--minutes` it goes on with seeds that follow one another, `--steps` for each. Where it
 * may, it runs in a network namespace of its own: others who lease slices of its range would
 * look like holders that did not end. `--here` runs it in this one.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { NetworkNamespace } from '../support/namespaces.ts'
import { Random } from './random.ts'
import { STEPS, Stage } from './stage.ts'

/** Steps before a failure that are worth a look. */
const LAST_STEPS = 60

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '0' },
    here: { type: 'boolean', default: false },
  },
})
const network = values.here ? 'asked for' : await NetworkNamespace.make()
if (typeof network !== 'string') {
  const [command, ...args] = [...network.by, process.execPath, fileURLToPath(import.meta.url)]
  const child = spawn(command as string, [...args, ...process.argv.slice(2), '--here'], {
    stdio: 'inherit',
  })
  process.once('SIGTERM', () => child.kill())
  const [status] = await once(child, 'exit')
  await network[Symbol.asyncDispose]()
  process.exit(status ?? 1)
}
if (!values.here) console.log(`beside whoever else leases ports here: ${network}`)

const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const end = performance.now() + Number(values.minutes) * 60_000

let seed = firstSeed
let steps = 0
let handOuts = 0
let wrong: string[] = []
do {
  const outcome = await play(seed, Number(values.steps))
  steps += outcome.steps
  handOuts += outcome.handOuts
  wrong = outcome.wrong
  if (wrong.length > 0) {
    console.log(outcome.log.slice(-LAST_STEPS).join('\n'))
    console.log(`\nseed ${seed}, step ${outcome.steps}:\n${wrong.join('\n')}`)
    console.log(`again: node test/model/run.ts --seed ${seed} --steps ${values.steps}`)
  } else {
    seed++
  }
} while (wrong.length === 0 && performance.now() < end)

console.log(
  `${steps} steps, ${handOuts} hand-outs, seeds ${firstSeed} to ${wrong.length > 0 ? seed : seed - 1}: ${wrong.length} wrong`,
)
process.exitCode = wrong.length > 0 ? 1 : 0

async function play(withSeed: number, most: number) {
  const random = new Random(withSeed)
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-model-'))
  const stage = new Stage(random, folder)
  let step = 0
  try {
    while (step < most && stage.wrong.length === 0) {
      step++
      await stage.do(random.weighted(STEPS))
    }
    await stage.end()
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 })
  }
  return { steps: step, handOuts: stage.handOuts, wrong: stage.wrong, log: stage.log }
}
