/** An IPv6 address needs brackets. */
export function hostInUrl(host: string | undefined): string | undefined {
  return host?.includes(':') ? `[${host}]` : host
}
