import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium, launchBrowser } from './browser.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const PATIENCE_MS = 150_000
const chromium = findChromium()
if (chromium === null && process.env.DOCKERPULSE_TEST_REQUIRE === 'all')
  throw new Error('no Chromium for the browser test: install it, or set DOCKERPULSE_TEST_CHROMIUM to its path')

/** Starts a command of the project and resolves with the address that it prints. */
async function startDemo(args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['scripts/demo.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, DOCKERPULSE_PORT: '0', OLLAMA_HOST: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    let printed = ''
    child.stdout!.on('data', (chunk) => {
      printed += chunk
      const address = /http:\/\/\S+/.exec(printed)?.[0]
      if (address) resolve(address)
    })
    child.once('exit', (code) => reject(new Error(`the demo ended with ${code}: ${printed}`)))
  })
  return { child, url }
}

describe.skipIf(chromium === null)('the demo in a real browser', { timeout: PATIENCE_MS }, () => {
  let demo: { child: ChildProcess; url: string }
  beforeAll(async () => {
    demo = await startDemo([])
  })
  afterAll(() => {
    demo?.child.kill('SIGTERM')
  })

  test('a light turns critical, an incident appears, a restart helps, and its report opens', async () => {
    const browser = await launchBrowser(chromium!)
    try {
      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text())
      })
      await page.setViewport({ width: 1920, height: 1080 })
      await page.goto(demo.url)
      const seen = (selector: string) => page.waitForSelector(selector, { timeout: PATIENCE_MS })
      const tile = '[data-testid=container-tile][data-name=webshop-shop-api-1]'
      await seen(`${tile}[data-freshness=live]`)
      expect(await page.$$('[data-testid=container-tile]')).toHaveLength(12)
      await page.click(tile)
      await seen(`${tile}[data-light=critical]`)
      await seen('[data-testid=metric-open-incidents][data-value="1"]')
      mkdirSync(`${ROOT}reports/out`, { recursive: true })
      await page.screenshot({ path: process.env.DOCKERPULSE_TEST_SCREENSHOT ?? `${ROOT}reports/out/dashboard.png` })

      await seen('[data-testid=metric-interventions][data-value="1"]')
      await seen('[data-testid=metric-open-incidents][data-value="0"]')
      await seen(`${tile}[data-light=low]`)
      await page.click('[data-testid=close-detail]')
      const resolved = '[data-testid=incident][data-phase=resolved]'
      await seen(resolved)
      await page.click(`${resolved} > details > summary`)
      await page.click(`${resolved} [data-testid=black-box] > summary`)
      await seen(`${resolved} [data-testid=recordings] li:nth-child(2) [data-testid=download-recording]`)
      await seen(`${resolved} [data-testid=log-tail]`)
      const link = await seen(`${resolved} [data-testid=report]`)
      await page.goto(String(await (await link!.getProperty('href')).jsonValue()))
      const text = await page.evaluate('document.body.textContent')
      expect(text).toContain('webshop-shop-api-1')
      expect(text).toMatch(/forced restart/i)
      expect(complaints).toEqual([])
    } finally {
      await browser.close()
    }
  })

  test('it ends on SIGTERM with exit code 0', async () => {
    const ended = new Promise((resolve) => demo.child.once('exit', (code) => resolve(code)))
    demo.child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})
