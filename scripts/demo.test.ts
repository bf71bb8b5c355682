import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, HTTPRequest, Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Autonomy } from '../server/contracts/autonomy.ts'
import { createAutonomyStore } from '../server/store/autonomy.ts'
import { openDatabase } from '../server/store/database.ts'
import { findChromium, launchBrowser } from './browser.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const PATIENCE_MS = 150_000
const chromium = findChromium()
if (chromium === null && process.env.DOCKERPULSE_TEST_REQUIRE === 'all')
  throw new Error('no Chromium for the browser test: install it, or set DOCKERPULSE_TEST_CHROMIUM to its path')

/** Starts a command of the project and resolves with the address that it prints. */
async function startDemo(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['scripts/demo.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, DOCKERPULSE_PORT: '0', OLLAMA_HOST: '', ...env },
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

/** Keeps right decisions on restarts of one container in a data folder, as a service would have judged them. */
async function keepRecord(folder: string, containerKey: string, decisions: number): Promise<void> {
  const path = join(folder, 'dockerpulse.duckdb')
  await using database = await openDatabase({ path, memoryLimitMegabytes: 64, now: Date.now })
  const store = createAutonomyStore(database)
  for (let minute = 1; minute <= decisions; minute++)
    await store.saveJudgement({
      at: Date.now() - minute * 60_000,
      actionId: crypto.randomUUID(),
      incidentId: crypto.randomUUID(),
      containerKey,
      cause: 'memory-limit',
      kind: 'restart',
      done: false,
      outcome: 'right',
      reason: 'it failed within a minute',
      durationMs: null,
      failureMs: null,
    })
}

describe.skipIf(chromium === null)('how much it may do, on the page', { timeout: PATIENCE_MS }, () => {
  const NAME = 'webshop-shop-api-1'
  const KEY = 'webshop/shop-api/1'
  let demo: { child: ChildProcess; url: string }
  let folder: string
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dockerpulse-page-'))
    await keepRecord(folder, KEY, 12)
    demo = await startDemo(['--calm', '--data', folder])
    browser = await launchBrowser(chromium!)
    page = await browser.newPage()
    await page.setViewport({ width: 1440, height: 900 })
    await page.goto(demo.url)
  }, PATIENCE_MS)
  afterAll(async () => {
    await browser?.close()
    const ended = demo && new Promise((resolve) => demo.child.once('exit', resolve))
    demo?.child.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })

  const seen = (selector: string) => page.waitForSelector(selector, { timeout: 30_000 })
  const press = async (selector: string) => (await seen(selector))!.press('Enter')
  const told = async (): Promise<Autonomy> => (await fetch(`${demo.url}/api/autonomy`)).json() as Promise<Autonomy>

  test('one press stops everything, a reason may follow, and going on asks first', async () => {
    await press('[data-testid=stop][data-on=false]')
    await seen('[data-testid=stop][data-on=true]')
    expect((await told()).settings.stopped).toBe('an operator asked for it')
    await page.type('[data-testid=banner-stopped] input', '<b>look</b> at the disk')
    await press('[data-testid=stop-explain]')
    await page.waitForFunction(
      "document.querySelector('[data-testid=stop-reason]').textContent.includes('<b>look</b> at the disk')",
    )
    expect((await told()).settings.stopped).toBe('<b>look</b> at the disk')

    await press('[data-testid=stop]')
    await seen('[data-testid=confirm][open]')
    await page.keyboard.press('Escape')
    await page.waitForSelector('[data-testid=confirm]', { hidden: true })
    expect((await told()).settings.stopped).not.toBeNull()
    await press('[data-testid=go-on]')
    await press('[data-testid=confirm-yes]')
    await seen('[data-testid=stop][data-on=false]')
    expect((await told()).settings.stopped).toBeNull()
  })

  test('a mode is set and taken back, and auto wants a reason', async () => {
    await press(`[data-testid=container-tile][data-name=${NAME}]`)
    const mode = '[data-testid=mode-of-container]'
    await seen(`${mode}[data-mode=auto][data-from=configuration]`)
    await press('[data-testid=mode-control] > summary')
    await page.select('[data-testid=mode-scope]', 'project')
    await page.select('[data-testid=mode-choice]', 'approve')
    await press('[data-testid=mode-set]')
    await seen(`${mode}[data-mode=approve][data-from=project]`)
    expect((await told()).settings.projects).toEqual({ webshop: 'approve' })

    await page.select('[data-testid=mode-choice]', 'auto')
    await press('[data-testid=mode-set]')
    await press('[data-testid=confirm-yes]')
    expect(await page.$('[data-testid=confirm] :invalid')).not.toBeNull()
    await page.keyboard.press('Escape')
    await page.waitForSelector('[data-testid=confirm]', { hidden: true })
    expect((await told()).settings.projects).toEqual({ webshop: 'approve' })
  })

  test('a refusal is shown in the words of the service', async () => {
    const refuse = (request: HTTPRequest) =>
      request.method() === 'PUT'
        ? request.respond({ status: 503, contentType: 'application/json', body: '{"detail":"the disk is full"}' })
        : request.continue()
    await page.setRequestInterception(true)
    page.on('request', refuse)
    await press('[data-testid=stop]')
    await seen('[data-testid=banner-stop-failed] ::-p-text(the disk is full)')
    expect(await page.$('[data-testid=stop][data-on=false]')).not.toBeNull()
    await page.select('[data-testid=mode-choice]', 'observe')
    await press('[data-testid=mode-set]')
    await seen('[data-testid=mode-control] [role=alert] ::-p-text(the disk is full)')
    page.off('request', refuse)
    await page.setRequestInterception(false)
    await page.select('[data-testid=mode-choice]', 'approve')
  })

  test('a record that is good enough suggests a mode, and a press grants it', async () => {
    const record = `[data-testid=earned-record][data-name=${NAME}]`
    await seen(`${record}[data-suggestion=earned]`)
    await press(`${record} [data-testid=grant]`)
    await seen('[data-testid=mode-of-container][data-mode=earned][data-from=container]')
    expect((await told()).settings.containers).toEqual({ [KEY]: 'earned' })
    await page.select('[data-testid=mode-scope]', 'container')
    await press('[data-testid=mode-take-back]')
    await seen('[data-testid=mode-of-container][data-mode=approve][data-from=project]')
  })
})

describe.skipIf(chromium === null)('a viewer on the page', { timeout: PATIENCE_MS }, () => {
  test('sees every control, can use none, and is told why', async () => {
    const [DOCKERPULSE_TOKEN, DOCKERPULSE_VIEWER_TOKEN] = ['for those who operate', 'for those who only look']
    const demo = await startDemo(['--calm'], { DOCKERPULSE_TOKEN, DOCKERPULSE_VIEWER_TOKEN })
    const browser = await launchBrowser(chromium!)
    try {
      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
      await page.setViewport({ width: 1440, height: 900 })
      const logIn = async (token: string) => {
        await page.goto(`${demo.url}/login`)
        await page.type('[name=token]', token)
        await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
        await page.waitForSelector('[data-testid=container-tile]').catch(async (cause) => {
          const seen = `${page.url()} shows ${JSON.stringify(await page.evaluate('document.body.innerText'))}`
          throw new Error([`no tile after the login: ${seen}`, ...complaints].join('; '), { cause })
        })
      }
      await logIn(DOCKERPULSE_VIEWER_TOKEN)
      const stop = await page.waitForSelector('[data-testid=stop]:disabled')
      expect(await page.evaluate((button) => button!.getAttribute('title'), stop)).toContain('as a viewer')
      await page.click('[data-testid=container-tile]')
      await page.waitForSelector('[data-testid=mode-set]:disabled')
      const refused = await page.evaluate(
        "fetch('/api/stop', { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{\"on\":true,\"reason\":\"\"}' }).then((response) => response.status)",
      )
      expect(refused).toBe(403)
      await logIn(DOCKERPULSE_TOKEN)
      await page.waitForSelector('[data-testid=stop]:enabled')
    } finally {
      await browser.close()
      const ended = new Promise((resolve) => demo.child.once('exit', resolve))
      demo.child.kill('SIGTERM')
      await ended
    }
  })
})
