import { readFileSync } from 'node:fs'

/** What a reader of a page does with a block of code: writes the file, or runs the commands. */
export type Step = { file: string; text: string } | { commands: string; installer?: string }

const FENCE = /^```(\w+)(?: \[(\w+)\])?\n([\s\S]*?)^```$/gm
const FILE_NAME = /^\/\/ (\S+\.\w+)\n/

/** The page as its sections: their headings, and the blocks in them in the order of the page. */
export function sectionsOf(page: string): Map<string, Step[]> {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8')
  const [introduction = '', ...sections] = text.split(/^## /m)
  return new Map([
    ['', stepsIn(introduction)],
    ...sections.map((section): [string, Step[]] => [
      section.slice(0, section.indexOf('\n')),
      stepsIn(section),
    ]),
  ])
}

function stepsIn(text: string): Step[] {
  return [...text.matchAll(FENCE)].flatMap(([, language, installer, block = '']): Step[] => {
    if (language === 'sh') return [{ commands: block, ...(installer && { installer }) }]
    const file = FILE_NAME.exec(block)?.[1]
    return file === undefined ? [] : [{ file, text: block }]
  })
}
