import { describe, expect, it } from 'vitest';
import { hashOf, pagePart } from '../report/page-parts.js';
import { explorePage, explorePolicy, laterPart } from './page.js';

const page = (text: string, name = 'a.dommu') =>
  explorePage({ source: { name, text, configs: {} }, step: 3, editable: false });

/** The element of the page that is called so, as a browser reads it: up to the first end tag. */
function textOf(html: string, id: string): string {
  const [, text] = new RegExp(`<script type="[a-z/]+" id="${id}">(.*?)</script`, 's').exec(html)!;
  return text!;
}

describe('the explorer’s page', () => {
  it('holds the program as it is, also where it says what the page’s template says, or ends scripts', () => {
    const hostile = [
      'TITLE POLICY STYLE DATA WORKER LATER SCRIPT STYLE-HASH',
      "$& $1 $$ $` $' \\u003c",
      '</script><script>alert(1)</script>',
      '<!--<script>',
      '\u2028\u2029\ud800\u0000\u202e"\\',
    ].join('\n');
    const html = page(hostile, '</title><script>DATA $&.dommu');
    expect(JSON.parse(textOf(html, 'data'))).toEqual({
      source: { name: '</title><script>DATA $&.dommu', text: hostile, configs: {} },
      step: 3,
      editable: false,
    });
    expect(html).toContain('<title>&lt;/title&gt;&lt;script&gt;DATA $&amp;.dommu: dommu explore</title>');
    // What a browser takes for the beginning of a script: the page's own, and no more.
    expect(html.match(/<script[\s>]/g)).toHaveLength(page('').match(/<script[\s>]/g)!.length);
    expect(html).not.toContain('<!--');
  });

  it('lets its own script and style do what they do, and nothing else', () => {
    const html = page('');
    const scripts = [...html.matchAll(/<script>(.*?)<\/script/gs)].map(([, script]) => script!);
    const [, style] = /<style>(.*?)<\/style/s.exec(html)!;
    expect(scripts).toEqual(['explore-first.js', 'explore.js'].map(pagePart));
    expect(style).toBe(pagePart('explore.css'));
    const policy = explorePolicy();
    expect(html).toContain(`content="${policy}"`);
    expect(policy).toContain(`script-src ${scripts.map((one) => `'sha256-${hashOf(one)}'`).join(' ')} `);
    expect(policy).toContain(` 'sha256-${hashOf(textOf(html, 'explore-editor.js'))}'`);
    expect(policy).toContain(`style-src 'sha256-${hashOf(style!)}'`);
    expect(policy).not.toMatch(/unsafe|connect-src|https?:|\*/);
    expect(explorePolicy('beside')).toContain("connect-src 'self'");
    expect(laterPart('explore-editor.js')).toBe(textOf(html, 'explore-editor.js'));
  });

  it('has the model as it was built, but for what HTML would read otherwise', () => {
    const built = pagePart('explore-worker.js');
    const text = textOf(page(''), 'worker');
    expect(text.replaceAll('\\x3c', '<')).toBe(built.replaceAll('\\x3c', '<'));
    // What a parser of HTML replaces, or reads as something else.
    expect(text).not.toMatch(/\0|\r|<!--|<\/script/i);
  });

  it('is the same, byte for byte, of the same program', () => {
    expect(page('machine x86\n')).toBe(page('machine x86\n'));
  });
});
