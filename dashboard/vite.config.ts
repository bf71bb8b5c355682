import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import staticAdapter from '@sveltejs/adapter-static'
import type { Adapter } from '@sveltejs/kit'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))

/** Moves the page's one inline script into a file, so that `default-src 'self'` is all the policy it needs. */
function withoutInlineScript(adapter: Adapter): Adapter {
  return {
    ...adapter,
    async adapt(builder) {
      await adapter.adapt(builder)
      const page = readFileSync('build/index.html', 'utf8')
      const inline = /<script>([\s\S]*?)<\/script>/.exec(page)
      if (!inline?.[1]) throw new Error('the page has no inline script to move')
      const name = `_app/start.${createHash('sha256').update(inline[1]).digest('hex').slice(0, 8)}.js`
      writeFileSync(`build/${name}`, inline[1])
      writeFileSync('build/index.html', page.replace(inline[0], `<script src="/${name}"></script>`))
    },
  }
}

/** SvelteKit's announcer carries an inline style, which the policy forbids: the style sheet has the same for it. */
const withoutInlineStyle = {
  markup: ({ content, filename = '' }: { content: string; filename?: string }) => ({
    code: filename.endsWith('/runtime/components/root.svelte') ? content.replace(/\sstyle="[^"]*"/, '') : content,
  }),
}

export default defineConfig({
  // ECharts, which only the charts load.
  build: { chunkSizeWarningLimit: 550 },
  plugins: [
    sveltekit({
      adapter: withoutInlineScript(staticAdapter({ fallback: 'index.html' })),
      preprocess: withoutInlineStyle,
      version: { name: version, pollInterval: 0 },
    }),
  ],
})
