import { expect, test } from 'vitest'
import { showHidden } from './format.js'

test.each([
  ['plain text, ümläute, 漢字, 🙂', 'plain text, ümläute, 漢字, 🙂'],
  ['\u001b[31m\u0000\n', '\\u001b[31m\\u0000\\u000a'],
  ['\u202e\u2066\u200f\u061c', '\\u202e\\u2066\\u200f\\u061c'],
  ['a\u200b\u00ad\u2060\ufeff\u3164b', 'a\\u200b\\u00ad\\u2060\\ufeff\\u3164b'],
  ['\u{e0041}\u2028', '\\u{e0041}\\u2028'],
])('%j', (text, shown) => {
  expect(showHidden(text)).toBe(shown)
})
