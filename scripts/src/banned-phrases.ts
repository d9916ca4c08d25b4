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
  { pattern: /\bgo(?:es)? on (?:so|until|while)\b/i, repair: '"continues"' },
  { pattern: /['"`][^'"`]*\bfolders? [^'"`]*['"`]/, repair: '"directory" in messages' },
]
