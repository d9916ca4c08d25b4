import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

export function Badge({ kind, children }: { kind: string; children: ComponentChildren }) {
  return <span class={`badge ${kind}`}>{children}</span>
}

interface SearchProps {
  value: string
  placeholder: string
  onChange: (value: string) => void
}

/** A search field. The key `/` focuses it, and Escape clears it. */
export function Search({ value, placeholder, onChange }: SearchProps) {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLInputElement
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return
      event.preventDefault()
      input.current?.focus()
    }
    document.addEventListener('keydown', focus)
    return () => document.removeEventListener('keydown', focus)
  }, [])
  return (
    <input
      ref={input}
      type="search"
      aria-label={placeholder}
      aria-keyshortcuts="/"
      placeholder={`${placeholder}  /`}
      autocomplete="off"
      spellcheck={false}
      value={value}
      onInput={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Escape' && onChange('')}
    />
  )
}

interface FilterProps<T extends string> {
  options: readonly { value: T; count: number }[]
  value: T | undefined
  onChange: (value: T | undefined) => void
}

/** Buttons of which at most one is pressed. No pressed button shows everything. */
export function Filter<T extends string>({ options, value, onChange }: FilterProps<T>) {
  return (
    <fieldset class="filter" aria-label="Show only">
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          class={option.value}
          aria-pressed={value === option.value}
          onClick={() => onChange(value === option.value ? undefined : option.value)}
        >
          <b>{option.count}</b> {option.value}
        </button>
      ))}
    </fieldset>
  )
}
