const IMPORT =
  /^import (?:\* as (\S+)|([\w$]+)|(?:([\w$]+), )?\{([^}]*)\}) from "(node:[\w/]+)";$/gm

/** How rolldown loads modules of Node for bundled CommonJS. It fails if users bundle our package to CommonJS. */
const REQUIRE = '(() => createRequire(import.meta.url))()'

/**
 * Replaces imports of Node's modules by `process.getBuiltinModule`. An `import` of `node:fs` reads all exports, and
 * the getter of one of them loads `fs/promises`, which takes 5 ms in a new process.
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
        // `const process = …` would hide the global `process` in the lines before.
        const isGlobal = whole === 'process' && module === 'node:process'
        return [
          ...(whole && !isGlobal ? [`const ${whole} = ${get};`] : []),
          ...(names ? [`const {${names.replaceAll(' as ', ': ')}} = ${get};`] : []),
        ].join(' ')
      })
    },
  }
}
