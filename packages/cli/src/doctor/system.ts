import { readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'
import { processTable, runtime, system } from '@portslice/core/internal/inspect'
import { type Finding, note, ok, problem } from './finding.js'
import { tryToConnect } from './try-to-connect.js'

/** Any port will do: a refused connection also proves that the address exists. */
const DISCARD_PORT = 9
const CONNECT_TIMEOUT_MS = 2000

const RUNTIME_NAMES = { node: 'Node', bun: 'Bun', deno: 'Deno' }

export function systemFinding(): Finding {
  const { name, version } = runtime()
  const what = `${RUNTIME_NAMES[name]} ${version} on ${process.platform} (${process.arch}).`
  return system.hasProc
    ? ok('system', what)
    : note('system', `${what} Which process listens on a port is only known on Linux.`)
}

interface Permissions {
  has(scope: string, reference?: string): boolean
}

/** `undefined` unless Node runs with --permission. */
const PERMISSIONS = (process as { permission?: Permissions }).permission

export function permissionsFinding(lockDirectory: string | undefined): Finding | undefined {
  if (!PERMISSIONS) return undefined
  const missing: [flag: string, cost: string][] = []
  if (system.hasProc && !PERMISSIONS.has('fs.read', '/proc')) {
    missing.push([
      '--allow-fs-read=/proc',
      'read /proc, so owners of ports and the settings of the system are unknown',
    ])
  }
  if (lockDirectory !== undefined) {
    for (const [scope, flag, verb] of [
      ['fs.read', '--allow-fs-read', 'read'],
      ['fs.write', '--allow-fs-write', 'write to'],
    ] as const) {
      if (PERMISSIONS.has(scope, lockDirectory)) continue
      missing.push([`${flag}=${lockDirectory}`, `${verb} the lock directory`])
    }
  }
  if (!PERMISSIONS.has('child')) {
    missing.push(['--allow-child-process', "start programs, as 'portslice run' does"])
  }
  if (missing.length === 0) {
    return ok('permissions', "Node's permission model allows everything that portslice needs.")
  }
  return note(
    'permissions',
    `Node's permission model does not let this process ${missing.map(([, cost]) => cost).join('; or ')}.`,
    `Start Node with ${missing.map(([flag]) => flag).join(' ')}, as far as this process needs them.`,
  )
}

export function processesFinding(): Finding | undefined {
  const consequence =
    'so portslice cannot name the process that has a port, and it ends an app by its process group: a process that has left the group is not ended.'
  switch (processTable()) {
    case 'none':
      return undefined
    case 'own':
      return ok('processes', 'The processes can be read from /proc.')
    case 'foreign':
      return note(
        'processes',
        `/proc belongs to another PID namespace, where pids mean other processes (this process is ${process.pid} here, and ${selfInProc()} there). portslice does not use it, ${consequence}`,
        'Mount the /proc of this PID namespace: unshare --mount-proc, or bwrap --proc /proc.',
      )
    case 'unreadable':
      return note(
        'processes',
        `The processes cannot be read: /proc is empty, not mounted, or may not be read, ${consequence}`,
        PERMISSIONS
          ? 'Start Node with --allow-fs-read=/proc'
          : 'Mount it (mount -t proc proc /proc), or allow this process to read it.',
      )
  }
}

function selfInProc(): string {
  try {
    return readlinkSync('/proc/self')
  } catch {
    return 'unknown'
  }
}

export function networkFinding(): Finding | undefined {
  if (!system.hasProc) return undefined
  try {
    return ok('network', `The network namespace is ${readlinkSync('/proc/self/ns/net')}.`)
  } catch (error) {
    return note(
      'network',
      `The network namespace cannot be read (${(error as Error).message}), so this process does not know which other holders share it. Whether a holder is alive is decided by its liveness socket, or without one by the age of its lock.`,
      'Let this process read /proc/self/ns/net.',
    )
  }
}

interface Addresses {
  hasIpv4: boolean
  hasIpv6: boolean
  /** net.ipv6.bindv6only; `undefined` if unreadable. */
  bindv6only: string | undefined
}

export async function addressesFinding(): Promise<Finding> {
  const { hasIpv4, hasIpv6, bindv6only } = await readAddresses()
  if (!hasIpv4) {
    return problem(
      'addresses',
      hasIpv6
        ? 'The loopback interface has ::1, but not 127.0.0.1. portslice needs a socket on 127.0.0.1 to hold a slice.'
        : 'The loopback interface is down: 127.0.0.1 and ::1 are unreachable, so clients cannot reach an app, and portslice cannot probe ports.',
      hasIpv6
        ? 'Give it the address: ip addr add 127.0.0.1/8 dev lo'
        : 'Bring it up: ip link set lo up',
    )
  }
  if (!hasIpv6) {
    return note(
      'addresses',
      'The loopback interface has 127.0.0.1, but not ::1: ports are leased for IPv4 only, and an app cannot listen on ::1.',
      'Let apps listen on 127.0.0.1 or 0.0.0.0, and clients connect to 127.0.0.1.',
    )
  }
  if (bindv6only === '1') {
    return note(
      'addresses',
      'net.ipv6.bindv6only is 1: IPv4 clients cannot reach an app that listens on ::. portslice probes each port for IPv4 and IPv6, so it is free for both.',
      'Let clients use the family that the app listens on: 127.0.0.1, or [::1].',
    )
  }
  return ok('addresses', 'The loopback interface has 127.0.0.1 and ::1.')
}

async function readAddresses(): Promise<Addresses> {
  const addresses = Object.values(os.networkInterfaces()).flatMap((each) => each ?? [])
  const has = (wanted: string) => addresses.some(({ address }) => address === wanted)
  return {
    hasIpv4: has('127.0.0.1') || !(await isUnreachable('127.0.0.1')),
    hasIpv6: has('::1') || !(await isUnreachable('::1')),
    bindv6only: readSetting('ipv6/bindv6only'),
  }
}

/** Checks by connecting, because the list of interfaces can be incomplete. */
async function isUnreachable(host: string): Promise<boolean> {
  const result = await tryToConnect(DISCARD_PORT, host, CONNECT_TIMEOUT_MS)
  // A timeout means that the interface has the address, but is down.
  return ['timeout', 'EADDRNOTAVAIL', 'ENETUNREACH', 'EHOSTUNREACH', 'EAFNOSUPPORT'].includes(
    result,
  )
}

export function readSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/net/${name}`, 'latin1').trim()
  } catch {
    return undefined
  }
}
