import { expect, test } from 'vitest'
import { rightsFinding } from './lock-directory.js'

const windows = (groups: string[] | undefined) => ({ othersThatMayWrite: () => groups }) as never

test('who may write to the lock directory, where its rights tell', () => {
  expect(rightsFinding('C:\\locks', windows([]))).toBeUndefined()
  expect(rightsFinding('C:\\locks', windows(['Users']))).toMatchObject({
    level: 'note',
    message: expect.stringContaining('granted to Users.'),
  })
  expect(rightsFinding('C:\\locks', windows(undefined))).toMatchObject({
    level: 'note',
    message: expect.stringContaining('is unknown'),
  })
})

test('its mode tells, where it has one', () => {
  expect(rightsFinding('/tmp/locks', {} as never)).toBeUndefined()
})
