import { expect, test } from 'vitest'
import { rightsFinding } from './lock-directory.js'

const windows = (groups: string[] | undefined) => ({ othersThatMayWrite: () => groups }) as never

test('other users with write access to the lock directory are named, if the system lists them', () => {
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

test('finds nothing without such a list', () => {
  expect(rightsFinding('/tmp/locks', {} as never)).toBeUndefined()
})
