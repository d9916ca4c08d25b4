import { type CommandOutput, commandOutput } from './command-output.js'

const UUID = /[\dA-F]{8}(?:-[\dA-F]{4}){3}-[\dA-F]{12}/i

/** Changes with each boot. The name of a Mac is not used, because it may change with its network. */
export function bootIdOfMac(output: CommandOutput = commandOutput): string | undefined {
  const session = UUID.exec(output('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']) ?? '')
  if (session) return session[0].toLowerCase()
  const registry = output('/usr/sbin/ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']) ?? ''
  const machine = UUID.exec(/"IOPlatformUUID" = .*/.exec(registry)?.[0] ?? '')
  const boot = /\bsec = (\d+)/.exec(output('/usr/sbin/sysctl', ['-n', 'kern.boottime']) ?? '')
  return machine && boot ? `${machine[0].toLowerCase()}@${boot[1]}` : undefined
}
