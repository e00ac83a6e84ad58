// Makes the script of each page one file: dist/web/PAGE.js, with the page's HTML and style beside it.
import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const file = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

mkdirSync(file('dist/web'), { recursive: true });
for (const page of ['audit']) {
  await build({
    entryPoints: [file(`web/${page}/page.ts`)],
    outfile: file(`dist/web/${page}.js`),
    bundle: true,
    minify: true,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    legalComments: 'inline',
    logLevel: 'warning',
  });
  for (const kind of ['html', 'css'])
    copyFileSync(file(`web/${page}/page.${kind}`), file(`dist/web/${page}.${kind}`));
}
