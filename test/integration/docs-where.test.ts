/** Runs the snippets of docs/where.md, in one project for each runner. */
import { afterAll, expect, test } from 'vitest'
import { sectionsOf } from '../support/page-steps.ts'
import { FixtureProjects } from '../support/project.ts'

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

const files = Object.fromEntries(
  [...sectionsOf('docs/where.md').values()]
    .flat()
    .flatMap((step) => ('file' in step ? [[step.file, step.text]] : [])),
)
const named = (end: string) => Object.keys(files).filter((file) => file.endsWith(end))
/** All files except the tests of the other runner. */
const without = (end: string) =>
  Object.fromEntries(Object.entries(files).filter(([file]) => !file.endsWith(end)))

test('in vitest', async () => {
  expect(named('.test.ts')).toHaveLength(5)
  const { status, stdout, stderr } = await projects
    .project(without('.spec.ts'))
    .vitest([], { env: { NO_COLOR: '1' } })
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/Tests +5 passed/)
  expect(stdout + stderr).not.toContain('left port')
})

test('in Playwright', async () => {
  expect(named('.spec.ts')).toHaveLength(2)
  const project = projects.project(without('.test.ts'))
  const { status, stdout, stderr } = await project.playwright(['--reporter=line'])
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toContain('2 passed')
})
