export interface BannedPhrase {
  pattern: RegExp
  /** What to write instead. */
  repair: string
}

/** Constructions that readers stumble over. Patterns are matched line by line. */
export const BANNED_PHRASES: readonly BannedPhrase[] = [
  {
    pattern: /(?<!\bthere )\b(?:is|are|was) no (?!longer|more\b)[a-z]+/i,
    repair: '"is not a …", "has no …"',
  },
  {
    pattern: /(?<!\bthere )\b(?:is|are) none\b/i,
    repair: 'say what is missing: "there is no port"',
  },
  { pattern: /\bwho(?:m)?ever\b/i, repair: 'name the process, the user or the app' },
  { pattern: /\b(?:nobody|somebody|anybody|everybody)\b/i, repair: 'name the process or the user' },
  { pattern: /\bthose who\b/i, repair: 'name them' },
  { pattern: /\bof it,/i, repair: 'name the thing' },
  { pattern: /\b(?:to be|can be|cannot be|be) had\b/i, repair: '"available"' },
  { pattern: /\bit is looked\b/i, repair: 'active voice: "portslice checks"' },
  { pattern: /\bcan(?:not)? be told\b/i, repair: '"is known", "is unknown"' },
  { pattern: /\bnever asked\b/i, repair: '"does not use portslice"' },
  { pattern: /\b(?:a|no) whole number\b/i, repair: '"an integer"' },
  { pattern: /\bis (?:not )?a text\b/i, repair: '"a string"' },
  {
    pattern: /\bgo(?:es)? on (?:so|until|while|with|to the|using|running)\b/i,
    repair: '"continues", "keeps"',
  },
  { pattern: /\banew\b/i, repair: '"again"' },
  { pattern: /\bin vain\b/i, repair: '"without success"' },
  { pattern: /\bin good order\b/i, repair: '"normal"' },
  { pattern: /\bsome hundred\b/i, repair: '"several hundred"' },
  { pattern: /\bat the most\b/i, repair: '"at most"' },
  { pattern: /\b(?:its|their|the) like\b/i, repair: '"similar …"' },
  { pattern: /\bknows? nothing of\b/i, repair: '"knows nothing about"' },
  { pattern: /\b(?:told|tells?|says?|said) of\b/i, repair: '"reports", "says about"' },
  { pattern: /\bth(?:e|is) very\b/i, repair: '"the same"' },
  {
    pattern: /\b(?:keep|lease|reserve|bind|load|start)s (?:no|nothing)\b/i,
    repair: '"does not lease …"',
  },
  { pattern: /\b(?:hence|thereby|whereby|thereof|therein|likewise)\b/i, repair: 'a plain clause' },
  {
    pattern: /(?<![`'"\w] ?)\bElse,? [a-z]+/,
    repair: '"Otherwise" at the beginning of a sentence',
  },
  { pattern: /\bbring(?:s|ing)? back\b/i, repair: '"restore"' },
  { pattern: /['"`][^'"`]*\bfolders? [^'"`]*['"`]/, repair: '"directory" in messages' },
]
