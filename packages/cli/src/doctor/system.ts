/** The machine as this process sees it: Node, its permissions, /proc, namespaces and addresses. */
import { readFileSync, readlinkSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import { codeOf, type ProcessTable, processTable } from '@portslice/core/internal/inspect'
import type { Finding } from './finding.js'

/** Any port will do: refused and accepted say the same. */
const DISCARD_PORT = 9
/** Loopback answers at once; long, as a busy machine must not look like one without it. */
const CONNECT_TIMEOUT_MS = 2000

export function systemFinding(): Finding {
  const what = `Node ${process.versions.node} on ${process.platform} (${process.arch}).`
  return process.platform === 'linux'
    ? { id: 'system', level: 'ok', message: what }
    : {
        id: 'system',
        level: 'note',
        message: `${what} Which process listens on a port can only be told on Linux.`,
      }
}

/** What Node's `process.permission` has; `undefined` unless Node runs with a permission list. */
export interface Permissions {
  has(scope: string, reference?: string): boolean
}

const PERMISSIONS = (process as { permission?: Permissions }).permission

/** Node's permission list: what portslice would do and may not. */
export function permissionsFinding(
  lockDirectory: string | undefined,
  permissions: Permissions | undefined = PERMISSIONS,
): Finding | undefined {
  if (!permissions) return undefined
  const missing: [flag: string, cost: string][] = []
  if (process.platform === 'linux' && !permissions.has('fs.read', '/proc')) {
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
      if (permissions.has(scope, lockDirectory)) continue
      missing.push([`${flag}=${lockDirectory}`, `${verb} the lock directory`])
    }
  }
  if (!permissions.has('child')) {
    missing.push(['--allow-child-process', "start programs, as 'portslice run' does"])
  }
  if (missing.length === 0) {
    return {
      id: 'permissions',
      level: 'ok',
      message: "Node's permission list allows all it needs.",
    }
  }
  return {
    id: 'permissions',
    level: 'note',
    message: `Node runs with a permission list, and may not ${missing.map(([, cost]) => cost).join('; nor ')}.`,
    advice: `Start Node with ${missing.map(([flag]) => flag).join(' ')}, as far as this process needs them.`,
  }
}

/** Whether processes can be told by their numbers. */
export function processesFinding(table: ProcessTable = processTable()): Finding | undefined {
  const costs =
    'so portslice names no process that has a port, and an app is ended by its process group alone: a process that has left the group is not ended.'
  switch (table) {
    case 'none':
      return undefined
    case 'own':
      return { id: 'processes', level: 'ok', message: 'The processes can be read from /proc.' }
    case 'foreign':
      return {
        id: 'processes',
        level: 'note',
        message: `/proc belongs to another PID namespace, where the numbers mean other processes (this one is ${process.pid} here, and ${selfInProc()} there). They are not used, ${costs}`,
        advice:
          'Mount the /proc of this PID namespace: unshare --mount-proc, or bwrap --proc /proc.',
      }
    case 'unreadable':
      return {
        id: 'processes',
        level: 'note',
        message: `The processes cannot be read: /proc is empty, not mounted, or may not be read, ${costs}`,
        advice: PERMISSIONS
          ? 'Start Node with --allow-fs-read=/proc'
          : 'Mount it (mount -t proc proc /proc), or allow this process to read it.',
      }
  }
}

function selfInProc(): string {
  try {
    return readlinkSync('/proc/self')
  } catch {
    return 'unknown'
  }
}

/** The network namespace decides which holders share the kernel's sockets. */
export function networkFinding(link = '/proc/self/ns/net'): Finding | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    return {
      id: 'network',
      level: 'ok',
      message: `The network namespace is ${readlinkSync(link)}.`,
    }
  } catch (error) {
    return {
      id: 'network',
      level: 'note',
      message: `The network namespace cannot be read (${(error as Error).message}), so this process does not know which other holders are in the same one. Whether one is alive is asked of its liveness socket alone, and where it has none, decided by the age of its lock.`,
      advice: 'Let this process read /proc/self/ns/net.',
    }
  }
}

export interface Addresses {
  hasIpv4: boolean
  hasIpv6: boolean
  /** `net.ipv6.bindv6only`: `undefined` if it could not be read. */
  bindv6only: string | undefined
}

/** Which of the two families an app can listen on. */
export async function addressesFinding(found?: Addresses): Promise<Finding> {
  const { hasIpv4, hasIpv6, bindv6only } = found ?? (await readAddresses())
  if (!hasIpv4) {
    return {
      id: 'addresses',
      level: 'problem',
      message: hasIpv6
        ? 'The loopback interface has ::1, and not 127.0.0.1. A slice is held by a socket on 127.0.0.1, so none can be held.'
        : 'The loopback interface is not up: neither 127.0.0.1 nor ::1 can be reached, so no client reaches an app, and no port can be probed.',
      advice: hasIpv6
        ? 'Give it the address: ip addr add 127.0.0.1/8 dev lo'
        : 'Bring it up: ip link set lo up',
    }
  }
  if (!hasIpv6) {
    return {
      id: 'addresses',
      level: 'note',
      message:
        'The loopback interface has 127.0.0.1 and not ::1: ports are leased for IPv4 alone, and an app cannot listen on ::1.',
      advice: 'Let apps listen on 127.0.0.1 or 0.0.0.0, and clients connect to 127.0.0.1.',
    }
  }
  if (bindv6only === '1') {
    return {
      id: 'addresses',
      level: 'note',
      message:
        'net.ipv6.bindv6only is 1: an app that listens on :: is not reached over IPv4. Each port is probed for IPv4 and for IPv6, so it is free for both.',
      advice: 'Let clients use the family that the app listens on: 127.0.0.1, or [::1].',
    }
  }
  return {
    id: 'addresses',
    level: 'ok',
    message: 'The loopback interface has 127.0.0.1 and ::1.',
  }
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

/** The list of interfaces may lack some. Any other failure says nothing about the address. */
function isUnreachable(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port: DISCARD_PORT })
    // An interface that is down drops the packets if it has the address.
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', (error) => {
      const codes = ['EADDRNOTAVAIL', 'ENETUNREACH', 'EHOSTUNREACH', 'EAFNOSUPPORT']
      resolve(codes.includes(codeOf(error)))
    })
  })
}

/** A setting below /proc/sys/net; `undefined` if it cannot be read. */
export function readSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/net/${name}`, 'latin1').trim()
  } catch {
    return undefined
  }
}
