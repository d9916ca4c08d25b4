import { dockerSocket, inspect, system } from '@portslice/core/internal/inspect'
import { type Finding, note, ok } from './finding.js'

const RECIPE =
  'docs/ci.md has the recipe, under "Containers that share one Docker daemon" (-v portslice:/run/portslice -e PORTSLICE_LOCK_DIR=/run/portslice/locks).'

/**
 * Finds a Docker daemon in another network namespace, where two jobs could publish the same port.
 *
 * @param lockDirectory `undefined` if portslice uses no files
 */
export function dockerFinding(lockDirectory: string | undefined): Finding | undefined {
  const { env } = process
  const docker = dockerSocket(env)
  if (!docker) return undefined
  const { address, isElsewhere } = docker
  if (isElsewhere === false) {
    return ok(
      'docker',
      `The Docker daemon at ${inspect(address)} publishes ports in this network namespace.`,
    )
  }
  // On other systems the daemon runs in a virtual machine that publishes on this host.
  if (isElsewhere === undefined) {
    if (!system.hasProc) return undefined
    return note(
      'docker',
      `Whether the Docker daemon at ${inspect(address)} publishes ports in this network namespace is unknown.`,
      `If it does not, all jobs that use it must share one lock directory: ${RECIPE}`,
    )
  }
  const message = `The Docker daemon at ${inspect(address)} publishes ports in another network namespace. Sockets in this one cannot prevent two jobs from publishing the same port there.`
  const isNamed = lockDirectory !== undefined && env.PORTSLICE_LOCK_DIR
  return note(
    'docker',
    isNamed
      ? `${message} The lock directory ${inspect(lockDirectory)}, from $PORTSLICE_LOCK_DIR, prevents it if it is on a volume that all jobs share.`
      : lockDirectory === undefined
        ? `${message} Without files nothing else prevents it.`
        : `${message} The lock directory ${inspect(lockDirectory)} is the default, which jobs in other containers do not see.`,
    `${isNamed ? 'Make sure that it is on a shared volume' : 'Share the lock directory on a volume'}: ${RECIPE} If the daemon is on another machine, give each machine a different shard with $PORTSLICE_SHARD.`,
  )
}
