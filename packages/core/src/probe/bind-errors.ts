import { codeOf } from '../errors.js'

/** On Windows EACCES means a port in exclusive use, or reserved. */
export function isTaken(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'EADDRINUSE' || (code === 'EACCES' && process.platform === 'win32')
}

/** A privileged port, or Landlock, SELinux, seccomp, Node's or Deno's permissions (an error without a code). */
export function isNotPermitted(error: unknown): boolean {
  if (error instanceof Error && error.name === 'NotCapable') return true
  return ['EACCES', 'EPERM', 'ERR_ACCESS_DENIED'].includes(codeOf(error)) && !isTaken(error)
}

/** There is no IPv6. */
export function isNoSuchAddress(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT'].includes(codeOf(error))
}
