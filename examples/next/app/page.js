import { revalidatePath } from 'next/cache'

export const dynamic = 'force-dynamic'

/** In the server's memory; a module can be loaded more than once in it. */
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
