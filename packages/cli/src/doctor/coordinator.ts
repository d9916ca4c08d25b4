import {
  checkCoordinator,
  hidePassword,
  inspect,
  type ResolvedOptions,
} from '@portslice/core/internal/inspect'
import { type Finding, note, ok } from './finding.js'

/** Every port that is taken waits for one round trip. */
const SLOW_LATENCY_MS = 50

/** Checks the coordinator of another host. No findings if the ports belong to this machine. */
export async function coordinatorFindings(options: ResolvedOptions): Promise<Finding[]> {
  const check = await checkCoordinator(options)
  if (!check || !options.remote) return []
  const { host, coordinator } = options.remote
  const { server, latencyMs, problems, isAnswered } = check
  const text = `The ports of ${inspect(host)} are leased through ${server} at ${inspect(hidePassword(coordinator))}, which can be used and answers in ${latencyMs.toFixed(1)} ms.`
  return [
    latencyMs > SLOW_LATENCY_MS
      ? note(
          'coordinator',
          text,
          'Use a database that is nearer: each port that is taken waits for it.',
        )
      : ok('coordinator', text),
    ...problems.map(({ problem, advice }) => note('coordinator', problem, advice)),
    ...(isAnswered
      ? []
      : [
          note(
            'coordinator',
            `The host ${inspect(host)} neither accepts nor refuses a connection to port ${[...options.slices][0]}, so it is unknown whether that port is free.`,
            "If a firewall drops packets to closed ports, let it reject them for this machine, or set `unansweredPorts: 'use'` ($PORTSLICE_UNANSWERED_PORTS=use).",
          ),
        ]),
  ]
}
