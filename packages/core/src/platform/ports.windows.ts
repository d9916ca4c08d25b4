/** The ports that Windows takes for itself. `netsh` is localized, so only its numbers are read. */
import { LAST_PORT, type PortRange } from '../slice/layout.js'
import { type CommandOutput, commandOutput } from './command-output.js'
import { windowsTool } from './tool.windows.js'

/** The range that Windows gives to connections. Hyper-V and administrators may move it. */
export function dynamicPortRange(output: CommandOutput = commandOutput): PortRange | undefined {
  const text = output(windowsTool('netsh.exe'), ['int', 'ipv4', 'show', 'dynamicport', 'tcp']) ?? ''
  const numbers = [...text.matchAll(/[:\uff1a]?\s(\d+)\s*$/gm)].map(([, digits]) => Number(digits))
  const [first = 0, count = 0] = numbers
  return numbers.length === 2 ? validRange(first, first + count - 1) : undefined
}

/** No process can bind these: Hyper-V, WSL and Docker reserve many each time the machine starts. */
export function excludedPortRanges(output: CommandOutput = commandOutput): PortRange[] {
  return ['tcp', 'udp'].flatMap((protocol) => {
    const args = ['int', 'ipv4', 'show', 'excludedportrange', `protocol=${protocol}`]
    const lines = (output(windowsTool('netsh.exe'), args) ?? '').matchAll(
      /^\s*(\d+)\s+(\d+)\s*\*?\s*$/gm,
    )
    return [...lines].flatMap(([, first, last]) => validRange(Number(first), Number(last)) ?? [])
  })
}

function validRange(first: number, last: number): PortRange | undefined {
  return first >= 1 && last >= first && last <= LAST_PORT ? { first, last } : undefined
}
