import type { Change, Row, Rows } from './rows.js'

/** @returns `undefined` if nothing has changed */
export function changeBetween(before: Rows, after: Rows): Change | undefined {
  const set: Record<string, Row> = {}
  for (const [key, row] of Object.entries(after)) {
    const known = before[key]
    if (!known || JSON.stringify(known) !== JSON.stringify(row)) set[key] = row
  }
  const remove = Object.keys(before).filter((key) => !(key in after))
  return Object.keys(set).length + remove.length === 0 ? undefined : { set, remove }
}

/** Keeps the objects of rows that have not changed. */
export function applyChange(rows: Rows, { set, remove }: Change): Rows {
  const result: Record<string, Row> = { ...rows, ...set }
  for (const key of remove) delete result[key]
  return result
}
