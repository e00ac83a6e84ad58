// Makes the agent one file that dom0's Node can run: dist/lab/agent.cjs. Only koffi, which has an addon, stays outside.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const file = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const { version } = JSON.parse(readFileSync(file('package.json'), 'utf8'));

await build({
  entryPoints: [file('src/lab/agent/main.ts')],
  outfile: file('dist/lab/agent.cjs'),
  bundle: true,
  platform: 'node',
  target: 'node18',
  format: 'cjs',
  external: ['koffi'],
  define: { DOMMU_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
