const form = document.querySelector('form')
const list = document.querySelector('ul')

function show(notes) {
  list.replaceChildren(
    ...notes.map((note) => Object.assign(document.createElement('li'), { textContent: note })),
  )
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const response = await fetch('/notes', { method: 'POST', body: form.elements.note.value })
  show(await response.json())
  form.reset()
})

show(await (await fetch('/notes')).json())
