/**
 * Copies the helpers of rolldown into each chunk that uses them. With several groups of chunks, the helpers would
 * be a separate file, which each process would have to find and read.
 */
export function inlineRuntime() {
  return {
    name: 'inline-runtime',
    generateBundle({ format }, bundle) {
      const chunks = Object.values(bundle).filter(({ type }) => type === 'chunk')
      const runtime = chunks.find(
        ({ moduleIds }) => moduleIds.length === 1 && moduleIds[0].endsWith('rolldown/runtime.js'),
      )
      if (!runtime) return
      const from = `["']\\.{1,2}/${RegExp.escape(runtime.fileName)}["']`
      for (const chunk of chunks.filter(({ imports }) => imports.includes(runtime.fileName))) {
        const code =
          format === 'cjs'
            ? chunk.code.replace(
                new RegExp(`^const (\\w+) = require\\(${from}\\);$`, 'm'),
                (_, name) => `const ${name} = {};\n((exports) => {\n${runtime.code}})(${name});`,
              )
            : chunk.code.replace(new RegExp(`^import \\{[^}]*\\} from ${from};$`, 'm'), () =>
                runtime.code.replace(/^export \{[^}]*\};\n?/m, ''),
              )
        if (code.includes(runtime.fileName)) throw new Error(`${chunk.fileName} needs the runtime.`)
        chunk.code = code
      }
      delete bundle[runtime.fileName]
    },
  }
}
