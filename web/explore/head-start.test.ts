import { createContext, runInContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { ExploreSource } from '../../src/explore/source.js';
import { FIRST_REQUEST, openingLine } from './head-start.js';
import { saysProgram } from './what-if/link.js';

it('gives the model its program letter by letter, whatever it says', () => {
  const text = `" + alert(1) + "\\' \u2028\u2029 \ud800 \0 \`\${x}\` */ </script><!--\r\n`;
  // As the page has it: JSON, in which this is a config like any other.
  const configs = JSON.parse(`{"__proto__": {"name": "p", "content": "c"}}`) as ExploreSource['configs'];
  const source: ExploreSource = { name: 'a"\n.dommu', text, configs, edition: '4.12' };
  const heard: { data: unknown }[] = [];
  const page = createContext({ self: { onmessage: (event: { data: unknown }) => void heard.push(event) } });
  runInContext(openingLine(source), page);
  const said = JSON.stringify({ id: FIRST_REQUEST, open: source });
  expect(heard.map(({ data }) => JSON.stringify(data))).toEqual([said]);
});

it.each([
  ['', false],
  ['#step=4', false],
  ['#program=AAAA&step=4', true],
  ['#step=4&xen=4.12', true],
])('of an address that says %j, it waits to be asked: %s', (fragment, waits) => {
  expect(saysProgram(fragment)).toBe(waits);
});
