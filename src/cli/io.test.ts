import { describe, expect, it } from 'vitest';
import { PLAIN } from '../text/diagnostic.js';
import { paintFor, renderForTerminal } from './io.js';

describe('colours', () => {
  it('are for terminals only, and not against NO_COLOR', () => {
    expect(paintFor({ isTTY: true }, {}).error('x')).not.toBe('x');
    expect(paintFor({ isTTY: true }, { NO_COLOR: '' }).error('x')).not.toBe('x');
    for (const [stream, env] of [
      [{}, {}],
      [{ isTTY: false }, {}],
      [{ isTTY: true }, { NO_COLOR: '1' }],
      [{ isTTY: true }, { TERM: 'dumb' }],
    ] as const) {
      expect(paintFor(stream, env)).toBe(PLAIN);
    }
  });
});

describe('a diagnostic about an option', () => {
  it('has no line and column', () => {
    const diagnostic = {
      severity: 'error',
      code: 'usage',
      message: 'no',
      file: '--xen',
      line: 1,
      column: 1,
    } as const;
    expect(renderForTerminal(diagnostic, undefined, PLAIN)).toBe('--xen: error: no');
    expect(renderForTerminal({ ...diagnostic, hint: 'h' }, undefined, PLAIN)).toBe(
      '--xen: error: no\n  hint: h',
    );
  });
});
