import { type Node, numberOf, propertyName, type SyntaxTree, unwrapped } from '../syntax-tree.js'

/** Whether an expression is always a number, such as `Number(process.env.PORT)`. */
export function isNumeric(tree: SyntaxTree, expression: Node, depth = 0): boolean {
  const node = unwrapped(expression)
  if (numberOf(node) !== undefined) return true
  if (depth > 5) return false
  switch (node.type) {
    case 'UnaryExpression':
      return node.operator === '+' || node.operator === '-'
    case 'BinaryExpression':
      return (
        ['+', '-', '*', '%'].includes(node.operator) &&
        isNumeric(tree, node.left, depth + 1) &&
        isNumeric(tree, node.right, depth + 1)
      )
    case 'CallExpression':
      return isConversion(node.callee)
    case 'Identifier': {
      const initial = constantOf(tree, node)
      return initial !== undefined && isNumeric(tree, initial, depth + 1)
    }
    default:
      return false
  }
}

/** `Number`, `parseInt`, `Number.parseInt` */
export function isConversion(callee: Node): boolean {
  if (callee.type === 'Identifier') return /^(Number|parseInt)$/.test(callee.name)
  return (
    callee.type === 'MemberExpression' &&
    callee.object.type === 'Identifier' &&
    callee.object.name === 'Number' &&
    propertyName(callee) === 'parseInt'
  )
}

/** The initial value of the `const` that an identifier refers to. */
export function constantOf(tree: SyntaxTree, reference: Node): Node | undefined {
  const declaration = tree.declarationOf(reference)
  if (declaration?.type !== 'Variable' || declaration.variableNode.kind !== 'const') {
    return undefined
  }
  const declarator = tree.parentOf(declaration.node)
  return declarator?.type === 'VariableDeclarator' && declarator.id === declaration.node
    ? (declarator.init ?? undefined)
    : undefined
}
