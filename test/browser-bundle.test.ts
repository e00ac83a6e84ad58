import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const source = (name: string) => fileURLToPath(new URL(`../src/${name}`, import.meta.url));

/** What a page needs to run, record and search a program that it has as text, and to tell why a step was answered as it was. */
const ENTRY = `
  export { parseProgram } from '${source('program/parse.ts')}';
  export { printProgram } from '${source('program/print.ts')}';
  export { Timeline } from '${source('program/timeline.ts')}';
  export { alignment, firstDifference } from '${source('program/timeline/alignment.ts')}';
  export { Verdicts } from '${source('program/timeline/verdicts.ts')}';
  export { whyErrno } from '${source('coverage/why-errno.ts')}';
  export { SourceText } from '${source('text/source.ts')}';
  export { sceneModel, verifyProgram } from '${source('program/verify.ts')}';
  export { DEFAULT_ALPHABET } from '${source('program/alphabet-bounds.ts')}';
  export { search } from '${source('check/search.ts')}';
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

  it('searches with no more than a clock and messages to itself: it has no threads and no memory that they could share', async () => {
    const { outputFiles } = await bundle(ENTRY);
    const page = createContext({ performance, MessageChannel });
    runInContext(`delete globalThis.SharedArrayBuffer; ${outputFiles[0]!.text}`, page);
    const told = await runInContext(
      `const text = 'ram 0x100..0x101\\ndom0 pages=1\\ndevice nic 0000:03:00.0\\ncreatedomain a max_pages=1\\npopulate_physmap a P';
       const program = dommu.parseProgram(new dommu.SourceText('t', text));
       const bounds = { ...dommu.DEFAULT_ALPHABET, pages: 1, search: { deeper: 0 } };
       const verdict = async (edition) => {
         const { verdict, search } = await dommu.verifyProgram(program, dommu.resolveEdition(edition), bounds);
         return verdict + ' ' + (search.states > 10) + ' ' + (search.cpuSeconds > 0);
       };
       Promise.all([verdict('4.22'), verdict('4.11.0')])`,
      page,
    );
    expect(told).toEqual(['safe true true', 'unsafe true true']);
  });

  it('would not be built with something of Node in it', async () => {
    await expect(bundle(`export { loadProgram } from '${source('program/load.ts')}';`)).rejects.toThrow(
      'node:',
    );
  });
});
