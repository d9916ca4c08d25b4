import type { PortHistory, PortProcess } from '@portslice/core/internal/inspect'
import { formatClaimant, formatDirectory, formatHolder } from '../list/format-holder.js'
import type { Colours } from '../terminal/colours.js'
import { formatDuration } from '../terminal/duration.js'
import { pad, sanitize, truncate, widthOf } from '../terminal/format.js'
import { wrapAfter } from '../terminal/wrap.js'

export interface HistoryOptions {
  colours: Colours
  columns: number
  /** ms since 1970 */
  now: number
}

export function formatHistory(history: PortHistory, options: HistoryOptions): string {
  const { colours, columns } = options
  const facts = factsOf(history, options)
  const width = Math.max(...facts.map(([name]) => name.length)) + 4
  const lines = [
    wrapAfter('', sanitize(describeState(history, options)), columns),
    ...facts.map(([name, text]) => {
      return wrapAfter(colours.dim(`  ${name}`.padEnd(width)), sanitize(text), columns)
    }),
    '',
    ...formatUses(history, options),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function describeState(history: PortHistory, { now }: HistoryOptions): string {
  const { port, state, slice, notHandedOut, elsewhere, until, listening, connections } = history
  const why = notHandedOut ? ` ${notHandedOut.text}` : ''
  const here = elsewhere
    ? ' in another network namespace, where the same number is another port'
    : ''
  switch (state) {
    case 'out':
      return `Port ${port} is out${here}${elsewhere ? '' : listening ? ', and a process listens on it' : ', and nothing listens on it yet'}.${why}`
    case 'leaked':
      return `Port ${port} has leaked${here}: it was released while a process listened on it. It is not handed out until that process has closed it.${why}`
    case 'quarantined': {
      const left = until ? ` for ${formatDuration(Date.parse(until) - now)} more` : ''
      return `Port ${port} is quarantined${left}: it was out when its holder died, and child processes of the holder may still bind it.${why}`
    }
    case 'claimed':
      return `Port ${port} is claimed as a fixed port.${why}`
    case 'sentinel':
      return `Port ${port} is the sentinel of the slice ${slice.first}-${slice.last}${here}: the holder of the slice has it bound.${why}`
    case 'foreign':
      if (connections)
        return `Port ${port} is in use by a connection. Nothing listens on it, but it usually cannot be bound until the connection has ended.${why}`
      return `Port ${port} is in use by a program that does not use portslice.${why}`
    case 'unknown':
      return `Port ${port} belongs to a slice that is held by a process whose journal is in another lock directory, so whether it is out is unknown.${why}`
    case 'free':
      return `Port ${port} is free.${why}${history.timeWait ? ' A closed connection from it is in TIME_WAIT, which does not keep a server from binding it.' : ''}`
  }
}

type Fact = [name: string, text: string]

function factsOf(history: PortHistory, options: HistoryOptions): Fact[] {
  const { slice, label, key, since, claim, processes, state, host } = history
  const facts: Fact[] = []
  if (label !== undefined) facts.push(['label', label])
  if (key !== undefined) facts.push(['key', key])
  if (since !== undefined) facts.push(['since', formatTime(since, options)])
  if (claim) facts.push(['by', `${formatClaimant(claim)}, in ${formatDirectory(claim.cwd)}`])
  for (const process of listenersOf(history)) facts.push(['listening', formatProcess(process)])
  for (const { remote, processes } of history.connections ?? []) {
    const owners = processes.map(formatProcess).join('; ') || 'a process that cannot be seen'
    facts.push(['connection', `to ${remote}: ${owners}`])
  }
  if (history.listening && host !== undefined) {
    facts.push(['listening', `a program on ${host}`])
  } else if (state !== 'claimed' && history.listening && processes.length === 0) {
    facts.push(['listening', 'a process that cannot be seen, such as one of another user'])
  }
  facts.push(['slice', describeSlice(slice, history)])
  if (slice.holder) {
    const { cwd, projectRoot } = slice.holder
    facts.push(['directory', formatDirectory(cwd)])
    if (projectRoot !== cwd) facts.push(['project', formatDirectory(projectRoot)])
  }
  for (const process of slice.processes ?? []) facts.push(['holder', formatProcess(process)])
  return facts
}

/** Excludes the sockets of sentinels and claims, because they do not belong to an app. */
function listenersOf({ state, processes, claim, slice }: PortHistory): PortProcess[] {
  const holder = state === 'sentinel' ? slice.holder?.pid : claim?.pid
  return processes.filter(({ pid }) => pid !== holder)
}

function describeSlice(
  { first, last, state, holder }: PortHistory['slice'],
  { unverified }: PortHistory,
): string {
  const text = `${first}-${last}`
  if (state === 'claimed') return `${text}, which cannot be leased while ${last} is claimed`
  if (state === 'free')
    return holder ? `${text}, free; before: ${formatHolder(holder)}` : `${text}, free`
  if (state === 'abandoned')
    return `${text}, left by ${holder ? `${formatHolder(holder)}, which has ended` : 'a process that has ended'}`
  return `${text}, held by ${formatHolder(holder)}${unverified ? ', which may be dead' : ''}`
}

function formatProcess({ pid, command, cwd }: PortProcess): string {
  const where = cwd === undefined ? '' : `, in ${formatDirectory(cwd)}`
  return `${command || 'a process'}, pid ${pid}${where}`
}

function formatTime(time: string, { now }: HistoryOptions): string {
  return `${time} (${formatDuration(now - Date.parse(time))} ago)`
}

type Use = PortHistory['uses'][number]

const HEADINGS = ['HANDED OUT', 'FOR', 'END', 'LABEL', 'HOLDER']
const ENDS: Record<Use['end'], string> = {
  out: 'out',
  released: 'released',
  leaked: 'leaked',
  died: 'holder died',
}

function formatUses({ uses, port, host }: PortHistory, options: HistoryOptions): string[] {
  const { colours, columns, now } = options
  if (uses.length === 0) {
    const source = host === undefined ? 'No journal records' : 'The coordinator does not record'
    return [`${source} an earlier use of port ${port}.`]
  }
  const rows = [HEADINGS, ...uses.map((use) => cellsOf(use, now))]
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((row) => widthOf(row[column] as string))),
  )
  return rows.map((row, index) => {
    const line = row
      .map((cell, column) => pad(cell, widths[column] as number))
      .join('  ')
      .trimEnd()
    const fitted = columns === Number.POSITIVE_INFINITY ? line : truncate(line, columns)
    const end = uses[index - 1]?.end
    if (index === 0) return colours.dim(fitted)
    return end === 'leaked' ? colours.red(fitted) : end === 'died' ? colours.yellow(fitted) : fitted
  })
}

function cellsOf(use: Use, now: number): string[] {
  const { since, until, end, label, key } = use
  const finish = end === 'out' ? now : until === undefined ? undefined : Date.parse(until)
  const duration = since && finish !== undefined ? formatDuration(finish - Date.parse(since)) : ''
  return [since ?? '', duration, ENDS[end], label ?? key ?? '', holderOf(use)].map(sanitize)
}

function holderOf({ holder, claimer }: Use): string {
  if (claimer) return `${formatClaimant(claimer)}, as a fixed port`
  return holder ? `${formatHolder(holder)}, in ${formatDirectory(holder.projectRoot)}` : 'unknown'
}
