import { openLeaseContext } from '../allocator/lease-context.js'
import type { RemoteHost } from '../claim/remote-host.js'
import { resolveRemote } from '../options/remote.js'
import { resolveOptions } from '../options/resolve.js'

/** `undefined` if the question is about this machine. */
export async function remoteHostOf(options: {
  lockDirectory?: string | false
  host?: string
  coordinator?: string
}): Promise<RemoteHost | undefined> {
  const { lockDirectory, host, coordinator } = options
  // A lock directory is of this machine, whatever the environment says.
  if (lockDirectory !== undefined) return undefined
  const given = { ...(host && { host }), ...(coordinator && { coordinator }) }
  if (!resolveRemote(given)) return undefined
  return (await openLeaseContext(resolveOptions(given))).remote
}
