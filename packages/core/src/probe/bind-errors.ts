import { codeOf } from '../errors.js'
import { system } from '../platform/system.js'

/** Another socket has the port. */
export function isTaken(error: unknown, { takenCodes } = system): boolean {
  return takenCodes.includes(codeOf(error))
}

/** A privileged port, or Landlock, SELinux, seccomp, Node's or Deno's permissions (an error without a code). */
export function isNotPermitted(error: unknown, on = system): boolean {
  if (error instanceof Error && error.name === 'NotCapable') return true
  return ['EACCES', 'EPERM', 'ERR_ACCESS_DENIED'].includes(codeOf(error)) && !isTaken(error, on)
}

/** This machine does not have the address, for example because it has no IPv6. */
export function isNoSuchAddress(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT'].includes(codeOf(error))
}
