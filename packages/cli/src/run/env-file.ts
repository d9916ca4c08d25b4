/** The ports as a file, for tools that read one: there as long as the program runs. */
import { randomUUID } from 'node:crypto'
import { lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { codeOf, inspect, listSlices, PortsliceError, readOwnFile } from '@portslice/core/inspect'
import type { GivenPort } from './ports.js'

/** By its first line a file of ours is known, and whose it is. */
const FIRST_LINE = /^# Written by portslice, pid (\d+), for as long as it runs\.$/
/** Read of a file to see whose it is; no file of ours is longer, with a thousand ports. Bytes. */
const ENOUGH = 128 * 1024

export interface EnvFile {
  /** Removes it, if it still is the one that was written. */
  remove(): void
}

/**
 * Writes `PORT=20000` and so on, in one step, readable by the user alone.
 *
 * @throws PortsliceError ERR_PORTSLICE_FILE when there is a file that is not ours to replace,
 *   or whose ports are out, and when it cannot be written
 */
export async function writeEnvFile(file: string, ports: readonly GivenPort[]): Promise<EnvFile> {
  const present = textOf(file)
  if (present !== undefined) await checkReplaceable(file, present)
  const text = [
    `# Written by portslice, pid ${process.pid}, for as long as it runs.`,
    ...ports.map(({ variable, port }) => `${variable}=${port}`),
    '',
  ].join('\n')
  const draft = `${file}.${randomUUID()}.new`
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
    renameSync(draft, file)
  } catch (cause) {
    rmSync(draft, { force: true })
    throw refusal(
      file,
      `cannot be written (${(cause as Error).message})`,
      'Name a file in a folder that you may write to.',
      cause,
    )
  }
  return {
    remove() {
      // Another run may have written its own meanwhile, or somebody have changed it.
      try {
        if (textOf(file) === text) rmSync(file, { force: true })
      } catch {
        // Then it stays, and the next run replaces it.
      }
    },
  }
}

/** The first of it, or `undefined` when there is none. */
function textOf(file: string): string | undefined {
  try {
    // Another may have come into its place after the first look.
    const found = lstatSync(file).isFile() ? readOwnFile(file, ENOUGH) : undefined
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
    'is no plain file, but a folder, a link, a pipe or a device',
    'Name a file that is not there yet: it is made, and removed at the end.',
  )
}

/** Somebody's own `.env` is not overwritten, and neither is that of a run that goes on. */
async function checkReplaceable(file: string, text: string): Promise<void> {
  const [first = '', ...lines] = text.split('\n')
  const pid = FIRST_LINE.exec(first)?.[1]
  if (pid === undefined) {
    throw refusal(
      file,
      'is there already and was not written by portslice',
      "Name another file, such as '.env.ports', or remove this one if it is not needed.",
    )
  }
  const noted = new Set(lines.map((line) => Number(/=(\d+)$/.exec(line)?.[1])))
  const slices = await listSlices()
  const isInUse = slices.some(
    ({ holder, ports }) =>
      holder?.pid === Number(pid) &&
      ports.some(({ port, state }) => state === 'out' && noted.has(port)),
  )
  if (isInUse) {
    throw refusal(
      file,
      `belongs to another run that goes on (pid ${pid})`,
      'Give each run a file of its own, or wait until that one has ended.',
    )
  }
}

function refusal(file: string, why: string, advice: string, cause?: unknown): PortsliceError {
  return new PortsliceError('ERR_PORTSLICE_FILE', `The file ${inspect(file)} ${why}.`, {
    value: file,
    advice,
    cause,
  })
}
