const DEFAULT_COLUMNS = 80

interface Stream {
  columns?: number
  isTTY?: boolean
}

/** $COLUMNS, or the width of the terminal, or 80. */
export function columnsOf(stream: Stream, env: NodeJS.ProcessEnv = process.env): number {
  const named = /^[1-9]\d{0,3}$/.test(env.COLUMNS ?? '') ? Number(env.COLUMNS) : undefined
  return named ?? (stream.columns || DEFAULT_COLUMNS)
}

/** Pipes and files have no limit, unless $COLUMNS sets one. */
export function lineLimitOf(stream: Stream, env: NodeJS.ProcessEnv = process.env): number {
  return stream.isTTY || env.COLUMNS ? columnsOf(stream, env) : Number.POSITIVE_INFINITY
}
