/** What a caller has of an app that was started. */

/** An app that runs on a leased port. Disposing of it is to stop it. */
export interface App extends AsyncDisposable {
  /** `http://localhost:<port>`, without a slash at its end. */
  readonly url: string
  /** The port that it was told to listen on. */
  readonly port: number
  /** The further ports, by the names in the option `ports`. */
  readonly ports: Readonly<Record<string, number>>
  /** The process that was started; a shell, where `command` is a text. */
  readonly pid: number
  /** How much it has printed, in characters. */
  readonly printed: number
  /**
   * What it has printed, stdout and stderr in the order in which they came: the last million
   * characters at most.
   *
   * @param from what `printed` was at an earlier moment: what came after it
   */
  output(from?: number): string
  /**
   * Whether it runs: the process that was started or, where that ended well, any that it left.
   * An app whose port or page tells that it is ready must still listen, too: a watcher lives on
   * when what it watches has crashed.
   */
  isRunning(): Promise<boolean>
  /**
   * Ends what is left of it and starts it again, on the same ports.
   *
   * @throws PortsliceError as `startApp` does; …_CLOSED after `stop()`
   */
  restart(): Promise<void>
  /**
   * Ends its whole process tree: SIGTERM, and SIGKILL after `stopTimeout`. Then gives its
   * ports back. Stopping twice does no harm.
   *
   * @throws PortsliceError ERR_PORTSLICE_APP_STOP when a process of it could not be ended: its
   *   ports stay leased
   */
  stop(): Promise<void>
}

/** Several apps, by their names. Disposing of them stops all, the last one first. */
export type Apps<Name extends string = string> = Readonly<Record<Name, App>> & AsyncDisposable
