const IMPORT =
  /^import (?:\* as (\S+)|([\w$]+)|(?:([\w$]+), )?\{([^}]*)\}) from "(node:[\w/]+)";$/gm

/** The bundler's `require` for bundled CommonJS, which fails where users bundle to CommonJS. */
const REQUIRE = '(() => createRequire(import.meta.url))()'

/**
 * Replaces imports of Node's modules by `process.getBuiltinModule`. An `import` of `node:fs` reads all
 * its exports, and one getter loads `fs/promises`: 5 ms in a new process.
 */
export function builtinsWithoutImport() {
  return {
    name: 'builtins-without-import',
    renderChunk(whole) {
      const code = whole
        .replace(REQUIRE, '((name) => process.getBuiltinModule(name))')
        .replace('import { createRequire } from "node:module";\n', '')
      return code.replaceAll(IMPORT, (_, namespace, only, withNames, names, module) => {
        const get = `process.getBuiltinModule("${module}")`
        const whole = namespace ?? only ?? withNames
        // The global has that name already, and its declaration would hide the global above it.
        const isGlobal = whole === 'process' && module === 'node:process'
        return [
          ...(whole && !isGlobal ? [`const ${whole} = ${get};`] : []),
          ...(names ? [`const {${names.replaceAll(' as ', ': ')}} = ${get};`] : []),
        ].join(' ')
      })
    },
  }
}
