import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Comments } from './comments.js';

const texts = (pieces: readonly { readonly text: string }[]): string[] => pieces.map(({ text }) => text);

describe('the comments of a program', () => {
  it('tell at the head what the program is about, paragraphs as such and commands as they were written', () => {
    const head = new Comments(
      '\ufeff# A fault.\r\n#\r\n# One,\r\n# two.\r\n#   dommu run x\r\n#   dommu check\r\n\r\nmachine arm\r\n# later\r\n',
    );
    expect(head.atHead()).toEqual([
      { text: 'A fault.', asWritten: false },
      { text: 'One, two.', asWritten: false },
      { text: 'dommu run x', asWritten: true },
      { text: 'dommu check', asWritten: true },
    ]);
  });

  it('go with the statements that follow until an empty line, and end where the next comment begins', () => {
    const comments = new Comments(
      '# head\n\n# both\ngrant a\n  expect ok\nmap a\nrepeat 2\n  # inner\n  dma x # and\nend\n\ndma y',
    );
    expect(texts(comments.of(4))).toEqual(['both']);
    expect(texts(comments.of(6))).toEqual(['both']);
    expect(texts(comments.of(9))).toEqual(['inner', 'and']);
    expect(comments.of(12)).toEqual([]);
  });

  it('keep lines apart that end early, as those of a counterexample do', () => {
    const text =
      '# I2 does not hold on this Xen, as found:\n# nic can write\n# Why it must hold: it is a very long story,\n# which goes on.\n';
    expect(texts(new Comments(text).atHead())).toEqual([
      'I2 does not hold on this Xen, as found: nic can write',
      'Why it must hold: it is a very long story, which goes on.',
    ]);
  });

  it('do not begin with what is quoted', () => {
    expect(texts(new Comments('dma x expect "a # b \\" # c" # d').of(1))).toEqual(['d']);
    expect(new Comments('dma x expect "a # b"').of(1)).toEqual([]);
  });

  it('are cut where a line or a comment is longer than anybody reads, at once', () => {
    const long = new Comments(`${'# x\n'.repeat(100_000)}dma ${'#'.repeat(1_000_000)}"`);
    const [piece] = long.of(100_001);
    expect(piece!.text.length).toBeLessThan(1000);
    expect(texts(long.atHead())[0]!.length).toBeLessThan(200);
  });

  it('tell the story of the founding bugs step by step', () => {
    const arm = readFileSync(new URL('../../examples/arm-grant-fault.dommu', import.meta.url), 'utf8');
    const lineOf = (start: string): number => arm.split('\n').findIndex((line) => line.startsWith(start)) + 1;
    const comments = new Comments(arm);
    expect(texts(comments.atHead())[0]).toContain('a transmit that becomes an SMMU fault');
    expect(texts(comments.of(lineOf('dma eth0 read')))).toEqual([
      'eth0 fetches the packet, at offset 0x148.',
    ]);
    expect(comments.of(lineOf('map_grant_ref'))).toEqual(comments.of(lineOf('grant guest')));
  });
});
