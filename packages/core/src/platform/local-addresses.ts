import os from 'node:os'

type Interfaces = ReturnType<typeof os.networkInterfaces>

/** The addresses of this machine on its networks, except for those that also need the name of an interface. */
export function networkAddresses(read: () => Interfaces = os.networkInterfaces): string[] {
  let interfaces: Interfaces
  try {
    interfaces = read()
  } catch {
    return [] // Not permitted, or no more sockets.
  }
  const found = Object.values(interfaces).flatMap((each) => each ?? [])
  return found.flatMap(({ address, internal }) =>
    internal || /^fe[89ab]/i.test(address) ? [] : [address],
  )
}
