import type { AdviceName } from '../advice.js'
import { type Node, numberOf, propertyName, type SyntaxTree } from '../syntax-tree.js'

/** The text of the arguments for takePort(), or the advice if they are unknown. */
export type TakePortArguments = { text: string } | { advice: AdviceName }

export interface CallContext {
  tree: SyntaxTree
  /** The export of the package that this expression refers to, if any. */
  exportedBy(callee: Node): string | undefined
}

/** How the calls of one package become calls of takePort(). */
export interface PackageRule {
  readonly packageName: string
  /** Exports that return a port. */
  readonly calls: Readonly<
    Record<string, (args: readonly Node[], context: CallContext) => TakePortArguments>
  >
  /** Exports that are not replaced, with the advice to list. */
  readonly advice: Readonly<Record<string, AdviceName>>
  /** Exports that only create an argument for a call. They are replaced together with the call. */
  readonly helpers?: readonly string[]
  /** Exports that change the result of every later call when they are assigned or called. */
  readonly settings?: readonly string[]
}

export const NO_ARGUMENTS: TakePortArguments = { text: '' }

export function prefer(text: string): TakePortArguments {
  return { text: `{ prefer: ${text} }` }
}

interface OptionRules {
  /** The option with the port or ports that are tried first. */
  port: string
  /** Options that takePort() does not need. */
  dropped: readonly string[]
  /** Options that takePort() cannot replace, with the advice to list. */
  refused?: Readonly<Record<string, AdviceName>>
}

/** Converts an options object, if all of its properties are known. */
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

/** Converts a number or a list of numbers. */
export function portsArgument(value: Node, { tree }: Pick<CallContext, 'tree'>): TakePortArguments {
  const port = numberOf(value)
  if (port === 0) return NO_ARGUMENTS
  return prefer(tree.textOf(value))
}

/** Converts a range of ports, if both ends are known. */
export function portRange(first: Node | undefined, last: Node | undefined): TakePortArguments {
  const from = numberOf(first)
  const to = numberOf(last)
  if (from === undefined || to === undefined || to < from) return { advice: 'portRange' }
  return prefer(`Array.from({ length: ${to - from + 1} }, (_, index) => ${from} + index)`)
}
