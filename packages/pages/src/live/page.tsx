import { type ComponentChildren, render } from 'preact'
import { useCallback, useMemo, useState } from 'preact/hooks'
import { Badge, Filter, Search } from '../shared/components.js'
import { formatAge, pluralize } from '../shared/format.js'
import {
  FOREIGN_ROOT,
  groupRows,
  type PortLine,
  type RootGroup,
  type RunGroup,
  STATES,
  UNKNOWN_ROOT,
} from './group-rows.js'
import { RangeMap } from './range-map.js'
import { type PortState, SLICE_SIZE } from './rows.js'
import { type Connection, useNow, useRows } from './use-rows.js'

/** The page shows more on demand, so that thousands of ports do not slow it down. */
const FIRST_RUNS = 30
const FIRST_LINES = 32

function Page() {
  const { rows, connection } = useRows()
  const now = useNow()
  const [query, setQuery] = useState('')
  const [only, setOnly] = useState<PortState>()
  const [slice, setSlice] = useState<number>()
  const groups = useMemo(() => rows && groupRows(rows, query, only), [rows, query, only])
  const chooseSlice = useCallback(
    (next: number) => setSlice((known) => (known === next ? undefined : next)),
    [],
  )
  if (!groups) return <Status connection={connection} />
  const roots = slice === undefined ? groups.roots : inSlice(groups.roots, slice)
  const isFiltered = query !== '' || only !== undefined || slice !== undefined
  return (
    <main>
      <header>
        <h1>portslice</h1>
        <span class="dim">{summary(groups.roots)}</span>
        <span class="grow" />
        <Status connection={connection} />
      </header>
      <div class="tools">
        <Search
          value={query}
          placeholder="Search port, label, directory, pid"
          onChange={setQuery}
        />
        <Filter
          options={STATES.map((value) => ({ value, count: groups.counts[value] }))}
          value={only}
          onChange={setOnly}
        />
        {slice !== undefined && (
          <button type="button" onClick={() => setSlice(undefined)}>
            ports {slice}-{slice + SLICE_SIZE - 1} ×
          </button>
        )}
      </div>
      <RangeMap range={groups.range} cells={groups.cells} onChoose={chooseSlice} />
      {roots.map((root) => (
        <Root key={root.root} group={root} now={now} />
      ))}
      {roots.length === 0 && (
        <p class="empty">{isFiltered ? 'Nothing matches.' : 'No ports are out on this machine.'}</p>
      )}
    </main>
  )
}

function Status({ connection }: { connection: Connection }) {
  const text = { connecting: 'connecting …', live: 'live', lost: 'connection lost' }[connection]
  return (
    <span role="status">
      <Badge kind={connection === 'live' ? 'listening' : 'leaked'}>{text}</Badge>
    </span>
  )
}

function summary(roots: readonly RootGroup[]): string {
  const known = roots.filter(({ root }) => root !== FOREIGN_ROOT && root !== UNKNOWN_ROOT)
  const runs = known.flatMap((root) => root.runs)
  return `${pluralize(runs.length, 'run')} in ${pluralize(known.length, 'project')}`
}

function inSlice(roots: readonly RootGroup[], slice: number): RootGroup[] {
  const isInside = ({ port }: PortLine) => port >= slice && port < slice + SLICE_SIZE
  return roots
    .map((root) => ({
      ...root,
      runs: root.runs
        .map((run) => ({ ...run, lines: run.lines.filter(isInside) }))
        .filter(({ lines }) => lines.length > 0),
    }))
    .filter(({ runs }) => runs.length > 0)
}

function Root({ group, now }: { group: RootGroup; now: number }) {
  const ports = group.runs.reduce((sum, { lines }) => sum + lines.length, 0)
  const slash = group.root.lastIndexOf('/') + 1
  return (
    <details class="root" open>
      <summary>
        <h2 class="wrap">
          <span class="dim">{group.root.slice(0, slash)}</span>
          {group.root.slice(slash)}
        </h2>
        <span class="dim">
          {pluralize(group.runs.length, 'run')}, {pluralize(ports, 'port')}
        </span>
      </summary>
      <More items={group.runs} first={FIRST_RUNS} noun="run">
        {(run) => <Run key={run.key} run={run} now={now} />}
      </More>
    </details>
  )
}

function Run({ run, now }: { run: RunGroup; now: number }) {
  const { name, workers, pids, command, since, lines, hasEnded, isUnverified } = run
  return (
    <article class="run">
      <div class="run-head">
        <h3 class="wrap">{name}</h3>
        {workers > 0 && <span>{pluralize(workers, 'worker')}</span>}
        {hasEnded && <Badge kind="quarantined">has ended</Badge>}
        {isUnverified && <Badge kind="quarantined">may have ended</Badge>}
        {pids.length === 1 && <span class="dim">pid {pids[0]}</span>}
        {since && (
          <span class="dim" title={since}>
            since {formatAge(now - Date.parse(since))}
          </span>
        )}
      </div>
      {command && command !== name && (
        <code class="command dim" title={command}>
          {command}
        </code>
      )}
      <ul class="lines">
        <More items={lines} first={FIRST_LINES} noun="port">
          {(line) => <Line key={line.key} line={line} now={now} />}
        </More>
      </ul>
    </article>
  )
}

function Line({ line, now }: { line: PortLine; now: number }) {
  const { port, state, label, holder, since, until } = line
  const left = until && `, ${formatAge(Date.parse(until) - now)} left`
  return (
    <li>
      {state === 'listening' || state === 'leaked' || state === 'foreign' ? (
        <a class="mono" href={`http://localhost:${port}`} target="_blank" rel="noreferrer noopener">
          localhost:{port}
        </a>
      ) : (
        <span class="mono">{port}</span>
      )}
      <Badge kind={state}>
        {state}
        {left}
      </Badge>
      <span class="label wrap">{label}</span>
      <span class="dim">{holder}</span>
      <span class="dim age" title={since}>
        {since && formatAge(now - Date.parse(since))}
      </span>
    </li>
  )
}

interface MoreProps<T> {
  items: readonly T[]
  first: number
  noun: string
  children: (item: T) => ComponentChildren
}

function More<T>({ items, first, noun, children }: MoreProps<T>) {
  const [all, setAll] = useState(false)
  const hidden = all ? 0 : items.length - first
  return (
    <>
      {(hidden > 0 ? items.slice(0, first) : items).map(children)}
      {hidden > 0 && (
        <button type="button" class="more" onClick={() => setAll(true)}>
          Show {pluralize(hidden, `more ${noun}`)}
        </button>
      )}
    </>
  )
}

render(<Page />, document.body)
