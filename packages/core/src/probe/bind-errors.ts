/** What the system's answer to a bind tells about the port. */
import { codeOf } from '../errors.js'

/** Somebody has it. EACCES: Windows says so of a port that is in exclusive use or reserved. */
export function isTaken(error: unknown): boolean {
  return ['EADDRINUSE', 'EACCES'].includes(codeOf(error))
}

/** What binding an IPv6 address answers where there is no IPv6. */
export function isNoSuchAddress(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT'].includes(codeOf(error))
}
