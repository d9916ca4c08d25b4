import { codeOf } from '../errors.js'

/** Another socket has the port. On Windows EACCES means a port in exclusive use, or reserved. */
export function isTaken(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'EADDRINUSE' || (code === 'EACCES' && process.platform === 'win32')
}

/**
 * This process may not bind the port: it is privileged (EACCES), or forbidden by Landlock or SELinux
 * (EACCES), seccomp (usually EPERM) or the permission model of Node.
 */
export function isNotPermitted(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'ERR_ACCESS_DENIED'].includes(codeOf(error)) && !isTaken(error)
}

/** The error of binding an IPv6 address on a machine without IPv6. */
export function isNoSuchAddress(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT'].includes(codeOf(error))
}
