import { fileURLToPath } from 'node:url'
import { builtinsWithoutImport } from './builtins-without-import.js'
import { bundledLicenses } from './bundled-licenses.js'
import { inlineRuntime } from './inline-runtime.js'
import { MINIFIED, minifyChunks } from './minify-chunks.js'

const EXTENSIONS = { esm: '.js', cjs: '.cjs' }
/** Keeps licenses, and annotations such as `@__PURE__` for the bundlers of users. */
export const COMMENTS = { legal: true, annotation: true, jsdoc: false }

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * Creates the rolldown configuration of a package. It bundles devDependencies, so that users install and load
 * fewer files. Other dependencies are not bundled.
 *
 * - `replaceClock`: a module whose `Date`, `setTimeout` and `clearTimeout` replace the global ones, so that fake
 *   timers of tests do not affect bundled libraries.
 * - `chunks`: patterns. The modules that match a pattern form a chunk, together with their imports that no
 *   earlier chunk contains.
 * - `inlined`: ids of modules that the bundle contains as strings, for the licenses.
 * - `define`: expressions that replace identifiers.
 * - `inlineHelpers`: whether each chunk contains the helpers of rolldown. Otherwise they are a separate file.
 * - `minified`: libraries that form one minified chunk.
 * - `minify`: whether all chunks are minified, for code that many processes of users load.
 * - `formats`: libraries have both formats, which share the state of the process (`process-state.ts` of core).
 * - `cleanDir`: whether the build deletes `dist` first.
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
      minifyChunks(minify),
      bundledLicenses(inlined),
    ],
    resolve: {
      extensionAlias: { '.js': ['.ts', '.js'] },
      alias: {
        // graceful-fs and signal-exit patch the process: functions of `fs`, and `process.emit`. bundled/ says
        // why the others are replaced.
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
