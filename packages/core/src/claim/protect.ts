import { guardWithTimeWait } from '../probe/time-wait.js'
import { processWide } from '../process-state.js'

/**
 * Protects a port from the kernel with TIME_WAIT. Warns, once a process, where that has no effect.
 *
 * @returns false when another socket has the port after all
 */
export async function protectWithTimeWait(port: number): Promise<boolean> {
  const outcome = await guardWithTimeWait(port)
  if (outcome === 'no-effect') warnOnce(port)
  return outcome !== 'taken'
}

function warnOnce(port: number): void {
  const warned = processWide('warnings', () => new Set<string>())
  if (warned.has('time-wait')) return
  warned.add('time-wait')
  process.emitWarning(
    `Port ${port} is handed out unprotected: the kernel gives such ports to outgoing connections, and keeps no TIME_WAIT that would prevent it. ` +
      'Raise net.ipv4.tcp_max_tw_buckets, or set a range outside of net.ipv4.ip_local_port_range (option `range`, $PORTSLICE_RANGE).',
    { type: 'PortsliceWarning', code: 'PORTSLICE_TIME_WAIT' },
  )
}
