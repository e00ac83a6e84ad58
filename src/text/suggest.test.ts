import { describe, expect, it } from 'vitest';
import { didYouMean, suggest } from './suggest.js';

const KEYS = ['passthrough', 'memory', 'maxmem', 'pci', 'vif'];

describe('a suggestion', () => {
  it('is the word that was probably meant', () => {
    expect(suggest('pasthrough', KEYS)).toBe('passthrough');
    expect(suggest('Memory', KEYS)).toBe('memory');
    expect(suggest('pcl', KEYS)).toBe('pci');
    expect(suggest('MAXMEM', KEYS)).toBe('maxmem');
  });

  it('is not made where nothing is near', () => {
    expect(suggest('colour', KEYS)).toBeUndefined();
    expect(suggest('', KEYS)).toBeUndefined();
    expect(suggest('x', [])).toBeUndefined();
  });

  it('is a question, or else the list of what is allowed', () => {
    expect(didYouMean('pasthrough', KEYS)).toBe('did you mean `passthrough`?');
    expect(didYouMean('colour', KEYS)).toBe('expected one of: passthrough, memory, maxmem, pci, vif');
  });
});
