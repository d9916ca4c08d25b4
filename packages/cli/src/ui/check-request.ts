import type { IncomingMessage } from 'node:http'

/** Why a request is refused. */
export interface Refusal {
  status: 403 | 404 | 405
  reason: string
}

/**
 * Refuses requests from pages of other sites, whose name may resolve to 127.0.0.1 (DNS rebinding). The path must
 * begin with the token, because other users of this machine may not read the journals.
 */
export function checkRequest(
  { method, url = '', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  { port, token, oneTimeKey }: { port: number; token: string; oneTimeKey?: string | undefined },
): Refusal | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`]
  const { host, origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers
  if (!hosts.includes(host ?? '')) return { status: 403, reason: 'foreign Host header' }
  if (origin !== undefined && !hosts.some((each) => origin === `http://${each}`)) {
    return { status: 403, reason: 'foreign Origin header' }
  }
  // Other pages may link to this page, but must not load its data.
  const isOwn = site === undefined || site === 'same-origin' || site === 'none'
  if (!isOwn && mode !== 'navigate') return { status: 403, reason: 'request of another site' }
  const hasKey = oneTimeKey !== undefined && url === `/${oneTimeKey}`
  if (!hasKey && !url.startsWith(`/${token}/`)) {
    return { status: 403, reason: 'wrong token in the URL' }
  }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, reason: 'only GET is allowed' }
  return undefined
}
