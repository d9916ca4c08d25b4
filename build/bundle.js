/** How the packages of this workspace are built: one bundle a format, split only where entries share code. */
import { fileURLToPath } from 'node:url'
import { builtinsAtHand } from './builtins.js'
import { bundledLicenses } from './licenses.js'

const EXTENSIONS = { esm: '.js', cjs: '.cjs' }
/** Licences and what bundlers read. */
export const COMMENTS = { legal: true, annotation: true, jsdoc: false }

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * A rolldown configuration for the package whose folder it is run in.
 *
 * Libraries that are devDependencies are bundled: users install and load fewer files, and
 * the bundled copies get the machine's own clock (`replaceClock`: a module that exports `Date`,
 * `setTimeout`, `clearTimeout`). What is a dependency or a peer stays outside. Modules that match
 * one of `together` are one chunk with all that they need, where several are always loaded at once.
 * `inlined`: the ids of modules that the bundle contains as text. Libraries have both `formats`:
 * each shares the state of the process with the other (`process-state.ts` of core).
 */
export function bundle({
  entries,
  external = [],
  replaceClock,
  together = [],
  inlined,
  formats = ['esm', 'cjs'],
}) {
  return {
    input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
    platform: 'node',
    external: [/^node:/, ...external],
    plugins: [builtinsAtHand(), bundledLicenses(inlined)],
    resolve: {
      // The sources name their compiled files, as TypeScript wants it.
      extensionAlias: { '.js': ['.ts', '.js'] },
      alias: {
        // Both change the process of whoever loads them: graceful-fs replaces functions of
        // `fs` and `process`, signal-exit listens to signals and replaces `process.emit`.
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
    output: formats.map((format, i) => ({
      dir: 'dist',
      cleanDir: i === 0,
      format,
      exports: 'named',
      entryFileNames: `[name]${EXTENSIONS[format]}`,
      chunkFileNames: `chunk-[hash]${EXTENSIONS[format]}`,
      // Jest has no `import()` in CommonJS.
      dynamicImportInCjs: false,
      ...(together.length > 0 && {
        codeSplitting: { groups: together.map((test) => ({ name: 'together', test })) },
      }),
      comments: COMMENTS,
    })),
  }
}
