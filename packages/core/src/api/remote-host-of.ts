import { openClaimContext } from '../allocator/open-claim-context.js'
import type { RemoteHost } from '../claim/remote-host.js'
import { resolveRemote } from '../options/remote.js'
import { resolveOptions } from '../options/resolve.js'
import { refuseMisspeltVariables } from '../options/variables.js'

/** `undefined` if the options name this machine. @throws PortsliceError for a misspelt variable */
export async function remoteHostOf(options: {
  lockDirectory?: string | false
  host?: string
  coordinator?: string
}): Promise<RemoteHost | undefined> {
  const { lockDirectory, host, coordinator } = options
  // A lock directory belongs to this machine, even if environment variables name another host.
  if (lockDirectory !== undefined) return undefined
  refuseMisspeltVariables(process.env)
  const given = { ...(host && { host }), ...(coordinator && { coordinator }) }
  if (!resolveRemote(given)) return undefined
  return (await openClaimContext(resolveOptions(given))).remote
}
