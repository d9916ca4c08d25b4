/**
 * Checks the model of the protocol (portslice.pml) with Spin: every property must hold, and every
 * mutant, which lacks one mechanism, must violate the property that the mechanism is there for.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MODEL = fileURLToPath(new URL('portslice.pml', import.meta.url))
/** Two searches at once stay below 4 GB. */
const SEARCHES_AT_ONCE = 2
const MEMORY_LIMIT_MB = 1900
const MAX_DEPTH = 2_000_000
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

const run = promisify(execFile)

const ONE_SLICE = ['SLICES=1', 'WORKERS=3', 'MAX_KILLS=2']
const TWO_SLICES = ['SLICES=2', 'WORKERS=3', 'MAX_KILLS=1']
const DEATH = ['SLICES=1', 'WORKERS=3', 'MAX_KILLS=1', 'WAITING', 'DEAD_IS_LEASED']
const turnOf = (process) => [
  ...['SLICES=1', 'WORKERS=2', 'MAX_KILLS=1', 'WAITING'],
  `GETS_TURN=${process}`,
]

const PROPERTIES = [
  ['1, 2: one slice, 3 workers and a claimer, 2 kills', ONE_SLICE],
  ['1, 2: two slices, 3 workers and a claimer, 1 kill', TWO_SLICES],
  ["3: a dead holder's slice is leased again", DEATH],
  ['4: a worker in namespace 0 gets a turn', turnOf(1)],
  ['4: a worker in namespace 1 gets a turn', turnOf(2)],
  ['4: a claimer gets a turn', turnOf(3)],
]

const unsafe = (property) => [...ONE_SLICE, 'MAX_STOPS=1', `PROPERTY=${property}`]
const MUTANTS = [
  ['NO_SENTINEL', 'a slice is leased without its sentinel', unsafe(1)],
  ['NO_LOCK', 'a slice is leased without its lock', unsafe(1)],
  ['AGE_ONLY', 'an old lock is broken without asking its liveness socket', unsafe(1)],
  ['SOCKET_AFTER_LOCK', 'the liveness socket listens after the lock was made', unsafe(1)],
  ['REMOVE_BY_PATH', 'the lock at the path is removed, whichever it is by then', unsafe(1)],
  ['NO_CLAIM_LOOK', 'a worker does not look at claim sockets', unsafe(1)],
  ['NO_SENTINEL_LOOK', 'a claimer does not look at the sentinel', unsafe(1)],
  ['NO_QUARANTINE', 'a worker ignores quarantines', unsafe(2)],
  ['NO_JOURNAL', 'ports are handed out without a line in the journal', unsafe(2)],
  ['NOT_PERSISTED', 'the new journal does not repeat the quarantines', unsafe(2)],
  ['CLAIM_NOT_QUARANTINED', 'a claimer ignores quarantines', unsafe(2)],
  ['CLAIM_NOT_NOTED', 'a claim is not noted', unsafe(2)],
  ['NEVER_BROKEN', 'the lock of a dead holder is never broken', DEATH],
  ['UNFAIR', 'newcomers may overtake any number of times', turnOf(1)],
  ['NO_OWN_CLAIM', 'a claim waits for a slice that its own process holds', turnOf(1)],
]

/** @returns the name of a missing tool, or `undefined` */
function findMissingTool() {
  return ['spin', 'gcc'].find((tool) => spawnSync(tool, ['--version']).error !== undefined)
}

async function search(defines) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'portslice-protocol-'))
  const isLiveness = defines.includes('WAITING')
  try {
    await run('spin', ['-a', ...defines.map((define) => `-D${define}`), MODEL], { cwd: directory })
    // `provided` clauses rule out partial order reduction.
    const flags = ['-O2', '-w', '-DNOREDUCE', '-DCOLLAPSE', `-DMEMLIM=${MEMORY_LIMIT_MB}`]
    flags.push(isLiveness ? '-DNFAIR=3' : '-DSAFETY')
    await run('gcc', [...flags, '-o', 'pan', 'pan.c'], { cwd: directory })
    const args = ['-n', `-m${MAX_DEPTH}`, ...(isLiveness ? ['-a', '-f'] : [])]
    const options = { cwd: directory, maxBuffer: MAX_OUTPUT_BYTES }
    return read((await run(path.join(directory, 'pan'), args, options)).stdout)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function read(output) {
  const find = (pattern) => pattern.exec(output)?.[1]
  const errors = find(/errors: (\d+)/)
  const violation = find(/pan:\d+: (assertion violated|acceptance cycle|.*)/)
  const isIncomplete = /Search not completed|search depth too small|out of memory|MEMLIM/.test(
    output,
  )
  let verdict = violation ?? 'holds'
  if (errors === undefined || (isIncomplete && violation === undefined)) verdict = 'incomplete'
  const states = Number(find(/(\d+) states, stored/))
  return { verdict, states, depth: Number(find(/depth reached (\d+)/)), output }
}

function printRow(isExpected, { verdict, states, depth, output }, name) {
  const cells = [
    isExpected ? 'ok  ' : 'FAIL',
    String(states).padStart(9),
    String(depth).padStart(7),
  ]
  console.log(`${cells.join(' ')}  ${verdict.padEnd(18)}  ${name}`)
  if (!isExpected) console.log(output)
}

async function checkProperty([name, defines]) {
  const result = await search(defines)
  const isExpected = result.verdict === 'holds'
  printRow(isExpected, result, name)
  return isExpected
}

async function checkMutant([mutant, name, defines]) {
  const result = await search([...defines, mutant])
  const isLiveness = defines.includes('WAITING')
  const isExpected = result.verdict === (isLiveness ? 'acceptance cycle' : 'assertion violated')
  const property = defines.find((each) => each.startsWith('PROPERTY='))?.at(-1)
  const number = property ?? (defines === DEATH ? 3 : 4)
  printRow(isExpected, result, `${number}: ${mutant}: ${name}`)
  return isExpected
}

/** @returns whether each check was passed */
async function checkAll(title, rows, check) {
  console.log(`\n${title}\n\n        states   depth  verdict`)
  const queue = [...rows]
  const results = []
  const work = async () => {
    for (let row = queue.shift(); row; row = queue.shift()) results.push(await check(row))
  }
  await Promise.all(Array.from({ length: SEARCHES_AT_ONCE }, work))
  return results.every(Boolean)
}

const missing = findMissingTool()
if (missing) {
  console.log(
    `The protocol was not checked: ${missing} is not installed (Debian: apt-get install spin gcc).`,
  )
} else {
  const holds = await checkAll('Properties: each must hold', PROPERTIES, checkProperty)
  const fails = await checkAll('Mutants: each must violate its property', MUTANTS, checkMutant)
  if (!holds || !fails) process.exitCode = 1
}
