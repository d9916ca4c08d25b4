/** The ports as a file, for tools that read one: there as long as the program runs. */
import { randomUUID } from 'node:crypto'
import {
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { codeOf, inspect, PortsliceError, readOwnFile } from '@portslice/core/internal/inspect'
import { environmentFor, type GivenPort } from './ports.js'
import { formatRun, identifyRun, parseRun, type RunIdentity, stateOfRun } from './run-identity.js'

const FIRST_LINE = /^# Written by portslice, pid \d+, for as long as it runs\.$/
/** Read of a file to see whose it is; with a thousand ports, ours is not longer. */
const MAX_BYTES = 128 * 1024
/** Each time, the file of another dead run was in the way. */
const MAX_ATTEMPTS = 10

export interface EnvFile {
  /** Removes it, if it still is the one that was written. */
  remove(): void
}

/**
 * Writes what the program has in its environment, in one step, readable by the user alone.
 *
 * @throws PortsliceError ERR_PORTSLICE_FILE when there is a file that is not ours to replace,
 *   or whose run is not known to have ended, and when it cannot be written
 */
export async function writeEnvFile(file: string, ports: readonly GivenPort[]): Promise<EnvFile> {
  const directory = path.dirname(file)
  const run = await identifyRun(directory)
  const text = [
    `# Written by portslice, pid ${process.pid}, for as long as it runs.`,
    formatRun(run.identity),
    ...Object.entries(environmentFor(ports)).map(([variable, port]) => `${variable}=${port}`),
    '',
  ].join('\n')
  const draft = `${file}.${randomUUID()}.new`
  try {
    await publish(file, text, draft)
  } catch (cause) {
    run.close()
    if (cause instanceof PortsliceError) throw cause
    throw refusal(
      file,
      `cannot be written (${(cause as Error).message})`,
      'Name a file in a directory that you may write to.',
      cause,
    )
  } finally {
    rmSync(draft, { force: true })
  }
  return {
    remove() {
      // Another run may have written its own meanwhile, or the user have changed it.
      try {
        if (textOf(file) === text) rmSync(file, { force: true })
      } catch {
        // Then it stays, and the next run replaces it.
      }
      run.close()
    },
  }
}

/** Two runs that start at once do not both get the file: a link is only made if there is none. */
async function publish(file: string, text: string, draft: string): Promise<void> {
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const present = textOf(file)
    if (present !== undefined) await removeLeftover(file, present, `${draft}.old`)
    if (linkIfMissing(draft, file)) return
  }
  throw new Error('other runs write it all the time')
}

function linkIfMissing(draft: string, file: string): boolean {
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
  }
  // FAT and some shared folders have no links.
  try {
    copyFileSync(draft, file, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Removes what a dead run has left; the user's own `.env`, or the file of a run that goes on, stays. */
async function removeLeftover(file: string, text: string, aside: string): Promise<void> {
  const run = await checkLeftover(file, text)
  renameSync(file, aside)
  // Another run may have replaced the file since it was read: then that one is put back.
  if (textOf(aside) !== text) linkIfMissing(aside, file)
  else if (run.socket !== '-') rmSync(path.join(path.dirname(file), run.socket), { force: true })
  rmSync(aside, { force: true })
}

/** The first of it, or `undefined` when there is none. */
function textOf(file: string): string | undefined {
  try {
    // Another may have come into its place after the first look.
    const found = lstatSync(file).isFile() ? readOwnFile(file, MAX_BYTES) : undefined
    if (!found) throw notPlain(file)
    return found.text
  } catch (cause) {
    if (cause instanceof PortsliceError) throw cause
    if (codeOf(cause) === 'ENOENT') return undefined
    throw refusal(
      file,
      `cannot be read to see whose it is (${(cause as Error).message})`,
      'Name another file.',
      cause,
    )
  }
}

function notPlain(file: string): PortsliceError {
  return refusal(
    file,
    'is not a plain file, but a directory, a link, a pipe or a device',
    'Name a file that does not exist yet: it is made, and removed at the end.',
  )
}

async function checkLeftover(file: string, text: string): Promise<RunIdentity> {
  const [first = '', second = ''] = text.split('\n')
  const run = FIRST_LINE.test(first) ? parseRun(second) : undefined
  if (!run) {
    throw refusal(
      file,
      'is there already and was not written by portslice',
      "Name another file, such as '.env.ports', or remove this one if it is not needed.",
    )
  }
  const state = await stateOfRun(run, path.dirname(file))
  if (state === 'dead') return run
  if (state === 'alive') {
    throw refusal(
      file,
      `belongs to another run that goes on (pid ${run.pid})`,
      'Give each run a file of its own, or wait until that one has ended.',
    )
  }
  throw refusal(
    file,
    `belongs to another run (pid ${run.pid}) of which portslice cannot tell whether it has ended: it is or was in another container, on another machine, or before the last reboot`,
    'Remove the file if that run has ended, or name another one.',
  )
}

function refusal(file: string, why: string, advice: string, cause?: unknown): PortsliceError {
  return new PortsliceError('ERR_PORTSLICE_FILE', `The file ${inspect(file)} ${why}.`, {
    value: file,
    advice,
    cause,
  })
}
