/** Is the lock directory safe, and can it be written to? Nothing is left in it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {
  canHaveLivenessSockets,
  checkLockDirectory,
  checkPrivateDirectory,
  codeOf,
  hostIdentity,
  inspect,
  lockDirectoryFor,
  MAX_SOCKET_PATH_BYTES,
  userIdentity,
} from '@portslice/core/internal/inspect'
import { type Finding, problem } from './finding.js'

const WITHOUT_FILES =
  'If nothing at all can be written to: export PORTSLICE_LOCK_DIR=none. Ports are then unique in this network namespace only, and the ports of a crashed process are not quarantined.'

export async function lockDirectoryFindings(
  env: NodeJS.ProcessEnv = process.env,
): Promise<Finding[]> {
  const folder = lockDirectoryFor(undefined)
  if (folder === undefined) {
    return [
      {
        id: 'lock-directory',
        level: 'note',
        message:
          "portslice runs without files, from $PORTSLICE_LOCK_DIR=none: ports are unique in this network namespace only, the ports of a crashed process are not quarantined, a key does not get its port back, and 'portslice list' does not name holders.",
        advice: 'Unset $PORTSLICE_LOCK_DIR if a directory can be written to.',
      },
    ]
  }
  let isThere: boolean
  try {
    isThere = checkLockDirectory(folder)
  } catch (error) {
    return [withPermissionAdvice(problem('lock-directory', error), error, folder)]
  }
  let socketError: unknown
  try {
    socketError = await tryToUse(isThere ? folder : nearestFolder(folder))
  } catch (error) {
    const found: Finding = {
      id: 'lock-directory',
      level: 'problem',
      message: `The lock directory ${inspect(folder)} cannot be ${isThere ? 'written to' : 'made'} (${(error as Error).message}).`,
      advice: `Name another directory of your own in $PORTSLICE_LOCK_DIR, on a disk that has room and may be written to. ${WITHOUT_FILES}`,
    }
    return [withPermissionAdvice(found, error, folder)]
  }
  return [
    usableFinding(folder, isThere, env),
    ...(process.platform === 'win32' ? [] : [livenessFinding(folder, socketError)]),
  ]
}

/** One that works, and what is odd about how it was chosen. */
function usableFinding(folder: string, isThere: boolean, env: NodeJS.ProcessEnv): Finding {
  const named = env.PORTSLICE_LOCK_DIR
  const source = named ? '$PORTSLICE_LOCK_DIR' : 'the directory for temporary files'
  const message = `The lock directory is ${inspect(folder)}, from ${source}. ${
    isThere
      ? 'It is yours, no other user can write to it, and you can.'
      : 'It is made when it is first needed.'
  }`
  const relative = named ? named : os.tmpdir()
  const odd = [
    ...relativeNote(relative, named ? '$PORTSLICE_LOCK_DIR' : '$TMPDIR', folder),
    ...(named ? [] : passedOverNote(folder)),
  ]
  if (odd.length === 0) return { id: 'lock-directory', level: 'ok', message }
  return {
    id: 'lock-directory',
    level: 'note',
    message: [message, ...odd.map(([what]) => what)].join(' '),
    advice: odd.map(([, advice]) => advice).join('\n'),
  }
}

type Note = [what: string, advice: string]

function relativeNote(given: string, variable: string, folder: string): Note[] {
  const { root } = path.parse(given)
  // On Windows `/tmp` is absolute, but on the drive that the process works on.
  if (path.isAbsolute(given) && (process.platform !== 'win32' || root.length > 1)) return []
  return [
    [
      `${variable} is ${inspect(given)}, which each process takes from the directory that it starts in: processes that start elsewhere have another lock directory, and do not see these locks and quarantines.`,
      `Name it as an absolute path: export ${variable.slice(1)}=${path.resolve(variable === '$TMPDIR' ? path.dirname(folder) : folder)}`,
    ],
  ]
}

/** The default name, if it is not this user's: then another one is used. */
function passedOverNote(folder: string): Note[] {
  const usual = path.join(path.dirname(folder), `portslice-${userIdentity()}`)
  if (usual === folder) return []
  const found = checkPrivateDirectory(usual)
  if (found.state !== 'unfit') return []
  return [
    [
      `The default ${inspect(usual)} is passed over, as it ${found.why}.`,
      `Nothing needs to be done: all your processes on this machine choose ${inspect(folder)}. The other may be removed if it is not needed.`,
    ],
  ]
}

/** Whether other containers can see that a holder is alive. */
function livenessFinding(folder: string, socketError: unknown): Finding {
  const costs =
    'Whether a holder in another network namespace is alive is then decided by the age of its lock: one that is blocked for more than 10 s can lose it, and the slice of one that has died is free 10 s later.'
  if (!canHaveLivenessSockets(folder, hostIdentity())) {
    return {
      id: 'liveness',
      level: 'note',
      message: `The path of the lock directory has ${Buffer.byteLength(folder)} bytes, too long for a UNIX socket in it: a socket's whole path may have ${MAX_SOCKET_PATH_BYTES}. ${costs}`,
      advice: 'Name a directory with a shorter path in $PORTSLICE_LOCK_DIR.',
    }
  }
  if (socketError !== undefined) {
    return {
      id: 'liveness',
      level: 'note',
      message: `No UNIX socket can be made in the lock directory (${(socketError as Error).message}). ${costs}`,
      advice:
        'Name a directory on a file system that has sockets in $PORTSLICE_LOCK_DIR, and allow this process to make them.',
    }
  }
  return {
    id: 'liveness',
    level: 'ok',
    message: 'Holders in other network namespaces can be asked whether they are alive.',
  }
}

function withPermissionAdvice(finding: Finding, error: unknown, folder: string): Finding {
  const { cause } = error as { cause?: unknown }
  if (![codeOf(error), codeOf(cause)].includes('ERR_ACCESS_DENIED')) return finding
  return {
    ...finding,
    advice: `Node's permission list forbids it: start Node with --allow-fs-read=${folder} --allow-fs-write=${folder}`,
  }
}

/**
 * Permissions tell little: root has them all, also where nothing can be written.
 *
 * @returns why no socket can be made there, if none can
 * @throws the system's error when nothing can be written
 */
async function tryToUse(folder: string): Promise<unknown> {
  const own = mkdtempSync(path.join(folder, 'portslice-doctor-'))
  try {
    const socket = path.join(own, 's')
    return Buffer.byteLength(socket) > MAX_SOCKET_PATH_BYTES ? undefined : await tryToListen(socket)
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}

function tryToListen(socket: string): Promise<unknown> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen(socket, () => server.close(() => resolve(undefined)))
  })
}

/** Where the folder would be made, or the first of those above it. */
function nearestFolder(folder: string): string {
  const parent = path.dirname(folder)
  return parent === folder || existsSync(parent) ? parent : nearestFolder(parent)
}
