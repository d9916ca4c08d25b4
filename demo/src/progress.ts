import readline from 'node:readline'
import { styleText } from 'node:util'
import type { PortStats } from './port-records.ts'
import type { Run } from './run-suites.ts'

/** Shows progress as one changing line on a terminal, otherwise as occasional lines. */
export class Progress {
  readonly #stream = process.stdout
  readonly #expected: number

  /** @param expected number of ports in one load */
  constructor(expected: number) {
    this.#expected = expected
  }

  get intervalMs(): number {
    return this.#stream.isTTY ? 250 : 4000
  }

  show(title: string, stats: PortStats, seconds: number): void {
    const text = `  ${seconds.toFixed(0).padStart(2)} s  ${title}: ${counts(stats, this.#expected)}`
    if (this.#stream.isTTY) {
      this.#clear()
      // A wrapped line could not be cleared.
      this.#stream.write(text.slice(0, this.#stream.columns - 1))
    } else {
      this.say(text)
    }
  }

  ended(title: string, { name, report, status, seconds }: Run): void {
    const tests = report
      ? `${report.passed} tests passed, ${report.failed} failed`
      : `no report, exit status ${status}`
    this.say(`  ${seconds.toFixed(0).padStart(2)} s  ${title}: ${name}: ${tests}`)
  }

  heading(text: string): void {
    this.say(styleText('bold', text))
  }

  say(text: string): void {
    this.#clear()
    this.#stream.write(`${text}\n`)
  }

  #clear(): void {
    if (!this.#stream.isTTY) return
    readline.cursorTo(this.#stream, 0)
    readline.clearLine(this.#stream, 0)
  }
}

function counts(stats: PortStats, expected: number): string {
  return [
    `${stats.handedOut}/${expected} handed out`,
    `${stats.currentlyOut} out now (${stats.currentlyUnbound} unbound)`,
    `overlaps ${stats.overlaps}`,
    `EADDRINUSE ${stats.failedBinds}`,
  ].join(', ')
}
