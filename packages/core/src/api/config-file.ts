const CONFIG_FILE = /(?:file:\/\/)?([^\s()]+\.config\.[cm]?[jt]s)(\.timestamp-[\w.-]+\.mjs)?/
const COPIES = /node_modules[\\/]\.vite-temp[\\/]/

/** A config file that calls portslice. */
export interface ConfigFile {
  /** The copies of two different files can have the same path: see `originalOf`. */
  readonly path: string
  /** The name of the script in the engine. Vite evaluates a copy in `node_modules/.vite-temp`. */
  readonly script: string
}

/** Finds the config file in the stack of the call. */
export function callingConfigFile(): ConfigFile | undefined {
  const [script, file] = CONFIG_FILE.exec(new Error().stack ?? '') ?? []
  if (script === undefined || file === undefined) return undefined
  return { path: file.replace(COPIES, ''), script }
}

/** Reads the original path from the source map of the script, because Vite has deleted the copy. */
export function originalOf({ path, script }: ConfigFile): string {
  if (!COPIES.test(script)) return path
  try {
    return fileInSourceMap(sourceMapOf(script), path) ?? path
  } catch {
    return path // Not every runtime has an inspector.
  }
}

function sourceMapOf(script: string): string {
  const { Session } = process.getBuiltinModule('node:inspector')
  const session = new Session()
  let url = ''
  session.on('Debugger.scriptParsed', ({ params }) => {
    if (params.url === script) url = params.sourceMapURL ?? ''
  })
  session.connect()
  session.post('Debugger.enable')
  session.disconnect()
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64').toString()
}

function fileInSourceMap(json: string, path: string): string | undefined {
  const { sourceRoot = '', sources } = JSON.parse(json) as {
    sourceRoot?: string
    sources: string[]
  }
  const name = path.slice(path.search(/[^\\/]+$/))
  const source = sources.findLast((each) => each.endsWith(name))
  return source && sourceRoot + source
}
