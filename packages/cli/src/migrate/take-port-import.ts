/** Brings takePort into a file, once, under a name that means nothing else there. */
import type { FileKind } from './file-kind.js'
import type { ImportSite } from './find-package-uses.js'
import type { SourceEdits } from './source-edits.js'
import { type Node, type NodeOf, type SyntaxTree, stringOf } from './syntax-tree.js'

const NAME = 'takePort'
/** If a variable of the user is called takePort. */
const OTHER_NAME = 'takeLeasedPort'
const MODULES = /^@portslice\/(core|vitest-plugin\/test)$/

export class TakePortImport {
  /** What it is called in this file. */
  readonly name: string
  #isThere: boolean
  readonly #tree: SyntaxTree
  readonly #edits: SourceEdits
  readonly #kind: FileKind

  constructor(tree: SyntaxTree, edits: SourceEdits, kind: FileKind) {
    this.#tree = tree
    this.#edits = edits
    this.#kind = kind
    const existing = existingName(tree)
    this.#isThere = existing !== undefined
    this.name = existing ?? (isUsed(tree, NAME) ? OTHER_NAME : NAME)
  }

  /** Puts it where another package was brought in, all of whose uses have been replaced. */
  replaceSite(site: ImportSite): void {
    if (site.form === 'inline') return
    if (site.form === 'import') {
      if (this.#isThere) this.#edits.removeStatement(site.node)
      else this.#edits.replace(site.node, this.#importText(site.node))
      this.#isThere = true
      return
    }
    const isShared = this.#isAtTopLevel(site.node)
    if (isShared && this.#isThere) {
      this.#removeDeclarator(site.node)
    } else {
      this.#isThere ||= isShared
      this.#edits.replace(site.node, `${this.#pattern()} = ${this.loadText(site.origin)}`)
    }
  }

  /** Adds it beside an import that is still needed, of which `names` are left. */
  addBeside(site: ImportSite, names: readonly Node[]): void {
    if (site.form === 'inline') return
    if (site.form === 'import') {
      this.#edits.replace(site.node, this.#withNames(site.node, names) + this.#addition(site.node))
      this.#isThere = true
      return
    }
    const isShared = this.#isAtTopLevel(site.node)
    if (isShared && this.#isThere) return
    this.#isThere ||= isShared
    this.#edits.insertAfter(site.node, `, ${this.#pattern()} = ${this.loadText(site.origin)}`)
  }

  /** Adds it on a line of its own, if it is not there yet. */
  ensure(): void {
    if (this.#isThere) return
    this.#isThere = true
    const { lineEnd } = this.#edits
    const line = this.#kind.style === 'import' ? this.#importText() : this.#requireText()
    const last = this.#tree.program.body.findLast((each) => isImport(each))
    if (last) {
      this.#edits.insertAfter(last, `${lineEnd}${line}`)
      return
    }
    const first = this.#tree.program.body.find((each) => !('directive' in each && each.directive))
    this.#edits.insertBefore(first?.start ?? this.#tree.code.length, `${line}${lineEnd}${lineEnd}`)
  }

  /** `require('@portslice/core')`, or `await import(…)`, as the other package was loaded. */
  loadText(origin: Node): string {
    const isImport = origin.type === 'AwaitExpression'
    const module = isImport ? this.#kind.takePortModule : '@portslice/core'
    return `${isImport ? 'await import' : 'require'}(${this.#quoted(module)})`
  }

  #addition(node: Node): string {
    return this.#isThere ? '' : this.#edits.lineEnd + this.#importText(node)
  }

  #importText(like?: Node): string {
    const names = this.name === NAME ? NAME : `${NAME} as ${this.name}`
    const end = this.#endsWithSemicolon(like) ? ';' : ''
    return `import { ${names} } from ${this.#quoted(this.#kind.takePortModule)}${end}`
  }

  #requireText(): string {
    const end = this.#endsWithSemicolon() ? ';' : ''
    return `const ${this.#pattern()} = require(${this.#quoted('@portslice/core')})${end}`
  }

  #pattern(): string {
    return this.name === NAME ? `{ ${NAME} }` : `{ ${NAME}: ${this.name} }`
  }

  #withNames(node: NodeOf<'ImportDeclaration'>, names: readonly Node[]): string {
    const text = (each: Node) => this.#tree.textOf(each)
    const braced = names.filter(({ type }) => type === 'ImportSpecifier').map(text)
    const plain = names.filter(({ type }) => type !== 'ImportSpecifier').map(text)
    const all = [...plain, ...(braced.length > 0 ? [`{ ${braced.join(', ')} }`] : [])].join(', ')
    const isType = node.importKind === 'type' ? 'type ' : ''
    const after = this.#tree.code.slice(node.source.start, node.end)
    return `import ${isType}${all} from ${after}`
  }

  #removeDeclarator(node: NodeOf<'VariableDeclarator'>): void {
    const declaration = this.#tree.parentOf(node) as NodeOf<'VariableDeclaration'>
    const { declarations } = declaration
    const index = declarations.indexOf(node)
    const previous = declarations[index - 1]
    const next = declarations[index + 1]
    if (previous) this.#edits.remove({ start: previous.end, end: node.end })
    else if (next) this.#edits.remove({ start: node.start, end: next.start })
    else this.#edits.removeStatement(declaration)
  }

  #isAtTopLevel(node: Node): boolean {
    const declaration = this.#tree.parentOf(node)
    return declaration !== undefined && this.#tree.parentOf(declaration)?.type === 'Program'
  }

  #endsWithSemicolon(like: Node | undefined = this.#tree.program.body[0]): boolean {
    return like === undefined || this.#tree.textOf(like).endsWith(';')
  }

  /** In the quotes that the file has. */
  #quoted(module: string): string {
    const { nodes } = this.#tree
    const source = nodes.find(
      (node) => node.type === 'Literal' && typeof node.value === 'string' && node.raw !== null,
    )
    const quote = source && this.#tree.textOf(source).startsWith('"') ? '"' : "'"
    return quote + module + quote
  }
}

function existingName(tree: SyntaxTree): string | undefined {
  for (const node of tree.program.body) {
    if (node.type === 'ImportDeclaration' && MODULES.test(node.source.value)) {
      const found = node.specifiers.find(
        (each) =>
          each.type === 'ImportSpecifier' &&
          each.imported.type === 'Identifier' &&
          each.imported.name === NAME,
      )
      if (found) return found.local.name
    }
    if (node.type === 'VariableDeclaration') {
      const found = node.declarations.flatMap(({ id, init }) =>
        id.type === 'ObjectPattern' && isRequireOfOurs(init) ? id.properties : [],
      )
      for (const each of found) {
        if (each.type !== 'Property' || each.key.type !== 'Identifier') continue
        if (each.key.name === NAME && each.value.type === 'Identifier') return each.value.name
      }
    }
  }
  return undefined
}

function isRequireOfOurs(init: Node | null): boolean {
  const load = init?.type === 'AwaitExpression' ? init.argument : init
  if (load?.type === 'ImportExpression') return MODULES.test(stringOf(load.source) ?? '')
  return (
    load?.type === 'CallExpression' &&
    load.callee.type === 'Identifier' &&
    load.callee.name === 'require' &&
    MODULES.test(stringOf(load.arguments[0]) ?? '')
  )
}

function isUsed(tree: SyntaxTree, name: string): boolean {
  return tree.nodes.some((node) => node.type === 'Identifier' && node.name === name)
}

function isImport(node: Node): boolean {
  if (node.type === 'ImportDeclaration') return true
  return (
    node.type === 'VariableDeclaration' &&
    node.declarations.some(
      ({ init }) =>
        init?.type === 'CallExpression' &&
        init.callee.type === 'Identifier' &&
        init.callee.name === 'require',
    )
  )
}
