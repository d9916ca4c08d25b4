/** Journals of earlier holders, so that `why` can show who had a port. No decision depends on them. */
import { renameSync, rmSync } from 'node:fs'
import { appendToOwnFile } from './own-file.js'
import { readJournalText } from './slice-record.js'

/** There are at most two files of this size, with several hundred takes and releases each. */
const MAX_HISTORY_BYTES = 48 * 1024

/** A journal without these says only that the slice was leased. */
const ABOUT_PORTS = /"event":"(?:take|quarantine)"/

/** Adds the text of a journal that is about to be overwritten. Requires the lock of the slice. */
export function archiveJournal(historyPath: string, journal: string): void {
  if (!ABOUT_PORTS.test(journal)) return
  try {
    const text = fitIn(journal)
    if (appendToOwnFile(historyPath, text, MAX_HISTORY_BYTES)) return
    const older = olderHistoryPath(historyPath)
    // Removed first: ext4 writes a file to the disk before it replaces another one.
    rmSync(older, { force: true, recursive: true })
    renameSync(historyPath, older)
    appendToOwnFile(historyPath, text, MAX_HISTORY_BYTES)
  } catch {
    // A full disk, for example. The history is for people only.
  }
}

/** Adds the line of a claim that has ended. The caller lacks the lock, so this never renames the file. */
export function archiveLine(historyPath: string, line: string): void {
  try {
    appendToOwnFile(historyPath, line, MAX_HISTORY_BYTES)
  } catch {
    // As above.
  }
}

function fitIn(journal: string): string {
  const ended = journal.endsWith('\n') ? journal : `${journal}\n`
  if (Buffer.byteLength(ended) <= MAX_HISTORY_BYTES) return ended
  const tail = Buffer.from(ended).subarray(-MAX_HISTORY_BYTES).toString()
  return tail.slice(tail.indexOf('\n') + 1)
}

/** Oldest first. Reads the newest file first, so that lines which move meanwhile are read twice and not missed. */
export function readWithHistory(journalPath: string, historyPath: string): string {
  const texts = [journalPath, historyPath, olderHistoryPath(historyPath)].map(readJournalText)
  return texts
    .reverse()
    .map((text) => (text ? `${text}\n` : ''))
    .join('')
}

function olderHistoryPath(historyPath: string): string {
  return `${historyPath}.1`
}
