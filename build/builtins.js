/**
 * Lets the bundle ask Node for its modules by a function, not by `import`.
 *
 * An `import` of `node:fs` reads each of its exports, one of which is a getter that loads
 * `fs/promises` and half of readline: together some 5 ms in a fresh process, for nothing.
 */
const IMPORT =
  /^import (?:\* as (\S+)|([\w$]+)|(?:([\w$]+), )?\{([^}]*)\}) from "(node:[\w/]+)";$/gm

/**
 * How the bundler gives `require` to bundled CommonJS. Only built-in modules are required, and in a
 * CommonJS bundle of a user `import.meta.url` is undefined.
 */
const REQUIRE = '(() => createRequire(import.meta.url))()'

export function builtinsAtHand() {
  return {
    name: 'builtins-at-hand',
    renderChunk(whole) {
      const code = whole
        .replace(REQUIRE, '((name) => process.getBuiltinModule(name))')
        .replace('import { createRequire } from "node:module";\n', '')
      return code.replaceAll(IMPORT, (_, namespace, only, withNames, names, module) => {
        const get = `process.getBuiltinModule("${module}")`
        const whole = namespace ?? only ?? withNames
        return [
          ...(whole ? [`const ${whole} = ${get};`] : []),
          ...(names ? [`const {${names.replaceAll(' as ', ': ')}} = ${get};`] : []),
        ].join(' ')
      })
    },
  }
}
