/** Preloaded by `parsed-code.ts`: appends each script that this process parses to `$PARSED_CODE`. */
import { appendFileSync } from 'node:fs'
import { Session } from 'node:inspector'

const session = new Session()
session.connect()
// At once, as runners kill their workers.
session.on('Debugger.scriptParsed', ({ params: { url, length } }) => {
  if (!/^(file:|\/)/.test(url)) return
  const line = JSON.stringify({ pid: process.pid, url, length })
  appendFileSync(process.env.PARSED_CODE, `${line}\n`)
})
session.post('Debugger.enable')
