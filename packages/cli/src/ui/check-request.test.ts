import { expect, test } from 'vitest'
import { checkRequest } from './check-request.js'

const own = { port: 20_000, token: 'secret' }
const check = (headers: Record<string, string>, url = '/secret/', method = 'GET') =>
  checkRequest({ method, url, headers: { host: '127.0.0.1:20000', ...headers } }, own)

test.each([
  {},
  { host: 'localhost:20000' },
  { origin: 'http://127.0.0.1:20000' },
  { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
])('allowed: %j', (headers) => {
  expect(check(headers)).toBeUndefined()
})

test.each([
  { host: 'evil.example:20000' },
  { host: '127.0.0.1' },
  { host: '127.0.0.1:20001' },
  { host: '127.0.0.1.evil.example:20000' },
  { host: '' },
  { origin: 'http://evil.example' },
  { origin: 'null' },
  { origin: 'https://127.0.0.1:20000' },
  { origin: 'http://127.0.0.1:20001' },
  { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
  { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
])('refused with 403: %j', (headers) => {
  expect(check(headers)?.status).toBe(403)
})

test('the one-time key opens only the page', () => {
  const withKey = { ...own, oneTimeKey: 'key' }
  const request = (url: string, host = '127.0.0.1:20000') =>
    checkRequest({ method: 'GET', url, headers: { host } }, withKey)?.status
  expect(request('/key')).toBeUndefined()
  expect(request('/key/')).toBe(403)
  expect(request('/key/events')).toBe(403)
  expect(request('/key', 'evil.example:20000')).toBe(403)
  expect(check({}, '/undefined')?.status).toBe(403)
})

test('a request without the token is refused, and so is one that could change something', () => {
  expect(check({}, '/')?.status).toBe(403)
  expect(check({}, '/secretly/')?.status).toBe(403)
  expect(check({}, '/secret/events')).toBeUndefined()
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    expect(check({}, '/secret/', method)?.status).toBe(405)
  }
})
