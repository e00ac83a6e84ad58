import { fileURLToPath } from 'node:url';
import { GALLERY } from '../bugs/gallery.js';
import { escapedHtml, filledIn, hashOf, pagePart } from '../report/page-parts.js';
import { type Opening, openingOf } from './explore-source.js';
import type { Content } from './local-server.js';

/** A story that comes with dommu. */
interface Example {
  /** Its file in `examples/`, without `.dommu`. */
  readonly name: string;
  /** The release or design on which it goes wrong. */
  readonly xen: string;
  readonly title: string;
  readonly story: string;
}

const FOUNDING: readonly Example[] = [
  {
    name: 'arm-grant-fault',
    xen: '4.12',
    title: 'A transmit that becomes an SMMU fault (2021)',
    story:
      'dom0 sends a guest’s packet from a page that the guest has granted to it. A predicate renamed two years before says ' +
      'that grants need no IOMMU mapping on Arm, and the network card faults.',
  },
  {
    name: 'late-enable',
    xen: 'late-enable',
    title: 'A hypercall that a guest keeps from ever ending (2019)',
    story:
      'The first device that a running guest is given makes Xen walk all of the guest’s memory. The guest changes the page ' +
      'that Xen looks at, at the right moments, and Xen starts over: for ever.',
  },
];

const MORE: readonly Example[] = [
  {
    name: 'untyped-page-dma',
    xen: '4.11.0',
    title: 'A device writes a page table (XSA-288)',
    story: 'A page without a type is in the IOMMU’s tables, and stays in them when it becomes a page table.',
  },
  {
    name: 'type-race',
    xen: '4.16.1',
    title: 'Two CPUs and one page (XSA-401)',
    story: 'A page counts as writable before the IOMMU has been told.',
  },
  {
    name: 'amdvi-domid-reuse',
    xen: '4.17',
    title: 'A new domain inherits what a dead one’s device remembers (XSA-442)',
    story: 'An AMD-Vi unit remembers translations by a number that the next domain gets.',
  },
  {
    name: 'death-window',
    xen: '4.17',
    title: 'Between a domain’s death and its device’s leaving',
    story: 'Grants are given back first, and the device leaves later.',
  },
  {
    name: 'grant-multiplicity',
    xen: '4.22',
    title: 'One page, two grants',
    story: 'What a backend’s devices reach is the most that its live mappings give.',
  },
  {
    name: 'quarantine-life',
    xen: '4.17',
    title: 'A device in quarantine',
    story: 'From dom0 to a guest, through the guest’s death, and back.',
  },
  {
    name: 'three-checks',
    xen: 'late-enable',
    title: 'Three tests for one question (2019)',
    story: 'Three places of Xen decide whether a page is for devices, and disagree.',
  },
];

const EXAMPLES = [...FOUNDING, ...MORE];

/** Examples and bugs that come with dommu, by where the page of them is served; undefined where there is none. */
export function exampleOpening(path: string): Opening | undefined {
  const [kind, id = ''] = path.split('/');
  const example = EXAMPLES.find(({ name }) => kind === 'example' && name === id);
  if (example !== undefined) return openingOf([fileOf(example)], { xen: example.xen, pages: 2 });
  const bug = GALLERY.find((one) => kind === 'bug' && one.id === id);
  return bug === undefined ? undefined : openingOf([], { bug: bug.id, pages: 2 });
}

/** Where the package has it, be it built or not. */
const fileOf = ({ name }: Pick<Example, 'name'>): string =>
  fileURLToPath(new URL(`../../examples/${name}.dommu`, import.meta.url));

/** The page to choose one from. */
export function examplesPage(): Content {
  const style = pagePart('examples.css');
  const policy = `default-src 'none'; style-src 'sha256-${hashOf(style)}'; base-uri 'none'; form-action 'none'`;
  const body = [
    ...filledIn(pagePart('examples.html'), {
      POLICY: policy,
      STYLE: style,
      FOUNDING: FOUNDING.map(exampleItem),
      MORE: MORE.map(exampleItem),
      COUNT: String(GALLERY.length),
      BUGS: GALLERY.map(({ id, title }) => item(`bug/${id}/`, `${id}: ${title}`, '')),
    }),
  ].join('');
  return { type: 'text/html', body, policy };
}

const exampleItem = ({ name, xen, title, story }: Example): string =>
  item(`example/${name}/`, title, `${story} Xen: ${xen}.`);

const item = (path: string, title: string, text: string): string =>
  `<li><a href="${escapedHtml(path)}">${escapedHtml(title)}</a>${text === '' ? '' : `<br>${escapedHtml(text)}`}</li>\n`;
