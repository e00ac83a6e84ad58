import { effect, signal } from '@preact/signals';
import type { PageData } from '../../../src/explore/page-data.js';
import type { ExploreSource } from '../../../src/explore/source.js';
import type { Session } from '../session.js';
import { BadLink, type Linked, packed, readFragment } from './link.js';

/** Milliseconds between two changes of the address; a browser refuses many of them. */
const PAUSE = 300;
/** Letters of an address that browsers take in any place. */
const MOST_LETTERS = 1_000_000;

/** What is wrong with the address that the page was opened with, in a sentence. */
export const linkProblem = signal<string | undefined>(undefined);

/**
 * Opens what the address says, or else what the page was given; from then on the address says what is open, so that a page
 * that is loaded again shows the same.
 */
export async function openFromAddress(session: Session, data: PageData): Promise<void> {
  const said = await fragmentOf(location.hash);
  if (said?.source === undefined && data.problem !== undefined) session.refuse(data.source, data.problem);
  else await session.open(sourceOf(data, said), said?.step ?? data.step);
  keepAddress(session, data);
  window.addEventListener('hashchange', () => void follow(session, data));
}

const sourceOf = (data: PageData, said: Linked | undefined): ExploreSource =>
  said?.source ?? (said?.edition === undefined ? data.source : { ...data.source, edition: said.edition });

/** What a fragment says; where it says nothing that can be used, the reader is told why. */
async function fragmentOf(hash: string): Promise<Linked | undefined> {
  linkProblem.value = undefined;
  if (hash.length < 2) return undefined;
  try {
    return await readFragment(hash);
  } catch (error) {
    if (!(error instanceof BadLink)) throw error;
    linkProblem.value = error.message;
    return undefined;
  }
}

/** The reader has put another fragment into the address. */
async function follow(session: Session, data: PageData): Promise<void> {
  const said = await fragmentOf(location.hash);
  if (said === undefined) return;
  await session.open(sourceOf(data, said), said.step ?? 0);
}

/** The fragment that opens what is open: without the program where the page has it itself. */
async function fragmentFor(session: Session, data: PageData, whole: boolean): Promise<string> {
  const { source, opened } = session;
  const { edition, ...rest } = source!;
  const shown = edition ?? opened.value?.edition;
  const isOwn = source!.text === data.source.text && source!.name === data.source.name;
  const said = new URLSearchParams();
  if (whole || !isOwn)
    said.set('program', await packed({ ...rest, ...(shown !== undefined && { edition: shown }) }));
  else if (edition !== undefined && edition !== data.source.edition) said.set('xen', edition);
  said.set('step', String(session.step.value));
  return `#${said}`;
}

/** An address that opens this run, at this step, wherever this page can be opened. @throws BadLink where it would be too long. */
export async function linkTo(session: Session, data: PageData): Promise<string> {
  const link = location.href.replace(/#.*$/s, '') + (await fragmentFor(session, data, true));
  if (link.length > MOST_LETTERS)
    throw new BadLink('the program is too long for a link; save it as a file instead');
  return link;
}

function keepAddress(session: Session, data: PageData): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    if (session.opened.value === undefined) return;
    void session.shown.value;
    clearTimeout(timer);
    timer = setTimeout(() => void put(session, data), PAUSE);
  });
}

async function put(session: Session, data: PageData): Promise<void> {
  try {
    const fragment = await fragmentFor(session, data, false);
    // A page that has nothing to say beyond what it was given keeps its address.
    if (location.hash === '' && fragment === `#step=${data.step}`) return;
    if (fragment.length <= MOST_LETTERS) history.replaceState(null, '', fragment);
  } catch {
    // Some browsers let no file change its address, and some programs are too long for one.
  }
}
