/** An app that runs on a leased port. Disposing of it stops it. */
export interface App extends AsyncDisposable {
  /** `http://localhost:<port>`, or with the name of the other host; without a slash at the end. */
  readonly url: string
  /** The port for the app to listen on. */
  readonly port: number
  /** The ports of the option `ports`, by name. */
  readonly ports: Readonly<Record<string, number>>
  /** The process that was started; a shell, if `command` is a string. */
  readonly pid: number
  /** How many characters the app has printed. */
  readonly printed: number
  /**
   * What the app has printed to stdout and stderr, at most the last million characters.
   *
   * @param from an earlier value of `printed`: returns the output after that
   */
  output(from?: number): string
  /**
   * Whether the first process runs or, if it has exited with 0, any other process of the app. Unless `ready` is
   * a RegExp or a function, the app must also listen on its port, because a tool in watch mode keeps running
   * when the app crashes.
   */
  isRunning(): Promise<boolean>
  /** Starts the app again on the same ports. @throws PortsliceError as `startApp`; …_CLOSED after `stop()` */
  restart(): Promise<void>
  /**
   * Ends the whole process tree: SIGTERM, and SIGKILL after `stopTimeout`. Then releases the ports. A second
   * call does nothing.
   *
   * @throws PortsliceError ERR_PORTSLICE_APP_STOP if a process could not be ended; its ports stay leased
   */
  stop(): Promise<void>
}

/** Several apps, by name. Disposing of them stops all, the last one first. */
export type Apps<Name extends string = string> = Readonly<Record<Name, App>> & AsyncDisposable
