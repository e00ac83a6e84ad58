import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { requireSpace, requireTools } from './host-tools.js';
import type { LabError } from './machine-api.js';

function refusal(body: () => void): Pick<LabError, 'message' | 'exitCode' | 'hint'> {
  try {
    body();
  } catch (error) {
    const { message, exitCode, hint } = error as LabError;
    return { message, exitCode, hint };
  }
  throw new Error('nothing was refused');
}

describe('what the lab needs of the machine', () => {
  it('is named, with the command that installs it', () => {
    expect(refusal(() => requireTools(['qemu-system-x86_64', 'mmdebstrap'], '/nowhere'))).toEqual({
      message: 'the lab needs qemu-system-x86_64, mmdebstrap, which are not installed',
      exitCode: 2,
      hint: 'apt-get install -y qemu-system-x86 mmdebstrap',
    });
    expect(() => requireTools(['timeout'])).not.toThrow();
  });

  it('is space too', () => {
    expect(() => requireSpace(tmpdir(), 1, 'a lab', 'free some')).not.toThrow();
    const { message, exitCode } = refusal(() => requireSpace(tmpdir(), 2 ** 60, 'a lab', 'free some'));
    expect(message).toMatch(/^a lab needs 1099511627776 MiB in .*, which has \d+ MiB left$/);
    expect(exitCode).toBe(2);
  });
});
