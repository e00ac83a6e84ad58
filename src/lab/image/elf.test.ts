import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isElf64, moduleInfo, readElf } from './elf.js';

describe('an ELF file', () => {
  it('says which libraries and which loader it needs', () => {
    const { needed, interpreter } = readElf(readFileSync(process.execPath));
    expect(needed).toContain('libc.so.6');
    expect(interpreter).toMatch(/^\/lib.*\/ld-linux/);
  });

  it('has no module information when it is no kernel module', () => {
    expect(moduleInfo(readFileSync(process.execPath))).toEqual(new Map());
  });

  it('is told from what is none', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('#!/bin/sh\n'.padEnd(80)), Buffer.alloc(200)]) {
      expect(isElf64(bytes)).toBe(false);
      expect(() => readElf(bytes)).toThrow('not a 64-bit little-endian ELF file');
    }
  });
});
