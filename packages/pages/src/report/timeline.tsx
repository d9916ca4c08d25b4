import { useState } from 'preact/hooks'
import { formatDuration, showHidden } from '../shared/format.js'
import { lanesOf, ticksOf } from './lanes.js'
import type { PortUse, ReportedWorker, RunReport } from './run-report.js'

const TICKS = 8
const MAX_ZOOM = 64
/** Shorter waits are not drawn. */
const VISIBLE_WAIT_MS = 5

interface Scale {
  /** The horizontal position of a time, in percent of the width. */
  at: (time: number) => number
  end: number
}

interface UseInTimeline {
  use: PortUse
  test?: number
}

export function Timeline({ report, target }: { report: RunReport; target: number | undefined }) {
  const [zoom, setZoom] = useState(1)
  const begin = report.startedAt
  const end = Math.max(report.endedAt, begin + 1)
  const scale: Scale = { at: (time) => (100 * (time - begin)) / (end - begin), end }
  const change = (factor: number) => setZoom(Math.max(1, Math.min(MAX_ZOOM, zoom * factor)))
  return (
    <section class="timeline">
      <p class="legend">
        <Key kind="wait">waited</Key>
        <Key kind="out">handed out</Key>
        <Key kind="listening">something listens</Key>
        <Key kind="leaked">leaked, or used by a foreign program</Key>
        <span class="grow" />
        <button
          type="button"
          aria-label="Zoom out"
          disabled={zoom === 1}
          onClick={() => change(0.5)}
        >
          −
        </button>
        <button
          type="button"
          aria-label="Zoom in"
          disabled={zoom === MAX_ZOOM}
          onClick={() => change(2)}
        >
          +
        </button>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-label="Timeline of the workers">
        <div class="canvas" style={{ width: `${100 * zoom}%` }}>
          <div class="axis" aria-hidden="true">
            {ticksOf(end - begin, TICKS * zoom).map((tick) => (
              <span key={tick} style={{ left: `${(100 * tick) / (end - begin)}%` }}>
                {formatDuration(tick)}
              </span>
            ))}
          </div>
          {report.workers.map((worker) => (
            <Worker
              key={worker.name}
              worker={worker}
              report={report}
              scale={scale}
              target={target}
            />
          ))}
        </div>
      </section>
    </section>
  )
}

function Key({ kind, children }: { kind: string; children: string }) {
  return (
    <span class="key">
      <i class={kind} /> {children}
    </span>
  )
}

interface WorkerProps {
  worker: ReportedWorker
  report: RunReport
  scale: Scale
  target: number | undefined
}

function Worker({ worker, report, scale, target }: WorkerProps) {
  const tests = report.tests
    .map((test, index) => ({ test, index }))
    .filter(({ test }) => test.worker === worker.name)
  const uses: UseInTimeline[] = [
    ...worker.ports.map((use) => ({ use })),
    ...tests.flatMap(({ test, index }) => test.ports.map((use) => ({ use, test: index }))),
  ]
  const slices = worker.slices.map(({ first, last }) => `${first}-${last}`)
  return (
    <div class="worker">
      <p class="worker-name">
        <b>{worker.name}</b>{' '}
        <span class="dim">
          pid {worker.pids.join(', ')}
          {slices.length > 0 && `, ports ${[...new Set(slices)].join(', ')}`}
        </span>
      </p>
      {worker.slices.filter(isVisibleWait).map((slice) => (
        <div class="lane thin" key={`${slice.first} ${slice.requestedAt}`}>
          <span
            class="bar wait"
            style={place(scale, slice.requestedAt, slice.leasedAt)}
            title={`waited ${formatDuration(slice.leasedAt - slice.requestedAt)} for the slice ${slice.first}-${slice.last}`}
          />
        </div>
      ))}
      {lanesOf(tests, ({ test }) => ({ from: test.startedAt, to: test.endedAt })).map((lane) => (
        <div class="lane" key={lane[0]?.index}>
          {lane.map(({ test, index }) => (
            <a
              key={index}
              href={`#test-${index}`}
              class={`bar test-bar ${test.status}${target === index ? ' target' : ''}`}
              style={place(scale, test.startedAt, test.endedAt)}
              title={`${showHidden(test.name)} (${test.status}, ${formatDuration(test.endedAt - test.startedAt)})`}
            >
              {showHidden(test.name)}
            </a>
          ))}
        </div>
      ))}
      {lanesOf(uses, ({ use }) => ({ from: use.requestedAt, to: use.releasedAt ?? scale.end })).map(
        (lane) => (
          <div class="lane" key={lane[0]?.use.port}>
            {lane.map((each) => (
              <Port key={`${each.use.port} ${each.use.takenAt}`} each={each} scale={scale} />
            ))}
          </div>
        ),
      )}
    </div>
  )
}

function isVisibleWait({ requestedAt, leasedAt }: ReportedWorker['slices'][number]): boolean {
  return leasedAt - requestedAt >= VISIBLE_WAIT_MS
}

function Port({ each: { use, test }, scale }: { each: UseInTimeline; scale: Scale }) {
  const { port, label = '', requestedAt, takenAt, leaked, listeners = [] } = use
  const end = use.releasedAt ?? scale.end
  const foreign = listeners.filter(({ isForeign, isInTheWay }) => isForeign || isInTheWay)
  const [own] = listeners.filter((listener) => !foreign.includes(listener))
  const text = `${port} ${showHidden(label)}`
  const isBad = leaked || foreign.length > 0
  const attributes = {
    class: `bar port-bar ${isBad ? 'leaked' : 'out'}`,
    style: place(scale, takenAt, end),
    title: `${text}: ${formatDuration(end - takenAt)}${leaked ? ', leaked' : ''}`,
  }
  const inside = (
    <>
      {own && <i class="bind" style={inBar(own.since, takenAt, end)} title="something listens" />}
      {foreign.map(({ since, pid, command }) => (
        <b
          key={since}
          class="foreign"
          style={{ left: inBar(since, takenAt, end).left }}
          title={showHidden(
            `used by ${command ?? 'an unknown process'}${pid ? `, pid ${pid}` : ''}`,
          )}
        >
          ×
        </b>
      ))}
      <span>
        {text}
        {leaked && foreign.length === 0 && ' leaked'}
      </span>
    </>
  )
  return (
    <>
      {takenAt - requestedAt >= VISIBLE_WAIT_MS && (
        <span
          class="bar wait"
          style={place(scale, requestedAt, takenAt)}
          title={`waited ${formatDuration(takenAt - requestedAt)} for ${port}`}
        />
      )}
      {test === undefined ? (
        <span {...attributes}>{inside}</span>
      ) : (
        <a href={`#test-${test}`} {...attributes}>
          {inside}
        </a>
      )}
    </>
  )
}

function place({ at }: Scale, from: number, to: number): { left: string; width: string } {
  return { left: `${at(from)}%`, width: `${at(to) - at(from)}%` }
}

function inBar(time: number, from: number, to: number): { left: string } {
  const share = Math.max(0, Math.min(1, (time - from) / Math.max(1, to - from)))
  return { left: `${100 * share}%` }
}
