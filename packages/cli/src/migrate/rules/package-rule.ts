import type { AdviceName } from '../advice.js'
import { type Node, numberOf, propertyName, type SyntaxTree } from '../syntax-tree.js'

/** TakePortArguments for takePort(): its text, or why there is none. */
export type TakePortArguments = { text: string } | { advice: AdviceName }

export interface CallContext {
  tree: SyntaxTree
  /** Which export of the package is called here, if it is one. */
  exportedBy(callee: Node): string | undefined
}

/** How the calls of one package become calls of takePort(). */
export interface PackageRule {
  readonly packageName: string
  /** Exports that return a port. */
  readonly calls: Readonly<
    Record<string, (args: readonly Node[], context: CallContext) => TakePortArguments>
  >
  /** Exports that are listed. */
  readonly advice: Readonly<Record<string, AdviceName>>
  /** Exports that only make an argument of a call, and go with it. */
  readonly helpers?: readonly string[]
  /** Assignments to these, or calls of them, change what every other call returns. */
  readonly settings?: readonly string[]
}

export const NO_ARGUMENTS: TakePortArguments = { text: '' }

export function prefer(text: string): TakePortArguments {
  return { text: `{ prefer: ${text} }` }
}

interface OptionRules {
  /** The option with the port or ports that are tried first. */
  port: string
  /** Options that takePort() has no need for. */
  dropped: readonly string[]
  /** Options that must be listed. */
  refused?: Readonly<Record<string, AdviceName>>
}

/** The arguments that stand for an options object, if all that it says is known. */
export function optionsArguments(
  options: Node,
  { port, dropped, refused = {} }: OptionRules,
  portsText: (value: Node) => TakePortArguments,
): TakePortArguments {
  if (options.type !== 'ObjectExpression') return { advice: 'options' }
  let result: TakePortArguments = NO_ARGUMENTS
  for (const property of options.properties) {
    const name = propertyName(property)
    if (property.type !== 'Property' || name === undefined) return { advice: 'options' }
    if (name === port) result = portsText(property.value)
    else if (!dropped.includes(name)) return { advice: refused[name] ?? 'options' }
    if ('advice' in result) return result
  }
  return result
}

/** One port or several, in a form that is known to be a number or a list of numbers. */
export function portsArgument(value: Node, { tree }: Pick<CallContext, 'tree'>): TakePortArguments {
  const port = numberOf(value)
  if (port === 0) return NO_ARGUMENTS
  return prefer(tree.textOf(value))
}

/** All ports from one number to another, if both are known. */
export function portRange(first: Node | undefined, last: Node | undefined): TakePortArguments {
  const from = numberOf(first)
  const to = numberOf(last)
  if (from === undefined || to === undefined || to < from) return { advice: 'portRange' }
  return prefer(`Array.from({ length: ${to - from + 1} }, (_, index) => ${from} + index)`)
}
