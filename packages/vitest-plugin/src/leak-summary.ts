import path from 'node:path'
import { leakMessage } from '@portslice/core/internal'
import type { TestModule } from 'vitest/node'
import './vitest-types.js'

/** Prints the leaks of a run to stderr, because stdout may be a machine-readable report. */
export function printLeakSummary(modules: readonly TestModule[]): void {
  const lines = modules.flatMap(leaksOf)
  if (lines.length === 0) return
  process.stderr.write(
    ['', 'portslice: tests left ports in use', ...lines.map((line) => `  ${line}`), ''].join('\n'),
  )
}

/** One line for each test, hook or suite that left ports in use. */
function leaksOf(module: TestModule): string[] {
  const file = path.relative(module.project.config.root, module.moduleId)
  const tests = [...module.children.allTests()].map((test) => ({
    owner: test.fullName,
    leaked: test.meta().portslice?.leaked ?? [],
  }))
  const others = module.meta().portslice?.others ?? []
  return [...tests, ...others].flatMap(({ owner, leaked }) =>
    leaked.length > 0 ? [leakMessage(`${file} > ${owner}`, leaked)] : [],
  )
}
