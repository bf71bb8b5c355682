import { expect, test } from 'vitest'
import { AppError } from './errors.ts'
import { listen } from './listen.ts'

const answer = () => new Response('here')

test('port 0 takes a free port and says which', async () => {
  await using server = await listen({ fetch: answer, host: '127.0.0.1', port: 0 })
  expect(await (await fetch(server.url)).text()).toBe('here')
})

test('a port that is taken, and an address that is not ours, are said with the setting to change', async () => {
  await using server = await listen({ fetch: answer, host: '127.0.0.1', port: 0 })
  const port = Number(new URL(server.url).port)
  const taken = listen({ fetch: answer, host: '127.0.0.1', port })
  await expect(taken).rejects.toThrow(`port ${port} is in use: set DOCKERPULSE_PORT to another one`)
  await expect(taken).rejects.toThrow(AppError)
  // TEST-NET-1, RFC 5737: nobody's address.
  await expect(listen({ fetch: answer, host: '192.0.2.1', port: 0 })).rejects.toThrow(
    '192.0.2.1 is not an address of this machine: set DOCKERPULSE_HOST to one',
  )
})

test('its end does not wait for clients that stay', async () => {
  const server = await listen({ fetch: () => new Response(new ReadableStream()), host: '127.0.0.1', port: 0 })
  const response = await fetch(server.url)
  await server[Symbol.asyncDispose]()
  await expect(response.text()).rejects.toThrow()
})
