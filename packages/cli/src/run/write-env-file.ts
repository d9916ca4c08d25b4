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
import { type AssignedPort, environmentFor } from './pass-ports.js'
import { formatRun, identifyRun, parseRun, type RunIdentity, stateOfRun } from './run-identity.js'

const FIRST_LINE = /^# Written by portslice, pid \d+, for as long as it runs\.$/
const MAX_BYTES = 128 * 1024
const MAX_ATTEMPTS = 10

export interface EnvFile {
  /** Removes the file, unless it was changed or replaced. */
  remove(): void
}

/**
 * Writes the port variables to a file atomically, readable by this user only.
 *
 * @throws PortsliceError ERR_PORTSLICE_FILE if the file cannot be written, or exists and was not
 * left by a run that has ended
 */
export async function writeEnvFile(file: string, ports: readonly AssignedPort[]): Promise<EnvFile> {
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
      'Name a file in a directory that you can write to.',
      cause,
    )
  } finally {
    rmSync(draft, { force: true })
  }
  return {
    remove() {
      try {
        if (textOf(file) === text) rmSync(file, { force: true })
      } catch {
        // The next run replaces it.
      }
      run.close()
    },
  }
}

/** Links the draft to the file: if two runs start at the same time, only one succeeds. */
async function publish(file: string, text: string, draft: string): Promise<void> {
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const present = textOf(file)
    if (present !== undefined) await removeLeftover(file, present, `${draft}.old`)
    if (linkIfMissing(draft, file)) return
  }
  throw new Error('other runs keep writing it')
}

function linkIfMissing(draft: string, file: string): boolean {
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
  }
  // FAT and some shared directories do not support links.
  try {
    copyFileSync(draft, file, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Removes the file of a dead run, but not the user's own file or that of a live run. */
async function removeLeftover(file: string, text: string, aside: string): Promise<void> {
  const run = await checkLeftover(file, text)
  renameSync(file, aside)
  // If another run has replaced the file since it was read, restore it.
  if (textOf(aside) !== text) linkIfMissing(aside, file)
  else if (run.socket !== '-') rmSync(path.join(path.dirname(file), run.socket), { force: true })
  rmSync(aside, { force: true })
}

function textOf(file: string): string | undefined {
  try {
    // `readOwnFile` checks again, because the file could be replaced after `lstat`.
    const found = lstatSync(file).isFile() ? readOwnFile(file, MAX_BYTES) : undefined
    if (!found) throw notRegularFile(file)
    return found.text
  } catch (cause) {
    if (cause instanceof PortsliceError) throw cause
    if (codeOf(cause) === 'ENOENT') return undefined
    throw refusal(
      file,
      `cannot be read to check who wrote it (${(cause as Error).message})`,
      'Name another file.',
      cause,
    )
  }
}

function notRegularFile(file: string): PortsliceError {
  return refusal(
    file,
    'is not a regular file, but a directory, a link, a pipe or a device',
    'Name a file that does not exist: it is created, and removed at the end.',
  )
}

async function checkLeftover(file: string, text: string): Promise<RunIdentity> {
  const [first = '', second = ''] = text.split('\n')
  const run = FIRST_LINE.test(first) ? parseRun(second) : undefined
  if (!run) {
    throw refusal(
      file,
      'exists and was not written by portslice',
      "Name another file, such as '.env.ports', or remove this file if it is not needed.",
    )
  }
  const state = await stateOfRun(run, path.dirname(file))
  if (state === 'dead') return run
  if (state === 'alive') {
    throw refusal(
      file,
      `belongs to another run that is active (pid ${run.pid})`,
      'Use a separate file for each run, or wait until that run has ended.',
    )
  }
  throw refusal(
    file,
    `belongs to another run (pid ${run.pid}) that may still be active: it started in another container, on another machine, or before the last reboot`,
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
