/** What the sources print for people beside errors, told from the sources themselves. */
import { parseSync, Visitor } from 'rolldown/utils'

/** Functions and methods whose arguments are read by people; `leakMessage` makes such a text. */
const PRINTS =
  /(?:emitWarning|console\.warn|logger\.warn|stderr\.write|annotations\.push|^say|^warnOnce)$/
const MAKES_TEXT = 'leakMessage'

/** So many words tell a text from others. */
const ENOUGH_WORDS = 4

/**
 * Of each text that is printed, the parts that stand in the source as they are.
 *
 * @param source TypeScript
 */
export function printedWords(source: string): string[] {
  const words: string[] = []
  const places: { start: number; end: number }[] = []
  const note = (text: string, { start, end }: { start: number; end: number }) => {
    const isPrinted = places.some((place) => place.start <= start && end <= place.end)
    if (isPrinted && text.trim().split(/\s+/).length >= ENOUGH_WORDS) words.push(text)
  }
  const { program } = parseSync('source.ts', source)
  new Visitor({
    CallExpression(call) {
      if (PRINTS.test(source.slice(call.callee.start, call.callee.end))) places.push(call)
    },
    FunctionDeclaration(declaration) {
      if (declaration.id?.name === MAKES_TEXT) places.push(declaration)
    },
    Literal(literal) {
      if (typeof literal.value === 'string') note(literal.value, literal)
    },
    TemplateElement(element) {
      note(element.value.cooked ?? '', element)
    },
  }).visit(program)
  return words
}
