/**
 * Runs random schedules of what processes do and what happens to them, and checks each step against a
 * model of which process may have which port. A schedule that fails is shrunk.
 *
 *   node test/model/run.ts [--seed N] [--path P] [--steps N] [--minutes N] [--shrink-minutes N] [--here]
 *
 * With `--minutes` it continues with the seeds that follow. `--path` runs a shrunk schedule again. If
 * possible it runs in a network namespace of its own, where no other program leases its slices;
 * `--here` runs it in this one.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { execa } from 'execa'
import fc from 'fast-check'
import { NetworkNamespace } from '../support/namespaces.ts'
import { schedules } from './commands.ts'
import { Simulation } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    path: { type: 'string' },
    steps: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '0' },
    'shrink-minutes': { type: 'string', default: '10' },
    here: { type: 'boolean', default: false },
  },
})
if (!values.here) {
  const network = await NetworkNamespace.make()
  if (typeof network === 'string') {
    console.log(`beside other programs that lease ports here: ${network}`)
  } else {
    const again = [fileURLToPath(import.meta.url), ...process.argv.slice(2), '--here']
    const [command, ...args] = [...network.by, process.execPath, ...again]
    const { exitCode } = await execa(command as string, args, { stdio: 'inherit', reject: false })
    await network[Symbol.asyncDispose]()
    process.exit(exitCode ?? 1)
  }
}

const totals = { steps: 0, handOuts: 0 }
let failed: { log: readonly string[]; message: string } | undefined

/** The path of fast-check and the one of its commands are one option here. */
const [shrunk, replayPath] = values.path?.split('#') ?? []

const property = fc.asyncProperty(schedules(Number(values.steps), replayPath), async (commands) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'portslice-model-'))
  const simulation = new Simulation(directory)
  try {
    await fc.asyncModelRun(() => ({ model: simulation.model, real: simulation }), commands)
    await simulation.end()
  } catch (error) {
    failed = { log: simulation.log, message: (error as Error).message }
    throw error
  } finally {
    await simulation[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true, force: true, maxRetries: 20 })
    totals.steps += simulation.log.length
    totals.handOuts += simulation.handOuts
  }
})

const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const end = performance.now() + Number(values.minutes) * 60_000
let seed = firstSeed
do {
  const details = await fc.check(property, {
    seed,
    ...(shrunk !== undefined && { path: shrunk, endOnFailure: true }),
    numRuns: 1,
    unbiased: true,
    interruptAfterTimeLimit: Number(values['shrink-minutes']) * 60_000,
  })
  if (details.failed && failed) {
    const [commands] = details.counterexample ?? []
    const [, replay = ''] = /replayPath="([^"]*)"/.exec(String(commands)) ?? []
    console.log(failed.log.join('\n'))
    console.log(`\nseed ${seed}, ${details.numShrinks} times shrunk:\n${failed.message}`)
    console.log(
      `again: node test/model/run.ts --seed ${seed} --steps ${values.steps} --path "${details.counterexamplePath}#${replay}"`,
    )
    break
  }
  if (!failed) seed++
} while (performance.now() < end)

console.log(
  `${totals.steps} steps, ${totals.handOuts} hand-outs, seeds ${firstSeed} to ${failed ? seed : seed - 1}: ${failed ? 'one is wrong' : 'none is wrong'}`,
)
process.exitCode = failed ? 1 : 0
