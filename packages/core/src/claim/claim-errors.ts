import { PortsliceError } from '../errors.js'
import type { ClaimObstacle, Obstacle } from './obstacle.js'

export interface ClaimTimeoutError extends PortsliceError {
  /** One for each port that was asked for. */
  readonly obstacles: readonly ClaimObstacle[]
}

export function claimTimeoutError(
  wanted: string,
  value: unknown,
  timeoutMs: number,
  obstacles: readonly ClaimObstacle[],
): ClaimTimeoutError {
  const isLeased = obstacles.some((obstacle) => obstacle.isLeased)
  const error = new PortsliceError(
    'ERR_PORTSLICE_CLAIM_TIMEOUT',
    [
      `${wanted} could not be claimed within ${timeoutMs} ms:`,
      ...obstacles.map(({ text }) => `  ${text}`),
    ].join('\n'),
    {
      value,
      advice: `Wait until the port is given back, end the process that has it, or raise \`timeout\`${
        isLeased
          ? '. Workers lease slices all over the range: keep fixed ports out of it (option `range`, $PORTSLICE_RANGE)'
          : ''
      }.`,
    },
  )
  return Object.assign(error, { obstacles })
}

/** Waiting would not help. */
export function claimNotPermittedError(
  wanted: string,
  value: unknown,
  obstacles: readonly Obstacle[],
): PortsliceError {
  const [{ error } = { error: undefined }] = obstacles
  return new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `${wanted} cannot be claimed: this user may not bind it (${(error as Error).message}).`,
    {
      value,
      advice: 'Claim a port from 1024 up, or run with the privilege that the app needs to bind it.',
      cause: error,
    },
  )
}
