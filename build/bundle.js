import { fileURLToPath } from 'node:url'
import { builtinsWithoutImport } from './builtins.js'
import { inlineRuntime } from './inline-runtime.js'
import { bundledLicenses } from './licenses.js'
import { MINIFIED, minifiedChunks } from './minified.js'

const EXTENSIONS = { esm: '.js', cjs: '.cjs' }
/** Licences and what bundlers read. */
export const COMMENTS = { legal: true, annotation: true, jsdoc: false }

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * Creates the rolldown configuration of a package. devDependencies are bundled, so that users
 * install and load fewer files; other dependencies are not.
 *
 * - `replaceClock`: a module whose `Date`, `setTimeout` and `clearTimeout` replace the global ones,
 *   so that fake timers of tests do not affect bundled libraries.
 * - `chunks`: modules that match form a chunk with what they import, unless an earlier one has it.
 * - `inlined`: ids of modules that the bundle contains as strings.
 * - `define`: expressions that replace identifiers.
 * - `inlineHelpers`: whether each chunk contains the helpers of the bundler, instead of a file of their own.
 * - `minified`: libraries that form one minified chunk.
 * - `minify`: whether all of it is minified, because processes of users read it again and again.
 * - `formats`: libraries have both, which share the state of the process (`process-state.ts` of core).
 * - `cleanDir`: whether `dist` is emptied before.
 */
export function bundle({
  entries,
  external = [],
  replaceClock,
  chunks = [],
  inlineHelpers = false,
  minified,
  minify = false,
  inlined,
  define = {},
  formats = ['esm', 'cjs'],
  cleanDir = true,
}) {
  const groups = [
    ...chunks.map((test, i) => ({ name: `part-${i}`, test, priority: chunks.length - i })),
    ...(minified ? [{ name: MINIFIED, test: minified }] : []),
  ]
  return {
    input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
    platform: 'node',
    external: [/^node:/, ...external],
    plugins: [
      builtinsWithoutImport(),
      ...(inlineHelpers ? [inlineRuntime()] : []),
      minifiedChunks(minify),
      bundledLicenses(inlined),
    ],
    resolve: {
      extensionAlias: { '.js': ['.ts', '.js'] },
      alias: {
        // These libraries patch the process: graceful-fs replaces functions of `fs`, and
        // signal-exit replaces `process.emit`.
        'graceful-fs': here('bundled/plain-fs.cjs'),
        'signal-exit': here('bundled/no-exit-hook.cjs'),
        path: here('bundled/builtin-path.cjs'),
        retry: here('bundled/no-retry.cjs'),
      },
    },
    transform: {
      target: 'node20.19',
      define,
      ...(replaceClock && {
        inject: Object.fromEntries(
          ['Date', 'setTimeout', 'clearTimeout'].map((name) => [name, [replaceClock, name]]),
        ),
      }),
    },
    output: formats.map((format, i) => ({
      dir: 'dist',
      cleanDir: cleanDir && i === 0,
      format,
      exports: 'named',
      entryFileNames: `[name]${EXTENSIONS[format]}`,
      chunkFileNames: `chunk-[hash]${EXTENSIONS[format]}`,
      // Jest has no `import()` in CommonJS.
      dynamicImportInCjs: false,
      ...(groups.length > 0 && { codeSplitting: { groups } }),
      comments: COMMENTS,
    })),
  }
}
