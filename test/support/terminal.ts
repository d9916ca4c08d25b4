/** Runs programs in a pseudo-terminal. */
import os from 'node:os'
import pty from '@lydell/node-pty'
import xterm from '@xterm/headless'
import { onTestFinished } from 'vitest'
import { NO_TERMINAL, type StartOptions } from './command.ts'
import { Output } from './output.ts'
import { cleanEnvironment } from './process.ts'

/** node-pty would pass them on as the string "undefined". */
function withoutUndefined(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** A program in a pseudo-terminal, of which it is the foreground. */
export class InTerminal {
  readonly terminal: pty.IPty
  readonly ended: Promise<{ exitCode: number; signal?: number }>
  readonly #output = new Output()
  readonly #screen: xterm.Terminal
  #hasEnded = false

  constructor(file: string, args: string[], options: StartOptions & { columns?: number } = {}) {
    const size = { cols: options.columns ?? 100, rows: 30 }
    this.#screen = new xterm.Terminal({ ...size, allowProposedApi: true })
    this.terminal = pty.spawn(file, args, {
      name: 'xterm-256color',
      ...size,
      cwd: options.cwd ?? os.tmpdir(),
      env: withoutUndefined({
        ...cleanEnvironment(),
        ...NO_TERMINAL,
        ...(options.lockDirectory && { PORTSLICE_LOCK_DIR: options.lockDirectory }),
        ...options.env,
      }),
    })
    this.terminal.onData((text) => {
      this.#output.add(text)
      this.#screen.write(text)
    })
    this.ended = new Promise((resolve) => {
      this.terminal.onExit((exit) => {
        this.#hasEnded = true
        this.#output.end()
        resolve(exit)
      })
    })
    onTestFinished(() => {
      if (!this.#hasEnded) this.terminal.kill('SIGKILL')
    })
  }

  get text(): string {
    return this.#output.text
  }

  said(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#output.until((text) => pattern.exec(text), pattern)
  }

  /** Waits until the lines on the screen are as expected, after everything was redrawn. */
  shows(isExpected: (screen: string) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const listener = this.#screen.onWriteParsed(() => {
        const { active } = this.#screen.buffer
        const lines = Array.from(
          { length: active.length },
          (_, row) => active.getLine(row)?.translateToString(true) ?? '',
        )
        if (!isExpected(lines.join('\n'))) return
        listener.dispose()
        resolve()
      })
    })
  }
}
