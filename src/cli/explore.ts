import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { explorePage, explorePolicy, laterPart } from '../explore/page.js';
import { type Diagnostic, printable } from '../text/diagnostic.js';
import { writePieces } from './audit-output.js';
import { openBrowser } from './browser.js';
import { exampleOpening, examplesPage } from './explore-examples.js';
import { exploreSource, type Opening, openingOf } from './explore-source.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { type Content, type Site, serveLocally } from './local-server.js';
import { count, usageError } from './options.js';
import { registerSceneOptions, type SceneOptions } from './scene.js';

export interface ExploreOptions extends SceneOptions {
  readonly step: number;
  readonly port: number;
  readonly open: boolean;
  readonly html?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ dommu explore
  $ dommu explore examples/arm-grant-fault.dommu --xen 4.12
  $ dommu explore guest-pv-nic-4.11.0-I2.dommu
  $ dommu explore examples/guest-pv-nic.cfg --cmdline "dom0-iommu=strict"
  $ dommu explore --bug XSA-378b
  $ dommu explore examples/late-enable.dommu --xen late-enable --html loop.html

The page is served to this machine alone, and read again from the file whenever it is loaded. Ctrl-C ends it.

Exit codes: 0 ended by Ctrl-C, or written; 1 a config's domain would not start; 2 bad input or usage.`;

export function registerExplore(program: Command, io: Io = standardIo()): void {
  const command = program
    .command('explore')
    .summary('look at a program’s run in the browser, step by step, forwards and backwards')
    .description(
      'Opens a page that shows the machine after every step of a program: who owns which frame, what devices reach, what ' +
        'the step changed, who set a bit and why a call was refused; and what another release would have done.',
    )
    .argument(
      '[file...]',
      'one program (.dommu, .json), or xl configs; without any, examples to choose from',
    );
  registerSceneOptions(command)
    .option('--step <n>', 'the step to begin with', count(0, 1e9), 0)
    .option('--port <n>', 'the port to serve the page on; 0 is any that is free', count(0, 65_535), 0)
    .option('--no-open', 'print the URL and open no browser')
    .option(
      '--html <file>',
      'write the page to a file instead, which needs no server; - for the standard output',
    )
    .option('--json', 'print one JSON object: where the page is')
    .addHelpText('after', EXAMPLES)
    .action((files: string[], options: ExploreOptions) => {
      const asJson = (diagnostics: readonly Diagnostic[]) => ({ url: null, file: null, diagnostics });
      return runCommandAsync(io, options.json === true, asJson, () => explore(files, options, io));
    });
}

async function explore(files: readonly string[], options: ExploreOptions, io: Io): Promise<ExitCode> {
  if (files.includes('-')) {
    throw usageError('FILE', 'a page is made of files, which it reads again when it is loaded; give a file');
  }
  if (options.html !== undefined) return writePage(files, options, options.html, io);
  return serve(siteOf(files, options), files.join(' ') || (options.bug ?? 'examples'), options, io);
}

/** Writes the page with all that belongs to it into one file. */
function writePage(files: readonly string[], options: ExploreOptions, file: string, io: Io): ExitCode {
  if (file === '-' && options.json === true)
    throw usageError('--html', '--html - and --json would be mixed on the standard output; give a file');
  const source = exploreSource(files, options);
  const html = explorePage({ source, step: options.step, editable: false });
  const bytes = Buffer.byteLength(html);
  writePieces('--html', file, [html]);
  if (options.json === true) io.out(JSON.stringify({ file, bytes }, null, 2));
  else if (file !== '-') io.out(`${printable(file)}: ${(bytes / 2 ** 20).toFixed(1)} MiB`);
  return EXIT.ok;
}

/** What is served: the page of what was given, read anew each time it is asked for; or examples. @throws InputError */
function siteOf(files: readonly string[], options: ExploreOptions): Site {
  const { bug, xen, arch, iommu, cmdline } = options;
  if (files.length > 0 || bug !== undefined) {
    // What is wrong from the start is told here, not in a page.
    const source = exploreSource(files, options);
    // A pipe gives what it has once.
    const lasts = files.every((file) => statSync(file).isFile());
    const now = (): Opening => (lasts ? openingOf(files, options) : { source });
    return (path) => (path === '' ? pageOf(now(), options.step) : scriptOf(path));
  }
  if ([xen, arch, iommu, cmdline].some((given) => given !== undefined))
    throw usageError(
      'FILE',
      'on what? Give a program, xl configs, or --bug; without options there are examples',
    );
  return (path) => {
    if (path === '') return examplesPage();
    const end = path.lastIndexOf('/') + 1;
    const opening = exampleOpening(path.slice(0, end - 1));
    if (opening === undefined) return undefined;
    return end === path.length ? pageOf(opening, options.step) : scriptOf(path.slice(end));
  };
}

const pageOf = ({ source, problem }: Opening, step: number): Content => ({
  type: 'text/html',
  body: explorePage({ source, step, editable: true, ...(problem !== undefined && { problem }) }, 'beside'),
  policy: explorePolicy('beside'),
});

function scriptOf(name: string): Content | undefined {
  const body = laterPart(name);
  return body === undefined ? undefined : { type: 'text/javascript', body };
}

/** Serves until somebody says that it is enough. */
async function serve(site: Site, what: string, options: ExploreOptions, io: Io): Promise<ExitCode> {
  const server = await serveLocally(site, options.port);
  const ended = signalled();
  const { url, port } = server;
  if (options.json === true) io.out(JSON.stringify({ url, port }, null, 2));
  else io.out(`${io.paintOut.bold(printable(what))}: ${io.paintOut.info(url)}\nCtrl-C ends it.`);
  if (options.open && !(await openBrowser(url)))
    io.err('There is no browser here to open it with; the URL can be opened by hand.');
  await ended;
  await server.close();
  return EXIT.ok;
}

/** Resolves at the first signal that asks the process to end. */
function signalled(): Promise<void> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  return new Promise((done) => {
    const onSignal = () => {
      for (const signal of signals) process.off(signal, onSignal);
      done();
    };
    for (const signal of signals) process.on(signal, onSignal);
  });
}
