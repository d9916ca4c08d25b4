/** Does a Docker daemon publish ports where the sockets of this network namespace do not count? */
import { type DockerSocket, dockerSocket, inspect } from '@portslice/core/internal/inspect'
import type { Finding } from './finding.js'

const RECIPE =
  'docs/ci.md has the recipe, under "Containers that share one Docker daemon" (-v portslice:/run/portslice -e PORTSLICE_LOCK_DIR=/run/portslice/locks).'

/** @param lockDirectory `undefined` where portslice runs without files */
export function dockerFinding(
  lockDirectory: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
  docker: DockerSocket | undefined = dockerSocket(env),
): Finding | undefined {
  if (!docker) return undefined
  const { address, isElsewhere } = docker
  if (isElsewhere === false) {
    return {
      id: 'docker',
      level: 'ok',
      message: `The Docker daemon at ${inspect(address)} publishes ports in this network namespace.`,
    }
  }
  // Elsewhere than on Linux the daemon runs in a virtual machine, and publishes on this one.
  if (isElsewhere === undefined) {
    if (process.platform !== 'linux') return undefined
    return {
      id: 'docker',
      level: 'note',
      message: `Whether the Docker daemon at ${inspect(address)} publishes ports in this network namespace cannot be told.`,
      advice: `If it does not, all jobs that use it must share one lock directory: ${RECIPE}`,
    }
  }
  const message = `The Docker daemon at ${inspect(address)} publishes ports in another network namespace than this one, so sockets here do not keep two jobs from publishing the same port there.`
  const isNamed = lockDirectory !== undefined && env.PORTSLICE_LOCK_DIR
  return {
    id: 'docker',
    level: 'note',
    message: isNamed
      ? `${message} The lock directory ${inspect(lockDirectory)}, from $PORTSLICE_LOCK_DIR, does so if it is on a volume that all jobs share.`
      : lockDirectory === undefined
        ? `${message} Without files nothing else does.`
        : `${message} The lock directory ${inspect(lockDirectory)} is the default, which jobs in other containers do not see.`,
    advice: `${isNamed ? 'See that it is such a volume' : 'Share the lock directory by a volume'}: ${RECIPE} If the daemon is on another machine, give each machine a shard of its own with $PORTSLICE_SHARD.`,
  }
}
