import type { PageData, PageFinding } from '../../src/report/audit-page-data.js';
import { tableInWords } from './in-words.js';
import { Picture } from './picture.js';

const byId = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;

const data = JSON.parse(byId('data').textContent ?? '') as PageData;
const scroller = byId('scroller');
byId('height').style.height = `${26 + data.devices.length * 22 + 2}px`;
const picture = new Picture(data, byId<HTMLCanvasElement>('picture'), scroller, byId('said'));

byId('in').addEventListener('click', () => picture.zoomBy(2));
byId('out').addEventListener('click', () => picture.zoomBy(0.5));
byId('all').addEventListener('click', () => picture.reset());
for (const axis of ['device', 'memory'] as const) {
  byId(`axis-${axis}`).addEventListener('change', () => picture.show(axis));
}

// Made when it is asked for: there may be many devices.
const words = byId<HTMLDetailsElement>('words');
words.addEventListener('toggle', () => words.childElementCount === 1 && words.append(tableInWords(data)));

const list = byId('findings');
for (const finding of data.findings) list.append(itemOf(finding));

function itemOf({ severity, code, message, start, end }: PageFinding): HTMLElement {
  const item = document.createElement('li');
  item.className = severity;
  const head = document.createElement('strong');
  head.textContent = `${severity}: ${code}`;
  item.append(head, ` ${message} `);
  if (start !== null && end !== null) {
    const button = document.createElement('button');
    button.textContent = 'show';
    button.addEventListener('click', () => {
      byId<HTMLInputElement>('axis-memory').checked = true;
      picture.show('memory');
      picture.showBytes(start, end);
    });
    item.append(button);
  }
  return item;
}
