import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { reportHtml } from './index.js'

const HOSTILE = '</script><script>alert(1)</script><!-- \u2028'
const REPORT = {
  runner: 'vitest 5',
  directory: HOSTILE,
  startedAt: 0,
  endedAt: 1,
  tests: [],
  workers: [],
  testsWithoutPorts: 0,
}
const html = reportHtml(REPORT, { script: 'start()', style: 'a { color: red }' })

test('text of tests cannot close the data element, and is read back unchanged', () => {
  expect(html.match(/<script/g)).toHaveLength(2)
  expect(html).not.toContain('<!--')
  const data = /id="report">(.*?)<\/script>/s.exec(html)?.[1]
  expect(JSON.parse(data ?? '')).toEqual(REPORT)
})

test('the policy allows only the script and the style of the file', () => {
  const hash = (text: string) => createHash('sha256').update(text).digest('base64')
  const policy = /content="(default-src [^"]*)"/.exec(html)?.[1]
  expect(policy).toContain(`script-src 'sha256-${hash('start()')}'`)
  expect(policy).toContain(`style-src 'sha256-${hash('a { color: red }')}'`)
  expect(policy).not.toContain('unsafe')
})
