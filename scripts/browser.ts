import { accessSync, constants } from 'node:fs'
import puppeteer, { type Browser } from 'puppeteer-core'

const CANDIDATES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
]

/** The Chromium to test with: `DOCKERPULSE_TEST_CHROMIUM`, or where the systems' packages put it; `null` where there is none. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | null {
  const wanted = env.DOCKERPULSE_TEST_CHROMIUM
  const found = (wanted === undefined ? CANDIDATES : [wanted]).find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  return found ?? null
}

/** A headless browser that asks nobody outside for anything. */
export function launchBrowser(executablePath: string): Promise<Browser> {
  return puppeteer.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
