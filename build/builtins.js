/**
 * Lets the bundle ask Node for its modules by a function, not by `import`.
 *
 * An `import` of `node:fs` reads each of its exports, one of which is a getter that loads
 * `fs/promises` and half of readline: together some 5 ms in a fresh process, for nothing.
 */
const IMPORT =
  /^import (?:\* as (\S+)|([\w$]+)|(?:([\w$]+), )?\{([^}]*)\}) from "(node:[\w/]+)";$/gm

export function builtinsAtHand() {
  return {
    name: 'builtins-at-hand',
    renderChunk(code) {
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
