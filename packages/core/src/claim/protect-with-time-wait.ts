import { warnOnce } from '../platform/warn-once.js'
import { guardWithTimeWait } from '../probe/time-wait.js'

/** Leaves the port in TIME_WAIT, and warns once if that has no effect. @returns false if another socket has the port */
export async function protectWithTimeWait(port: number): Promise<boolean> {
  const outcome = await guardWithTimeWait(port)
  if (outcome === 'no-effect') {
    warnOnce(
      'time-wait',
      'PORTSLICE_TIME_WAIT',
      `Port ${port} is handed out unprotected: the kernel gives such ports to outgoing connections, and does not keep the TIME_WAIT that would prevent it. ` +
        'Raise net.ipv4.tcp_max_tw_buckets, or set a range outside of net.ipv4.ip_local_port_range (option `range`, $PORTSLICE_RANGE).',
    )
  }
  return outcome !== 'taken'
}
