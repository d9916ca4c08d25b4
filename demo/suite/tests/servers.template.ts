/** The demo copies this file into a checkout many times. */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { PORTS_PER_TEST, TESTS_PER_FILE } from '../size.ts'
import { test } from '../vitest-fixtures.ts'

for (let number = 1; number <= TESTS_PER_FILE; number++) {
  test.concurrent(`apps answer on their own ports (${number})`, async ({ startApp }) => {
    const names = Array.from({ length: PORTS_PER_TEST }, () => randomUUID())
    const apps = await Promise.all(names.map((name) => startApp((_, answer) => answer.end(name))))
    const answers = await Promise.all(apps.map(async ({ url }) => (await fetch(url)).text()))
    expect(answers).toEqual(names)
  })
}
