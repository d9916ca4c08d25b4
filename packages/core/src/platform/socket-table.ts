import fs from 'node:fs'
import os from 'node:os'
import { isOutOfDescriptors } from '../errors.js'

export type SocketTable = 'tcp' | 'tcp6' | 'udp' | 'udp6'

/** States of include/net/tcp_states.h. An unconnected UDP socket has CLOSE. */
export const TIME_WAIT = '06'
export const CLOSE = '07'
export const LISTEN = '0A'

export interface SocketEntry {
  table: SocketTable
  state: string
  /** Hexadecimal, in the byte order of the machine. */
  address: string
  port: number
  remoteAddress: string
  remotePort: number
  /** `0` if no process has the connection any more. */
  inode: string
}

const ROW = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) (\S+) ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ +(\d+)/

type IsWanted = (state: string, table: SocketTable, port: number) => boolean

/** `undefined` if no table can be read. */
export async function readSocketTables(
  tables: readonly SocketTable[],
  isWanted: IsWanted,
): Promise<SocketEntry[] | undefined> {
  const found = await Promise.all(tables.map((table) => readSocketTable(table, isWanted)))
  return found.every((entries) => entries === undefined)
    ? undefined
    : found.flatMap((entries) => entries ?? [])
}

async function readSocketTable(
  table: SocketTable,
  isWanted: IsWanted,
): Promise<SocketEntry[] | undefined> {
  const text = await readTable(table)
  return text?.split('\n').flatMap((line) => {
    const [, address = '', port = '', remote = '', state = '', inode = ''] = ROW.exec(line) ?? []
    if (inode === '' || !isWanted(state, table, Number.parseInt(port, 16))) return []
    const [remoteAddress = '', remotePort = ''] = remote.split(':')
    return [
      {
        table,
        state,
        address,
        port: Number.parseInt(port, 16),
        remoteAddress,
        remotePort: Number.parseInt(remotePort, 16),
        inode,
      },
    ]
  })
}

async function readTable(table: SocketTable): Promise<string | undefined> {
  try {
    return await fs.promises.readFile(`/proc/net/${table}`, 'latin1')
  } catch (error) {
    if (isOutOfDescriptors(error)) throw error
    return undefined
  }
}

/** As `127.0.0.1` or `::1`; IPv4-mapped addresses as IPv4. */
export function formatAddress(hex: string): string {
  const words = (hex.match(/.{8}/g) ?? []).map((word) => {
    const bytes = word.match(/../g) ?? []
    return (os.endianness() === 'LE' ? bytes.reverse() : bytes).map((byte) =>
      Number.parseInt(byte, 16),
    )
  })
  const bytes = words.flat()
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number)).toString(16),
  )
  if (groups.slice(0, 6).join() === '0,0,0,0,0,ffff') return bytes.slice(12).join('.')
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
