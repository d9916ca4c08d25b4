/** What this machine is like: facts that no option changes. */
import { readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'
import { codeOf } from '../errors.js'
import type { PortRange } from '../slice/layout.js'

/**
 * The ports that the OS hands out by itself, for `bind(0)` and outgoing connections.
 *
 * Linux: `/proc/sys/net/ipv4/ip_local_port_range`, which also governs IPv6. macOS, Windows:
 * 49152–65535, their default and IANA's dynamic range (RFC 6335, section 6).
 */
export function ephemeralRange(): PortRange {
  try {
    const text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    const [first, last] = text.trim().split(/\s+/).map(Number)
    if (Number.isInteger(first) && Number.isInteger(last)) {
      return { first: first as number, last: last as number }
    }
  } catch {
    // Not Linux, or /proc is not mounted.
  }
  return { first: 49_152, last: 65_535 }
}

/**
 * Names the place in which ports are shared: this boot of this machine and this network
 * namespace. Whoever holds a sentinel here knows that no other holder of the slice is alive
 * in a place of the same name.
 */
export function hostIdentity(): string {
  host ??= placeOfThisProcess()
  return host
}

/** A process stays in the namespace that it was started in. */
let host: string | undefined

function placeOfThisProcess(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}/${readlinkSync('/proc/self/ns/net')}`
  } catch {
    return `${os.hostname()}/-`
  }
}

/** Whether a process of this number lives, as far as this process can see. */
export function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM' // It is there, but somebody else's.
  }
}
