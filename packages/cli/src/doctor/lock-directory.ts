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
  resolveLockDirectory,
  type System,
  system,
  userIdentity,
} from '@portslice/core/internal/inspect'
import { listNames } from '../terminal/format.js'
import { type Finding, note, ok, problem, problemFromError } from './finding.js'

const WITHOUT_FILES =
  'If no directory is writable: export PORTSLICE_LOCK_DIR=none. Ports are then unique in this network namespace only, and the ports of a crashed process are not quarantined.'

export async function lockDirectoryFindings(): Promise<Finding[]> {
  const directory = resolveLockDirectory(undefined)
  if (directory === undefined) {
    return [
      note(
        'lock-directory',
        "portslice uses no files, because of PORTSLICE_LOCK_DIR=none: ports are unique in this network namespace only, the ports of a crashed process are not quarantined, a key does not get its port back, and 'portslice list' does not name holders.",
        'Unset $PORTSLICE_LOCK_DIR if a directory is writable.',
      ),
    ]
  }
  let exists: boolean
  try {
    exists = checkLockDirectory(directory)
  } catch (error) {
    return [withPermissionAdvice(problemFromError('lock-directory', error), error, directory)]
  }
  let socketError: unknown
  try {
    socketError = await tryToUse(exists ? directory : existingParent(directory))
  } catch (error) {
    const found: Finding = problem(
      'lock-directory',
      `The lock directory ${inspect(directory)} cannot be ${exists ? 'written to' : 'created'} (${(error as Error).message}).`,
      `Name another directory of your own in $PORTSLICE_LOCK_DIR, on a writable disk with free space. ${WITHOUT_FILES}`,
    )
    return [withPermissionAdvice(found, error, directory)]
  }
  const others = exists ? rightsFinding(directory) : undefined
  return [
    others ?? usableFinding(directory, exists),
    ...(system.maxSocketPathBytes === 0 ? [] : [livenessFinding(directory, socketError)]),
  ]
}

/** For systems where the mode of a directory does not show who may write to it. */
export function rightsFinding(directory: string, on: System = system): Finding | undefined {
  if (!on.othersThatMayWrite) return undefined
  const others = on.othersThatMayWrite(directory)
  if (others?.length === 0) return undefined
  return note(
    'lock-directory',
    others
      ? `Other users may write to the lock directory ${inspect(directory)}: its rights are also granted to ${listNames(others, others.length)}. They can remove locks and journals.`
      : `Whether other users may write to the lock directory ${inspect(directory)} is unknown.`,
    'Remove the directory while nothing uses it: portslice creates it again, for you alone. Or set $PORTSLICE_LOCK_DIR to a directory below your own profile.',
  )
}

function usableFinding(directory: string, exists: boolean): Finding {
  const named = process.env.PORTSLICE_LOCK_DIR
  const source = named ? '$PORTSLICE_LOCK_DIR' : 'the directory for temporary files'
  const message = `The lock directory is ${inspect(directory)}, from ${source}. ${
    exists
      ? 'You own it and can write to it, and no other user can.'
      : 'It will be created when it is first needed.'
  }`
  const notes = [
    relativeNote(named || os.tmpdir(), named ? '$PORTSLICE_LOCK_DIR' : '$TMPDIR', directory),
    named ? undefined : untrustedDefaultNote(directory),
  ].filter((each) => each !== undefined)
  if (notes.length === 0) return ok('lock-directory', message)
  return note(
    'lock-directory',
    [message, ...notes.map(([what]) => what)].join(' '),
    notes.map(([, advice]) => advice).join('\n'),
  )
}

type Note = [what: string, advice: string]

function relativeNote(given: string, variable: string, directory: string): Note | undefined {
  const { root } = path.parse(given)
  // On Windows `/tmp` depends on the current drive.
  if (path.isAbsolute(given) && (!system.hasDrives || root.length > 1)) return undefined
  return [
    `${variable} is ${inspect(given)}, a relative path: processes that start in another directory use another lock directory, and do not see these locks and quarantines.`,
    `Use an absolute path: export ${variable.slice(1)}=${path.resolve(variable === '$TMPDIR' ? path.dirname(directory) : directory)}`,
  ]
}

/** If the default directory cannot be trusted, another one is used. */
function untrustedDefaultNote(directory: string): Note | undefined {
  const usual = path.join(path.dirname(directory), `portslice-${userIdentity()}`)
  if (usual === directory) return undefined
  const found = checkPrivateDirectory(usual)
  if (found.state !== 'unfit') return undefined
  return [
    `The default ${inspect(usual)} is not used, because it ${found.why}.`,
    `Nothing needs to be done: all your processes on this machine use ${inspect(directory)}. Remove ${inspect(usual)} if you do not need it.`,
  ]
}

function livenessFinding(directory: string, socketError: unknown): Finding {
  const consequence =
    'Whether a holder in another network namespace is alive then depends on the age of its lock: a holder that is blocked for more than 10 s can lose its slice, and the slice of a dead holder is free after 10 s.'
  if (!canHaveLivenessSockets(directory, hostIdentity())) {
    return note(
      'liveness',
      `The path of the lock directory is too long for a UNIX socket in it (${Buffer.byteLength(directory)} bytes; the path of a socket can have ${system.maxSocketPathBytes}). ${consequence}`,
      'Set $PORTSLICE_LOCK_DIR to a directory with a shorter path.',
    )
  }
  if (socketError !== undefined) {
    return note(
      'liveness',
      `UNIX sockets cannot be created in the lock directory (${(socketError as Error).message}). ${consequence}`,
      'Set $PORTSLICE_LOCK_DIR to a directory on a file system that supports sockets, and allow this process to create them.',
    )
  }
  return ok('liveness', 'UNIX sockets show whether holders in other network namespaces are alive.')
}

function withPermissionAdvice(finding: Finding, error: unknown, directory: string): Finding {
  const { cause } = error as { cause?: unknown }
  if (![codeOf(error), codeOf(cause)].includes('ERR_ACCESS_DENIED')) return finding
  return {
    ...finding,
    advice: `Node's permission model forbids this: start Node with --allow-fs-read=${directory} --allow-fs-write=${directory}`,
  }
}

/**
 * Creates a file and a socket, because permissions are not enough: root has them even on read-only disks.
 *
 * @returns the error of the socket, if it failed
 * @throws the system's error if no file can be created
 */
async function tryToUse(directory: string): Promise<unknown> {
  const own = mkdtempSync(path.join(directory, 'portslice-doctor-'))
  try {
    const socket = path.join(own, 's')
    return Buffer.byteLength(socket) > system.maxSocketPathBytes
      ? undefined
      : await tryToListen(socket)
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

function existingParent(directory: string): string {
  const parent = path.dirname(directory)
  return parent === directory || existsSync(parent) ? parent : existingParent(parent)
}
