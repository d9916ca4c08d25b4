/** Reads what coordinators store in a database, which another program may have written. */
import type { HolderInfo, LeftPort, Refusal } from '../coordinator/coordinator-session.js'

type Fields = Record<string, unknown>

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

export function parseHolder(value: unknown): HolderInfo | undefined {
  const { pid, workerId, host, runner, cwd, projectRoot, command, shard } = fieldsOf(value)
  const strings = [host, runner, cwd, projectRoot, command]
  if (!Number.isInteger(pid) || !Number.isInteger(workerId)) return undefined
  if (!strings.every((each) => typeof each === 'string')) return undefined
  return {
    pid: pid as number,
    workerId: workerId as number,
    host: host as string,
    runner: runner as string,
    cwd: cwd as string,
    projectRoot: projectRoot as string,
    command: command as string,
    ...(typeof shard === 'string' && { shard }),
  }
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** @param reasons those that this kind of database gives */
export function parseRefusal(
  value: unknown,
  reasons: readonly Refusal['refused'][],
): Refusal | undefined {
  const { refused, port, leftMs, holder } = fieldsOf(value)
  const reason = reasons.find((each) => each === refused)
  if (reason === undefined) return undefined
  return {
    refused: reason,
    port: number(port),
    leftMs: number(leftMs),
    holder: parseHolder(holder),
  }
}

export function parseLeft(value: unknown): LeftPort[] {
  return list(value)
    .map(fieldsOf)
    .flatMap(({ port, leftMs, label, key, projectRoot }) => {
      if (!Number.isInteger(port)) return []
      return {
        port: port as number,
        leftMs: number(leftMs) ?? 0,
        label: text(label),
        key: text(key),
        projectRoot: text(projectRoot),
      }
    })
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/** A database may store an infinite time; 0 if `Date` cannot have it. */
export function finite(value: unknown): number {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15 ? value : 0
}
