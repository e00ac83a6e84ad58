import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from './diagnostic.js';
import { MAX_TEXT_BYTES, readTextFile } from './read-file.js';

const folder = mkdtempSync(join(tmpdir(), 'dommu-source-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function refusal(path: string): { code: string; message: string } {
  try {
    readTextFile(path, 'a config');
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.diagnostic).toMatchObject({ severity: 'error', file: path, line: 1, column: 1 });
    return error.diagnostic;
  }
  throw new Error(`${path} was read`);
}

describe('reading a text', () => {
  it('takes UTF-8, and Latin-1 where it is none', () => {
    expect(readTextFile(file('utf8', 'name = "Zürich"'), 'a config').text).toBe('name = "Zürich"');
    expect(readTextFile(file('latin1', Uint8Array.of(0x5a, 0xfc)), 'a config').text).toBe('Zü');
    expect(readTextFile(file('empty', ''), 'a config').text).toBe('');
  });

  it('takes as much as it may, and no more', () => {
    expect(readTextFile(file('most', Buffer.alloc(MAX_TEXT_BYTES, 'a')), 'a config').text).toHaveLength(
      MAX_TEXT_BYTES,
    );
    expect(refusal(file('more', Buffer.alloc(MAX_TEXT_BYTES + 1, 'a')))).toMatchObject({
      code: 'too-large',
      message: 'is 17 MiB; a config is at most 16 MiB',
    });
  });

  it('takes files that do not tell their size', () => {
    expect(readTextFile('/proc/self/status', 'a config').text).toContain('Pid:');
  });

  it('takes what comes through a pipe', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', 'printf "a = 1\\n" > "$0"', path]);
    expect(readTextFile(path, 'a config').text).toBe('a = 1\n');
    await new Promise((resolve) => writer.on('close', resolve));
  });

  it('does not read without end', async () => {
    const path = join(folder, 'endless');
    execFileSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', 'exec cat /dev/zero > "$0" 2>&-', path]);
    expect(refusal(path)).toMatchObject({
      code: 'too-large',
      message: expect.stringMatching(/^is more than 16 MiB/),
    });
    await new Promise((resolve) => writer.on('close', resolve));
  });

  it.each(['/dev/zero', '/dev/null', '/dev/random'])('refuses the device %s', (path) => {
    expect(refusal(path)).toMatchObject({
      code: 'not-a-file',
      message: 'is neither a file nor a pipe; expected a config',
    });
  });

  it('refuses a socket', async () => {
    const path = join(folder, 'socket');
    const server = createServer().listen(path);
    await new Promise((resolve) => server.on('listening', resolve));
    expect(refusal(path).code).toBe('not-a-file');
    server.close();
  });

  it('says what is wrong with a path', () => {
    const text = file('text', 'x');
    expect(refusal(join(folder, 'nowhere'))).toMatchObject({
      code: 'no-such-file',
      message: 'no such file; expected a config',
    });
    expect(refusal(folder)).toMatchObject({ code: 'is-directory' });
    expect(refusal(join(text, 'below'))).toMatchObject({
      code: 'unreadable',
      message: 'cannot be read (ENOTDIR); expected a config',
    });
    expect(refusal(file('binary', Uint8Array.of(0x41, 0)))).toMatchObject({ code: 'binary' });
    expect(refusal('a\0b')).toMatchObject({ code: 'unreadable' });
  });
});
