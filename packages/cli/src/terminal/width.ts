const DEFAULT_COLUMNS = 80

/** Columns of the terminal: $COLUMNS, else what it says itself, else 80. */
export function columnsOf(
  stream: { columns?: number },
  env: NodeJS.ProcessEnv = process.env,
): number {
  const named = /^[1-9]\d{0,3}$/.test(env.COLUMNS ?? '') ? Number(env.COLUMNS) : undefined
  return named ?? (stream.columns || DEFAULT_COLUMNS)
}
