import { expect, test } from 'vitest'
import { parseReport } from './watchdog-protocol.js'

test.each([
  '',
  'hello',
  'null',
  '1',
  '"tree"',
  '[]',
  '{}',
  '{"tree":"a"}',
  '{"tree":1,"known":[]}',
])('is not a report: %s', (line) => {
  expect(parseReport(line)).toBeUndefined()
})

test.each([{ isUp: true }, { tree: 'a', known: [] }, { tree: 'a', known: [], answer: 1 }])(
  'is a report: %j',
  (report) => {
    expect(parseReport(JSON.stringify(report))).toEqual(report)
  },
)
