/**
 * A program's text that says on which edition it runs, so that `dommu run` does what the page shows. A text that says so
 * already stays as it is, letter by letter.
 */
export function withEdition(text: string, edition: string): string {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => /^[\s\ufeff]*xen(\s|$)/.test(line));
  if (at >= 0) {
    const [, head, said, rest] = /^([\s\ufeff]*xen\s+)([^\s"#]*)(.*)$/s.exec(lines[at]!) ?? [];
    if (head === undefined || said === edition) return text;
    lines[at] = `${head}${edition}${rest}`;
    return lines.join('\n');
  }
  const first = lines.findIndex((line) => !/^[\s\ufeff]*(#|$)/.test(line));
  const end = lines[0]!.endsWith('\r') ? '\r' : '';
  lines.splice(first < 0 ? lines.length - 1 : first, 0, `xen ${edition}${end}`);
  return lines.join('\n');
}

/** What a file of a program is called, from what the program is called. */
export function fileName(name: string): string {
  const base = name
    .split(/[/\\]/)
    .at(-1)!
    .replace(/[^\w. +=-]/g, '_');
  const stem = base.replace(/\.(dommu|json|cfg)$/, '');
  return `${stem === '' ? 'program' : stem}.dommu`;
}
