/** What the system's answer to a bind tells about the port. */
import { codeOf } from '../errors.js'

/** Another socket has it. Windows says EACCES of a port that is in exclusive use or reserved. */
export function isTaken(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'EADDRINUSE' || (code === 'EACCES' && process.platform === 'win32')
}

/**
 * This process may not bind it, used or not: a privileged port (EACCES), or a sandbox such as
 * Landlock (EACCES), SELinux (EACCES), seccomp (mostly EPERM) or Node's own permissions.
 */
export function isNotPermitted(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'ERR_ACCESS_DENIED'].includes(codeOf(error)) && !isTaken(error)
}

/** What binding an IPv6 address answers where there is no IPv6. */
export function isNoSuchAddress(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT'].includes(codeOf(error))
}
