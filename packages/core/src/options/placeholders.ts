/** `{PORT}` and `{API_PORT}`, but not the `${PORT}` of a shell. */
const PLACEHOLDER = /(?<!\$)\{((?:[A-Z0-9_]+_)?PORT)\}/g

/** @param ports by their variables @param onUnknown the replacement of a placeholder that `ports` lacks */
export function replacePlaceholders(
  text: string,
  ports: Readonly<Record<string, string>>,
  onUnknown: (placeholder: string) => string,
): string {
  return text.replaceAll(PLACEHOLDER, (placeholder, variable: string) =>
    Object.hasOwn(ports, variable) ? (ports[variable] as string) : onUnknown(placeholder),
  )
}
