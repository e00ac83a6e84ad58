import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

function dommu(...args: string[]): { out: string; err: string; exit: number | null } {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', ...args],
    { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } },
  );
  return { out: stdout, err: stderr, exit: status };
}

describe('the command dommu', () => {
  it('tells its version and its commands', () => {
    expect(dommu('--version')).toMatchObject({ exit: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const { out, exit } = dommu('check', '--help');
    expect(exit).toBe(0);
    expect(out).toContain('$ dommu check examples/guest-pv-nic.cfg');
  });

  it('exits with 2 when it is used wrongly', () => {
    expect(dommu('chek')).toMatchObject({ exit: 2, err: expect.stringContaining('Did you mean check?') });
    expect(dommu('check', '--jsn', 'x')).toMatchObject({ exit: 2, out: '' });
    const { out, exit } = dommu('check', '--json', '--bogus', 'x');
    expect(exit).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ diagnostics: [{ code: 'usage' }] });
    expect(dommu('check')).toMatchObject({
      exit: 2,
      err: expect.stringContaining("missing required argument 'file'"),
    });
  });

  it('checks an example', () => {
    const { out, err, exit } = dommu('check', 'examples/guest-pv-nic.cfg');
    expect(exit).toBe(0);
    expect(err).toBe('');
    expect(out).toContain('firewall (pv)');
  });
});
