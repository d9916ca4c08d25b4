import { revalidatePath } from 'next/cache'

export const dynamic = 'force-dynamic'

/** Kept on `globalThis`, because Next.js can load a module more than once. */
globalThis.notes ??= []

async function add(form) {
  'use server'
  globalThis.notes.push(form.get('note'))
  revalidatePath('/')
}

export default function Page() {
  return (
    <main>
      <form action={add}>
        <input name="note" aria-label="Note" />
      </form>
      <ul>
        {globalThis.notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </main>
  )
}
