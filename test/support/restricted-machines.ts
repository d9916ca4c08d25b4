/** Unusual machines: namespaces, sandboxes and permissions, each as a prefix of a command. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { whyNot } from './process.ts'

/** The command that runs another one there, or the reason, as a clause, why this machine cannot. */
export type Restricted = readonly string[] | { readonly missing: string }

const SOURCE = fileURLToPath(new URL('restrict.c', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export function isUsable(by: Restricted): by is readonly string[] {
  return Array.isArray(by)
}

/** A new PID namespace in which /proc is still that of the outer one. */
export function foreignProc(by: 'unshare' | 'bwrap'): Restricted {
  return usable(
    by === 'unshare'
      ? ['unshare', '--pid', '--fork', '--kill-child']
      : ['bwrap', '--unshare-pid', '--dev-bind', '/', '/', '--die-with-parent'],
  )
}

/** An empty /proc. */
export function emptyProc(): Restricted {
  return usable(inShell(['unshare', '--mount'], 'mount -t tmpfs none /proc'))
}

/** A machine on which no file can be written. */
export function readOnly(): Restricted {
  const script =
    'mount --make-rprivate / && mount -o remount,bind,ro / && { ! mountpoint -q /tmp || mount -o remount,bind,ro /tmp; }'
  return usable(inShell(['unshare', '--mount'], script))
}

/**
 * A network namespace with a loopback interface.
 *
 * @param script for `sh`, to set it up; `lo` is up already
 */
export function ownNetwork(script = ':'): Restricted {
  return usable(inShell(['unshare', '--net'], `ip link set lo up && ${script}`))
}

/** A user who is not root, after another restriction. */
export function unprivileged(then: Restricted = []): Restricted {
  if (!isUsable(then)) return then
  return usable([...then, 'setpriv', '--reuid=65534', '--clear-groups', '--bounding-set=-all'])
}

/** The flags of a Node process that may read only this repository and its lock directory. */
export function permissionFlags(): string[] {
  const isStable = process.allowedNodeEnvironmentFlags.has('--permission')
  return [
    isStable ? '--permission' : '--experimental-permission',
    ...(process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []),
    `--allow-fs-read=${ROOT}`,
    `--allow-fs-read=${os.tmpdir()}`,
    `--allow-fs-write=${os.tmpdir()}`,
  ]
}

/** Sandboxes in which `restrict.c` lets system calls fail with an error number. */
export class Restrictions implements Disposable {
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-restrict-'))
  #built: string | { missing: string } | undefined

  deny(what: 'listen' | 'tcp' | 'udp' | 'landlock', errno: number): Restricted {
    this.#built ??= this.#build()
    if (typeof this.#built !== 'string') return this.#built
    return usable([this.#built, what, String(errno)])
  }

  #build(): string | { missing: string } {
    const program = path.join(this.#folder, 'restrict')
    const missing = whyNot('cc', '-o', program, SOURCE)
    return missing === undefined ? program : { missing }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function inShell(command: readonly string[], script: string): string[] {
  return [...command, 'sh', '-c', `${script} && exec "$@"`, 'sh']
}

function usable(command: readonly string[]): Restricted {
  const [program, ...args] = [...command, 'true']
  const missing = whyNot(program as string, ...args)
  return missing === undefined ? command : { missing }
}
