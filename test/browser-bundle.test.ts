import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const source = (name: string) => fileURLToPath(new URL(`../src/${name}`, import.meta.url));

/** What a page needs to run and record a program that it has as text, and to tell why a step was answered as it was. */
const ENTRY = `
  export { parseProgram } from '${source('program/parse.ts')}';
  export { printProgram } from '${source('program/print.ts')}';
  export { Timeline } from '${source('program/timeline.ts')}';
  export { alignment, firstDifference } from '${source('program/timeline/alignment.ts')}';
  export { Verdicts } from '${source('program/timeline/verdicts.ts')}';
  export { whyErrno } from '${source('coverage/why-errno.ts')}';
  export { SourceText } from '${source('text/source.ts')}';
  export { resolveEdition } from '${source('xen/editions/edition.ts')}';
`;

const MOST_BYTES = 400_000;

const bundle = (contents: string) =>
  build({
    stdin: { contents, resolveDir: source('.'), loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    globalName: 'dommu',
    logLevel: 'silent',
  });

describe('the model in a page', () => {
  it('runs and records programs without anything of Node, in a script that loads fast', async () => {
    // An import of node: fails the build, which names the file that has it.
    const { outputFiles } = await bundle(ENTRY);
    const { length } = gzipSync(outputFiles[0]!.contents);
    expect(length, `the script has ${length} bytes, compressed`).toBeLessThan(MOST_BYTES);
    expect(outputFiles[0]!.text).not.toMatch(/\brequire\(|["'`]node:/);
  });

  it('asks for no globals but those of the language', async () => {
    const { outputFiles } = await bundle(ENTRY);
    const page = createContext({});
    runInContext(outputFiles[0]!.text, page);
    const told = runInContext(
      `const program = dommu.parseProgram(new dommu.SourceText('t', 'createdomain a iommu\\npopulate_physmap a P'));
       const timeline = dommu.Timeline.record(program, dommu.resolveEdition('4.17'));
       timeline.seek(0);
       timeline.seek(2);
       timeline.changesOf(1).length + ' ' + timeline.step(2).status`,
      page,
    );
    expect(told).toMatch(/^[1-9][0-9]* ok$/);
  });

  it('would not be built with something of Node in it', async () => {
    await expect(bundle(`export { loadProgram } from '${source('program/load.ts')}';`)).rejects.toThrow(
      'node:',
    );
  });
});
