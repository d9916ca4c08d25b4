/**
 * The report of a run: one HTML file that needs no other files.
 *
 * @module @portslice/pages/report
 */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { takeLateUses, type WorkerUse } from '@portslice/core/internal'
import { type CollectedTest, collectReport, type ReportedRun } from './collect.js'
import type { RunReport } from './run-report.js'

export type { CollectedTest } from './collect.js'

/** Inserted by the build. */
declare const REPORT_PAGE: { script: string; style: string }

export const DEFAULT_REPORT_FILE = 'portslice-report.html'

/** Writes the report, and once more at the end of this process if workers have released ports since then. */
export class ReportFile {
  readonly #name: string
  #write: ((late: readonly WorkerUse[]) => void) | undefined

  /** @param name relative to the directory of the run */
  constructor(name: string) {
    this.#name = name
  }

  /** Prints the path of the file to stderr. */
  write(run: ReportedRun, tests: readonly CollectedTest[]): void {
    const file = path.resolve(run.directory, this.#name)
    mkdirSync(path.dirname(file), { recursive: true })
    const late: WorkerUse[] = []
    if (!this.#write) process.once('exit', () => this.#finish())
    this.#write = (more) => {
      late.push(...more)
      writeFileSync(file, reportHtml(collectReport(run, tests, late), REPORT_PAGE))
    }
    this.#write(takeLateUses())
    process.stderr.write(`portslice: the report of the ports is in ${file}\n`)
  }

  #finish(): void {
    const late = takeLateUses()
    if (late.length > 0) this.#write?.(late)
  }
}

/** Embeds test names and errors as data, not as markup. The policy allows only the script of this file. */
export function reportHtml(report: RunReport, { script, style }: typeof REPORT_PAGE): string {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const data = JSON.stringify(report).replaceAll('<', '\\u003c')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Ports of a run</title>
<link rel="icon" href="data:,">
<style>${style}</style>
<body><noscript>This page needs JavaScript.</noscript>
<script type="application/json" id="report">${data}</script>
<script>${script}</script>
</body>
</html>
`
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
