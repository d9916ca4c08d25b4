import { fileURLToPath } from 'node:url'
import { builtinsWithoutImport } from './builtins.js'
import { bundledLicenses } from './licenses.js'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * Creates the rolldown configuration of a package. devDependencies are bundled, so that users
 * install and load fewer files; other dependencies are not.
 *
 * - `replaceClock`: a module whose `Date`, `setTimeout` and `clearTimeout` replace the global ones,
 *   so that fake timers of tests do not affect bundled libraries.
 * - `together`: modules that match one of these form one chunk.
 * - `inlined`: ids of modules that the bundle contains as strings.
 */
export function bundle({ entries, external = [], replaceClock, together = [], inlined }) {
  return {
    input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
    platform: 'node',
    external: [/^node:/, ...external],
    plugins: [builtinsWithoutImport(), bundledLicenses(inlined)],
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
      ...(replaceClock && {
        inject: Object.fromEntries(
          ['Date', 'setTimeout', 'clearTimeout'].map((name) => [name, [replaceClock, name]]),
        ),
      }),
    },
    output: {
      dir: 'dist',
      cleanDir: true,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunk-[hash].js',
      ...(together.length > 0 && {
        codeSplitting: { groups: together.map((test) => ({ name: 'together', test })) },
      }),
      comments: { legal: true, annotation: true, jsdoc: false },
    },
  }
}
