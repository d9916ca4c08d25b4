import { formatDuration } from '../shared/format.js'
import type { PortUse, ReportedTest, RunReport } from './run-report.js'

/** Something that may explain why a test failed. */
export interface Finding {
  kind: 'foreign' | 'in use' | 'leak' | 'wait' | 'silent' | 'overlap'
  text: string
  /** Index into `tests` of the report; missing for a port of a worker. */
  test?: number
}

/** Shorter waits are not reported. */
const LONG_WAIT_MS = 250

interface OwnedUse {
  use: PortUse
  owner: string
  test?: number
}

/** The most important kind comes first. */
const ORDER: readonly Finding['kind'][] = ['overlap', 'foreign', 'in use', 'leak', 'silent', 'wait']

export function findingsOf(report: RunReport): Finding[] {
  const uses = ownedUses(report)
  const findings = [
    ...overlaps(uses),
    ...uses.flatMap(foreignListeners),
    ...report.tests.flatMap((test, index) => addressesInUse(test, index, uses)),
    ...uses.flatMap(leaks),
    ...report.tests.flatMap(silentPorts),
    ...uses.flatMap(waits),
    ...sliceWaits(report),
  ]
  return findings.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))
}

function ownedUses({ tests, workers }: RunReport): OwnedUse[] {
  return [
    ...tests.flatMap(({ name, ports }, test) =>
      ports.map((use) => ({ use, owner: `the test "${name}"`, test })),
    ),
    ...workers.flatMap(({ name, ports }) =>
      ports.map((use) => ({ use, owner: `${name} (${use.label ?? 'a port without label'})` })),
    ),
  ]
}

function foreignListeners({ use, owner, test }: OwnedUse): Finding[] {
  return (use.listeners ?? []).flatMap((listener): Finding[] => {
    const { pid, command, since, isForeign, isInTheWay } = listener
    if (!isForeign && !isInTheWay) return []
    const who =
      pid === undefined
        ? 'a process that the system does not show'
        : `"${shorten(command)}" (pid ${pid})${isForeign ? ', which the worker has not started' : ''}`
    const how = isInTheWay ? `, and the test's own server failed with EADDRINUSE` : ''
    return [
      {
        kind: 'foreign',
        text: `Port ${use.port} of ${owner} was used by ${who}, ${formatDuration(since - use.takenAt)} after it was handed out${how}.`,
        ...(test !== undefined && { test }),
      },
    ]
  })
}

/** `/usr/bin/node server.js` becomes `node server.js`. The events of the test show the full command. */
function shorten(command = 'a process'): string {
  return command.replace(/^\/\S*\//, '')
}

const ADDRESS_IN_USE = /EADDRINUSE[^\n]*?:(\d{2,5})\b/g

/** Finds EADDRINUSE in the errors of a test. The cause is often a hard-coded port. */
function addressesInUse(test: ReportedTest, index: number, uses: readonly OwnedUse[]): Finding[] {
  const ports = test.errors.flatMap((error) =>
    [...error.matchAll(ADDRESS_IN_USE)].map((match) => Number(match[1])),
  )
  return [...new Set(ports)].flatMap((port): Finding[] => {
    const own = test.ports.find((use) => use.port === port)
    if (own?.listeners?.some(({ isForeign, isInTheWay }) => isForeign || isInTheWay)) return []
    const other = uses.find(
      ({ use, test: of }) => use.port === port && of !== index && isDuring(use, test),
    )
    const why = own
      ? 'it was handed out to this test, and the process that used it was not seen'
      : other
        ? `at that time it was handed out to ${other.owner}`
        : 'portslice has not handed it out to this test: is it a fixed port?'
    return [
      {
        kind: 'in use',
        text: `The test "${test.name}" failed with EADDRINUSE on port ${port}; ${why}.`,
        test: index,
      },
    ]
  })
}

function isDuring({ takenAt, releasedAt }: PortUse, { startedAt, endedAt }: ReportedTest): boolean {
  return takenAt <= endedAt && (releasedAt ?? Number.POSITIVE_INFINITY) >= startedAt
}

function leaks({ use, owner, test }: OwnedUse): Finding[] {
  if (!use.leaked) return []
  const listeners = use.listeners ?? []
  // Foreign programs are reported above.
  if (listeners.length > 0 && listeners.every(({ isForeign }) => isForeign)) return []
  const left = listeners.find(({ pid }) => pid !== undefined)
  const who = left ? `: "${shorten(left.command)}" (pid ${left.pid})` : ''
  return [
    {
      kind: 'leak',
      text: `A process still listened on port ${use.port} when ${owner} gave it back${who}.`,
      ...(test !== undefined && { test }),
    },
  ]
}

/** Finds ports of failed tests without a listener: the app may not have started. */
function silentPorts({ name, status, ports }: ReportedTest, index: number): Finding[] {
  if (status !== 'failed') return []
  return ports
    .filter(({ listeners }) => !listeners?.length)
    .map(({ port }) => ({
      kind: 'silent' as const,
      text: `Nothing was seen listening on port ${port} during the failed test "${name}".`,
      test: index,
    }))
}

function waits({ use, owner, test }: OwnedUse): Finding[] {
  const waited = use.takenAt - use.requestedAt
  if (waited < LONG_WAIT_MS) return []
  return [
    {
      kind: 'wait',
      text: `Port ${use.port} was handed out after ${formatDuration(waited)}; ${owner} waited for it.`,
      ...(test !== undefined && { test }),
    },
  ]
}

function sliceWaits({ workers }: RunReport): Finding[] {
  return workers.flatMap(({ name, slices }) =>
    slices.flatMap(({ first, last, requestedAt, leasedAt }): Finding[] => {
      const waited = leasedAt - requestedAt
      if (waited < LONG_WAIT_MS) return []
      const text = `${name} waited ${formatDuration(waited)} for its slice ${first}-${last}.`
      return [{ kind: 'wait', text }]
    }),
  )
}

/** Finds ports with two owners at the same time, which portslice should make impossible. */
function overlaps(uses: readonly OwnedUse[]): Finding[] {
  const byTime = [...uses].sort((a, b) => a.use.takenAt - b.use.takenAt)
  const last = new Map<number, OwnedUse>()
  return byTime.flatMap((each): Finding[] => {
    const { use, owner, test } = each
    const before = last.get(use.port)
    last.set(use.port, each)
    // One port with a `key` may be leased several times in one process.
    if (before?.use.releasedAt === undefined || before.owner === owner) return []
    if (before.use.releasedAt <= use.takenAt) return []
    return [
      {
        kind: 'overlap',
        text: `Port ${use.port} was handed out to ${owner} while ${before.owner} had it. Please report this as a bug of portslice.`,
        ...(test !== undefined && { test }),
      },
    ]
  })
}
