import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** A `dommu explore` that serves. */
export interface Serving {
  readonly url: string;
  readonly port: number;
  /** Ends it as Ctrl-C does. @returns its exit code. */
  stop(): Promise<number | null>;
}

const start = (args: readonly string[]) =>
  spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], { cwd: root, stdio: 'pipe' });

/** Starts the command on its arguments, and waits until it has said where the page is. */
export function serveExplorer(...args: string[]): Promise<Serving> {
  const child = start(['explore', ...args, '--no-open', '--json']);
  let [out, err] = ['', ''];
  const ended = new Promise<number | null>((done) => child.on('close', done));
  return new Promise((done, fail) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (!out.endsWith('}\n')) return;
      const { url, port } = JSON.parse(out) as { url: string | null; port: number };
      if (url === null) return fail(new Error(out));
      done({
        url,
        port,
        stop: () => {
          child.kill('SIGINT');
          return ended;
        },
      });
    });
    void ended.then((exit) => fail(new Error(`ended with ${exit}: ${out}${err}`)));
  });
}

/** Runs a command of dommu to its end. */
export async function dommu(...args: string[]): Promise<{ out: string; err: string; exit: number | null }> {
  const child = start(args);
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const exit = await new Promise<number | null>((done) => child.on('close', done));
  return { out, err, exit };
}
