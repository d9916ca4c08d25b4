/** A parsed file with the parent of each node and the declaration of each name. */
import type { Node, Program } from '@oxc-project/types'
import { isReferenceIdentifier, ScopeTracker, walk } from 'oxc-walker'
import type { Comment } from './parse.js'

export type { Node, Program } from '@oxc-project/types'
export type NodeOf<Type extends Node['type']> = Extract<Node, { type: Type }>
export type Identifier = Node & { type: 'Identifier'; name: string }

/** The declaration of a name. All references to it share the object. */
export type Declaration = NonNullable<ReturnType<ScopeTracker['getDeclaration']>>

export class SyntaxTree {
  readonly #parents = new Map<Node, Node>()
  readonly #nodes: Node[] = []
  readonly #declarations = new Map<Node, Declaration>()
  readonly #references = new Map<Declaration, Identifier[]>()

  readonly code: string
  readonly program: Program
  readonly comments: readonly Comment[]

  constructor(code: string, program: Program, comments: readonly Comment[]) {
    this.code = code
    this.program = program
    this.comments = comments
    walk(program, { enter: addMappedKey })
    // Walks twice, because a name may be used above its declaration.
    const scopeTracker = new ScopeTracker({ preserveExitedScopes: true })
    walk(program, { scopeTracker })
    scopeTracker.freeze()
    walk(program, {
      scopeTracker,
      enter: (node, parent) => {
        if (parent) this.#parents.set(node, parent)
        this.#nodes.push(node)
        if (node.type !== 'Identifier' || !isReferenceIdentifier(node, parent)) return
        const declaration = scopeTracker.getDeclaration(node.name)
        if (!declaration || isDeclaredAt(declaration, node)) return
        this.#declarations.set(node, declaration)
        const references = this.#references.get(declaration)
        if (references) references.push(node as Identifier)
        else this.#references.set(declaration, [node as Identifier])
      },
    })
  }

  /** All nodes, in the order of the file. */
  get nodes(): readonly Node[] {
    return this.#nodes
  }

  parentOf(node: Node): Node | undefined {
    return this.#parents.get(node)
  }

  /** The nodes around this one, the closest first. */
  *ancestorsOf(node: Node): Generator<Node> {
    for (let parent = this.parentOf(node); parent; parent = this.parentOf(parent)) yield parent
  }

  declarationOf(reference: Node): Declaration | undefined {
    return this.#declarations.get(reference)
  }

  referencesTo(declaration: Declaration): readonly Identifier[] {
    return this.#references.get(declaration) ?? []
  }

  /** References to the variable that this identifier declares, as in `import here` or `const here = …`. */
  referencesOf(identifier: Node): readonly Identifier[] {
    for (const [declaration, references] of this.#references) {
      if (isDeclaredAt(declaration, identifier)) return references
    }
    return []
  }

  textOf({ start, end }: { start: number; end: number }): string {
    return this.code.slice(start, end)
  }
}

/** Version 7 of the parser keeps the variable of `{ [Key in Keys]: … }` in another property than ESTree. */
function addMappedKey(node: Node): void {
  if (node.type !== 'TSMappedType' || node.key) return
  const { typeParameter } = node as unknown as { typeParameter: { name: string; start: number } }
  const { name, start } = typeParameter
  Object.assign(node, { key: { type: 'Identifier', name, start, end: start + name.length } })
}

function isDeclaredAt({ node }: Declaration, identifier: Node): boolean {
  if (node === identifier) return true
  return 'local' in node && node.local === identifier
}

/** The expression inside parentheses, `as …`, `satisfies …` and `!`. */
export function unwrapped(node: Node): Node {
  switch (node.type) {
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'ChainExpression':
      return unwrapped(node.expression)
    default:
      return node
  }
}

/** The name of a property, if it is known before the code runs: `a.name`, `a['name']`, `{ name: … }`. */
export function propertyName(node: Node): string | undefined {
  if (node.type === 'MemberExpression') return nameOf(node.property, node.computed)
  if (node.type === 'Property') return nameOf(node.key, node.computed)
  return undefined
}

function nameOf(key: Node, isComputed: boolean): string | undefined {
  if (key.type === 'Identifier' && !isComputed) return key.name
  return stringOf(key)
}

export function stringOf(node: Node | null | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0) {
    return node.quasis[0]?.value.cooked ?? undefined
  }
  return undefined
}

export function numberOf(node: Node | null | undefined): number | undefined {
  return node?.type === 'Literal' && typeof node.value === 'number' ? node.value : undefined
}

export type FunctionNode =
  | NodeOf<'FunctionDeclaration'>
  | NodeOf<'FunctionExpression'>
  | NodeOf<'ArrowFunctionExpression'>

export function isFunction(node: Node): node is FunctionNode {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)
}

/** Whether the text of a node is part of the text of one of the others. */
export function isInside({ start, end }: Node, nodes: readonly Node[]): boolean {
  return nodes.some((node) => node.start <= start && end <= node.end)
}
