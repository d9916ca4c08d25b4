/** Replaces calls of get-port and similar packages by takePort(). */
import type { AdviceName } from './advice.js'
import { type Binding, findPackageUses, type ImportSite, type Use } from './find-package-uses.js'
import { DETECT_PORT } from './rules/detect-port.js'
import { GET_PORT } from './rules/get-port.js'
import { GET_PORT_PLEASE } from './rules/get-port-please.js'
import type { PackageRule, TakePortArguments } from './rules/package-rule.js'
import { PORTASTIC } from './rules/portastic.js'
import { PORTFINDER } from './rules/portfinder.js'
import type { SourceEdits } from './source-edits.js'
import { isInside, type Node, type NodeOf, type SyntaxTree } from './syntax-tree.js'
import type { TakePortImport } from './take-port-import.js'

const RULES: readonly PackageRule[] = [
  GET_PORT,
  PORTFINDER,
  DETECT_PORT,
  GET_PORT_PLEASE,
  PORTASTIC,
]

export const PACKAGE_NAMES = RULES.map(({ packageName }) => packageName)

export interface FileMigration {
  tree: SyntaxTree
  edits: SourceEdits
  takePort: TakePortImport
  /** Why calls of this package must not be replaced in this file; `undefined` if they can be. */
  refusalOf(packageName: string): AdviceName | undefined
  list(node: Node, advice: AdviceName): void
  noteChange(): void
}

export function replacePackages(file: FileMigration): void {
  const sites = RULES.flatMap((rule) => {
    const { sites, unclear, isMocked } = findPackageUses(file.tree, rule.packageName)
    for (const node of unclear) file.list(node, 'importForm')
    const refusal = isMocked ? 'mocked' : file.refusalOf(rule.packageName)
    replaceCalls(file, rule, sites, refusal)
    return sites
  })
  // Static imports first, because they run before every `require` and `import()`.
  const isLoaded = ({ form }: ImportSite) => form !== 'import'
  const inOrder = sites.toSorted((a, b) => Number(isLoaded(a)) - Number(isLoaded(b)))
  for (const site of inOrder) replaceSite(file, site)
}

function replaceCalls(
  file: FileMigration,
  rule: PackageRule,
  sites: readonly ImportSite[],
  refusal: AdviceName | undefined,
): void {
  const uses = sites.flatMap((site) =>
    site.bindings.flatMap((binding) => binding.uses.map((use) => ({ use, site }))),
  )
  const allUses = uses.map(({ use }) => use)
  const setting = uses.find(({ use }) => rule.settings?.includes(use.exported))
  if (setting) file.list(setting.use.node, 'basePort')
  if (setting && refusal === undefined) return
  const listed: Node[] = []
  const isHelper = ({ exported }: Use) => rule.helpers?.includes(exported) ?? false
  // Helpers last, because replacing a call also removes the helpers in its arguments.
  const inOrder = uses.toSorted((a, b) => Number(isHelper(a.use)) - Number(isHelper(b.use)))
  for (const { use, site } of inOrder) {
    if (file.edits.isReplaced(use.node) || (isHelper(use) && isInside(use.node, listed))) continue
    const result =
      refusal === undefined ? replacement(file, rule, use, allUses) : { advice: refusal }
    if ('text' in result && use.call) {
      replaceCall(file, site, use.node, use.call, result.text)
    } else if ('advice' in result) {
      listed.push(use.call ?? use.node)
      file.list(use.call ?? use.node, result.advice)
    }
  }
}

function replacement(
  { tree }: FileMigration,
  rule: PackageRule,
  { exported, call }: Use,
  uses: readonly Use[],
): TakePortArguments {
  const convert = Object.hasOwn(rule.calls, exported) ? rule.calls[exported] : undefined
  if (!convert) return { advice: rule.advice[exported] ?? 'packageOther' }
  if (!call) return { advice: 'passedOn' }
  const exportedBy = (callee: Node) => uses.find(({ node }) => node === callee)?.exported
  const result = convert(call.arguments, { tree, exportedBy })
  if ('advice' in result) return result
  if (hasComment(tree, call)) return { advice: 'comments' }
  // The new text would contain an unchanged call of the package.
  const isLeft = ({ node }: Use) =>
    isInside(node, call.arguments) && result.text.includes(tree.textOf(node))
  return uses.some(isLeft) ? { advice: 'portList' } : result
}

function hasComment(tree: SyntaxTree, { callee, end }: NodeOf<'CallExpression'>): boolean {
  return tree.comments.some((comment) => comment.start >= callee.end && comment.end <= end)
}

function replaceCall(
  { edits, takePort, noteChange }: FileMigration,
  site: ImportSite,
  node: Node,
  { end }: { end: number },
  text: string,
): void {
  const callee =
    site.form === 'inline'
      ? inlineCallee(takePort.loadText(site.origin), site.origin)
      : takePort.name
  edits.replace({ start: node.start, end }, `${callee}(${text})`)
  noteChange()
}

function inlineCallee(load: string, origin: Node): string {
  return `${origin.type === 'AwaitExpression' ? `(${load})` : load}.takePort`
}

function replaceSite({ edits, takePort }: FileMigration, site: ImportSite): void {
  const isDone = ({ isType, uses }: Binding) =>
    !isType && uses.length > 0 && uses.every(({ node }) => edits.isReplaced(node))
  const uses = site.bindings.flatMap((each) => each.uses)
  if (!uses.some(({ node }) => edits.isReplaced(node))) return
  const left = site.bindings.filter((each) => !isDone(each)).map(({ specifier }) => specifier)
  if (left.length === 0) takePort.replaceSite(site)
  else takePort.addBeside(site, left)
}
