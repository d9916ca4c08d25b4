import { render } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { Badge, Filter, Search } from '../shared/components.js'
import { formatDuration, pluralize, showHidden } from '../shared/format.js'
import { type Finding, findingsOf } from './findings.js'
import type { PortUse, ReportedTest, RunReport } from './run-report.js'
import { Timeline } from './timeline.js'

/** The page shows more on demand. */
const FIRST_TESTS = 200

function Page({ report }: { report: RunReport }) {
  const [query, setQuery] = useState('')
  const [only, setOnly] = useState<ReportedTest['status']>()
  const [all, setAll] = useState(false)
  const findings = useMemo(() => findingsOf(report), [report])
  const target = useTarget()
  const { tests, startedAt, endedAt, runner, directory } = report
  const shown = tests
    .map((test, index) => ({ test, index }))
    .filter(({ test }) => (!only || test.status === only) && isMatch(query, test))
    .sort((a, b) => Number(b.test.status === 'failed') - Number(a.test.status === 'failed'))
  const visible = all ? shown : shown.slice(0, FIRST_TESTS)
  const count = (status: ReportedTest['status']) =>
    tests.filter((test) => test.status === status).length
  return (
    <main>
      <header>
        <h1>Ports of a run</h1>
        <span class="dim">{runner}</span>
        <span class="dim wrap mono">{directory}</span>
        <span class="grow" />
        <time class="dim" dateTime={new Date(startedAt).toISOString()}>
          {new Date(startedAt).toISOString().replace('T', ' ').slice(0, 19)} UTC,{' '}
          {formatDuration(endedAt - startedAt)}
        </time>
      </header>
      <Findings findings={findings} />
      <h2>Timeline</h2>
      <Timeline report={report} target={target} />
      <h2 class="tests-title">Tests</h2>
      <div class="tools">
        <Search value={query} placeholder="Search test, file, port, label" onChange={setQuery} />
        <Filter
          options={[
            { value: 'failed', count: count('failed') },
            { value: 'passed', count: count('passed') },
          ]}
          value={only}
          onChange={setOnly}
        />
      </div>
      {visible.map(({ test, index }) => (
        <Test
          key={index}
          test={test}
          index={index}
          isOpen={test.status === 'failed' || target === index}
          findings={findings.filter((finding) => finding.test === index)}
        />
      ))}
      {visible.length < shown.length && (
        <button type="button" onClick={() => setAll(true)}>
          Show {pluralize(shown.length - visible.length, 'more test')}
        </button>
      )}
      {shown.length === 0 && (
        <p class="empty">{tests.length ? 'Nothing matches.' : 'No test used a port.'}</p>
      )}
      <p class="dim">
        {pluralize(tests.length, 'test')} with ports, {report.testsWithoutPorts} without.
      </p>
    </main>
  )
}

/** The index of the test in the fragment of the URL. */
function useTarget(): number | undefined {
  const read = () => {
    const index = /^#test-(\d+)$/.exec(location.hash)?.[1]
    return index === undefined ? undefined : Number(index)
  }
  const [target, setTarget] = useState(read)
  useEffect(() => {
    const update = () => setTarget(read())
    window.addEventListener('hashchange', update)
    return () => window.removeEventListener('hashchange', update)
  }, [])
  useEffect(() => {
    if (target !== undefined) document.getElementById(`test-${target}`)?.scrollIntoView()
  }, [target])
  return target
}

function isMatch(query: string, { name, file, worker, ports, status, errors }: ReportedTest) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const labels = ports.map(({ port, label = '' }) => `${port} ${label}`)
  const text = [name, file, worker, status, ...labels, ...errors].join(' ').toLowerCase()
  return words.every((word) => text.includes(word))
}

const KIND_CLASSES: Record<Finding['kind'], string> = {
  overlap: 'leaked',
  foreign: 'leaked',
  'in use': 'leaked',
  leak: 'quarantined',
  silent: 'quarantined',
  wait: 'out',
}

function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) {
    return <p class="dim">No foreign programs on ports, no leaks, no long waits.</p>
  }
  return (
    <section class="findings" aria-labelledby="findings-title">
      <h2 id="findings-title">Findings</h2>
      <ul>
        {findings.map((finding) => (
          <li key={finding.kind + finding.text}>
            <Badge kind={KIND_CLASSES[finding.kind]}>{finding.kind}</Badge>
            <span class="wrap">{showHidden(finding.text)}</span>
            {finding.test !== undefined && <a href={`#test-${finding.test}`}>show the test</a>}
          </li>
        ))}
      </ul>
    </section>
  )
}

interface TestProps {
  test: ReportedTest
  index: number
  isOpen: boolean
  findings: readonly Finding[]
}

function Test({ test, index, isOpen, findings }: TestProps) {
  const { name, file, status, startedAt, endedAt, retry, worker, errors, ports } = test
  return (
    <details class="test" id={`test-${index}`} open={isOpen}>
      <summary>
        <Badge kind={status}>{status}</Badge>
        <span class="wrap name">{showHidden(name)}</span>
        {retry > 0 && <Badge kind="quarantined">retry {retry}</Badge>}
        <span class="mono">{ports.map(({ port }) => port).join(' ')}</span>
        <span class="dim">{worker}</span>
        <span class="dim">{formatDuration(endedAt - startedAt)}</span>
      </summary>
      <div class="body">
        <p class="dim mono wrap">{showHidden(file)}</p>
        {findings.map((finding) => (
          <p key={finding.text} class="wrap">
            <Badge kind={KIND_CLASSES[finding.kind]}>{finding.kind}</Badge>{' '}
            {showHidden(finding.text)}
          </p>
        ))}
        {ports.map((use) => (
          <Events key={`${use.port} ${use.takenAt}`} use={use} start={startedAt} />
        ))}
        {errors.map((error) => (
          <pre key={error}>{error.split('\n').map(showHidden).join('\n')}</pre>
        ))}
      </div>
    </details>
  )
}

/** The events of a port, with times relative to the start of its test. */
function Events({ use, start }: { use: PortUse; start: number }) {
  const { port, label, requestedAt, takenAt, releasedAt, leaked, listeners = [] } = use
  const events = [
    { at: takenAt, text: `handed out after ${formatDuration(takenAt - requestedAt)}` },
    ...listeners.map(({ since, pid, command, isForeign, isInTheWay }) => ({
      at: since,
      text: [
        isInTheWay ? 'found in use' : 'listening',
        command && `: ${command}`,
        pid && `, pid ${pid}`,
        isForeign && ' (not started by the worker)',
      ]
        .filter(Boolean)
        .join(''),
      kind: isForeign || isInTheWay ? 'leaked' : 'listening',
    })),
    ...(releasedAt === undefined
      ? []
      : [
          {
            at: releasedAt,
            text: leaked ? 'given back, with a listener still on it' : 'given back',
            ...(leaked && { kind: 'leaked' }),
          },
        ]),
  ].sort((a, b) => a.at - b.at)
  return (
    <section class="events">
      <h3 class="wrap">
        {port} <span class="dim">{label && showHidden(label)}</span>
      </h3>
      <ol>
        {events.map(({ at, text, kind }) => (
          <li key={text} class={kind}>
            <span class="mono dim">{formatOffset(at - start)}</span>
            <span class="wrap">{showHidden(text)}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

function formatOffset(ms: number): string {
  return ms < 0 ? `-${formatDuration(-ms)}` : `+${formatDuration(ms)}`
}

const data = document.getElementById('report')?.textContent ?? '{}'
render(<Page report={JSON.parse(data) as RunReport} />, document.body)
