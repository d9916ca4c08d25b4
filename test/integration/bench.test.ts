/** The quickest rows of `pnpm run bench`, with the fewest runs: tests that they are measured, not how fast they are. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { JSDOM } from 'jsdom'
import { expect, onTestFinished, test } from 'vitest'
import { runNode } from '../support/process.ts'
import { TEST_ALL } from '../support/test-all.ts'

const BENCH = fileURLToPath(new URL('../../bench/src/bench.ts', import.meta.url))
const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url))

/** It takes half a minute on an idle machine, but starts a hundred processes, one after the other. */
const BENCH_TIMEOUT_MS = 900_000

/** What the first column of each table must have, for the rows whose names have one of these. */
const TABLES = {
  warm: [
    [
      'portslice',
      'portslice, with its events subscribed',
      'get-port',
      'get-port, a given port',
      'portfinder',
      'detect-port',
      'bare listen(0) and close',
      'bare: UDP bind and listen, twice',
    ],
  ],
  'of a slice': [['portslice', 'proper-lockfile']],
  memory: [['0', '1', '31', '310']],
  listslices: [['0', '10']],
}

test.runIf(TEST_ALL)(
  'the bench measures, and writes its page with charts',
  { timeout: BENCH_TIMEOUT_MS + 10_000 },
  async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-bench-page-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const before = readFileSync(PAGE, 'utf8')
    const args = [BENCH, '--short', '--into', folder, ...Object.keys(TABLES)]
    const { status, stdout, stderr } = await runNode(args, {
      cwd: folder,
      timeout: BENCH_TIMEOUT_MS,
    })
    expect(status, `${stdout}\n${stderr}`).toBe(0)
    expect(stdout).toContain('4 of 4 rows measured')
    expect(readFileSync(PAGE, 'utf8')).toBe(before)

    const page = readFileSync(path.join(folder, 'performance.md'), 'utf8')
    const [targets, machine, ...tables] = firstColumns(page)
    expect(targets).toEqual([
      ...Array(3).fill('Take and release in a warm worker'),
      'Lease and release of a slice',
      ...Array(4).fill('Memory and file descriptors of a worker'),
      '`listSlices()`',
    ])
    expect(machine).toContain('load at the start')
    expect(tables).toEqual(Object.values(TABLES).flat())
    expect(page).toContain('## What takes the time') // Text that people wrote is kept.

    const charts = [...page.matchAll(/!\[.+\]\(images\/(.+)\)/g)].map(([, file]) => file)
    expect(charts).toHaveLength(3)
    expect(readdirSync(path.join(folder, 'images')).sort()).toEqual(charts.toSorted())
    for (const chart of charts) {
      const svg = readFileSync(path.join(folder, 'images', chart as string), 'utf8')
      // Throws where it is not well-formed.
      const { document } = new JSDOM(svg, { contentType: 'image/svg+xml' }).window
      expect(document.documentElement.tagName).toBe('svg')
      expect(document.querySelector('style')?.textContent).toContain('prefers-color-scheme: dark')
    }
  },
)

/** Of each table of a page. */
function firstColumns(page: string): string[][] {
  const tables = page.match(/^\|.*\n\| :-.*\n(\|.*\n?)+/gm) ?? []
  return tables.map((table) => {
    const rows = table.trimEnd().split('\n').slice(2)
    return rows.map((row) => row.split('|')[1]?.trim() ?? '')
  })
}
