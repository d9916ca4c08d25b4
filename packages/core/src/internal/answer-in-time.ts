import { clearTimeout, setTimeout } from '../platform/clock.js'

/** A session without an answer for this long is lost: well before the server frees what it held. */
const ANSWER_TIMEOUT_MS = 10_000
/** After a pause of the process, an unread answer may lie in the socket. */
const LATE_ANSWER_MS = 1000

/** Waits for the answer of a server. @param lose called if there is none in time @throws an Error with the reason */
export async function answerInTime<T>(
  answer: Promise<T>,
  lose: (reason: string) => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const giveUp = () => {
      const reason = `no answer for ${ANSWER_TIMEOUT_MS} ms`
      lose(reason)
      reject(new Error(reason))
    }
    timer = setTimeout(() => {
      timer = setTimeout(giveUp, LATE_ANSWER_MS).unref()
    }, ANSWER_TIMEOUT_MS).unref()
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
