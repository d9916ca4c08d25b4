import path from 'node:path'
import { leakMessage } from '@portslice/core/internal'
import type { TestModule } from 'vitest/node'
import './vitest-types.js'

export function formatLeaks(modules: readonly TestModule[]): string[] {
  return modules.flatMap((module) => {
    const file = path.relative(module.project.config.root, module.moduleId)
    const ofTests = [...module.children.allTests()].map((test) => ({
      owner: test.fullName,
      leaked: test.meta().portslice?.leaked ?? [],
    }))
    const others = module.meta().portslice?.others ?? []
    return [...ofTests, ...others].flatMap(({ owner, leaked }) =>
      leaked.length > 0 ? [leakMessage(`${file} > ${owner}`, leaked)] : [],
    )
  })
}

/** Prints to stderr, because stdout may be a machine-readable report. */
export function printLeaks(lines: readonly string[]): void {
  if (lines.length === 0) return
  process.stderr.write(
    ['', 'portslice: tests left ports in use', ...lines.map((line) => `  ${line}`), ''].join('\n'),
  )
}
