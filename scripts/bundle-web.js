// Makes each script of a page one file: dist/web/PAGE.js, with the page's HTML and style beside it.
import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const file = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** Scripts by the file that they are made of. */
const SCRIPTS = {
  audit: 'web/audit/page.ts',
  explore: 'web/explore/page.tsx',
  'explore-first': 'web/explore/first.ts',
  'explore-worker': 'web/explore/worker.ts',
  'explore-editor': 'web/explore/what-if/editor-part.ts',
  'explore-layout': 'web/explore/states/layout-worker.ts',
};

mkdirSync(file('dist/web'), { recursive: true });
await build({
  entryPoints: Object.fromEntries(Object.entries(SCRIPTS).map(([name, source]) => [name, file(source)])),
  outdir: file('dist/web'),
  bundle: true,
  minify: true,
  platform: 'browser',
  target: 'es2022',
  format: 'iife',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'inline',
  logLevel: 'warning',
});
for (const page of ['audit', 'explore'])
  copyFileSync(file(`web/${page}/page.html`), file(`dist/web/${page}.html`));
// The explorer's parts bring their styles with them.
copyFileSync(file('web/audit/page.css'), file('dist/web/audit.css'));
for (const part of ['examples.html', 'examples.css'])
  copyFileSync(file(`web/explore/${part}`), file(`dist/web/${part}`));
