import { expect, test } from 'vitest'
import { Output } from './output.js'

test('keeps everything that was printed, in order', () => {
  const output = new Output()
  for (const chunk of ['one\n', '', 'two', '\nthree']) output.append(chunk)
  expect(output.text()).toBe('one\ntwo\nthree')
  expect(output.text(4)).toBe('two\nthree')
  expect(output.end).toBe(13)
})

test('keeps the last million characters, and earlier positions stay valid', () => {
  const output = new Output()
  for (let i = 0; i < 300; i++) output.append(`${String(i).padStart(9, '0')}\n`.repeat(1000))
  const place = output.end
  expect(place).toBe(3_000_000)
  expect(output.text()).toHaveLength(1_000_000)
  expect(output.text().slice(0, 10)).toBe('000000200\n')
  output.append('after it')
  expect(output.text(place)).toBe('after it')
  expect(output.text(17)).toBe(output.text())
})

test('tail() returns the last lines without control sequences', () => {
  const output = new Output()
  for (let i = 1; i <= 50; i++) output.append(`line ${i}\r\n`)
  output.append(`\u001b[31mred\u001b[0m\tand\n\n${'long'.repeat(500)}`)
  const lines = output.tail()
  expect(lines).toHaveLength(20)
  expect(lines[0]).toBe('line 33')
  expect(lines[18]).toBe('red  and')
  expect(lines[19]).toHaveLength(501)
})
