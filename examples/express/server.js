import express from 'express'

const notes = []
const app = express()
app.use(express.json())
app.get('/health', (_, response) => response.send('ok'))
app.get('/notes', (_, response) => response.json(notes))
app.post('/notes', (request, response) => {
  notes.push(request.body)
  response.status(201).json(notes)
})
app.listen(process.env.PORT, () => console.log(`serves on ${process.env.PORT}`))
