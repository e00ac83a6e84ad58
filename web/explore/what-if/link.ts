import type { ExploreSource } from '../../../src/explore/source.js';

/** What a page's address says behind its `#`: a program, or on what the page's own runs, and a step. */
export interface Linked {
  /** Undefined where it is the page's own program. */
  readonly source: ExploreSource | undefined;
  readonly edition: string | undefined;
  readonly step: number | undefined;
}

/** Bytes that a program in an address may come to: whoever wrote the address may want to fill the memory. */
const MOST_BYTES = 4 * 1024 * 1024;

/** An address that cannot be used, and why. */
export class BadLink extends Error {}

/** Packs a program for an address. */
export async function packed(source: ExploreSource): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(source));
  if (bytes.length > MOST_BYTES) {
    throw new BadLink(
      `the program has ${bytes.length} bytes, more than the ${MOST_BYTES} that a link can hold`,
    );
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  return base64Url(new Uint8Array(await new Response(stream).arrayBuffer()));
}

/** @throws BadLink where it was not packed by {@link packed}. */
export async function unpacked(text: string): Promise<ExploreSource> {
  const json = new TextDecoder('utf-8', { fatal: true });
  const bytes = await inflated(fromBase64Url(text));
  let value: unknown;
  try {
    value = JSON.parse(json.decode(bytes));
  } catch {
    throw new BadLink('what it holds is no program');
  }
  return readSource(value);
}

/** Reads what stands behind the `#`. @throws BadLink where there is something that means nothing. */
export async function readFragment(fragment: string): Promise<Linked> {
  const said = new URLSearchParams(fragment.replace(/^#/, '').replaceAll('+', '%2B'));
  const program = said.get('program');
  const step = said.get('step');
  if (step !== null && !/^\d{1,9}$/.test(step)) throw new BadLink('the step in it is no number');
  return {
    source: program === null ? undefined : await unpacked(program),
    edition: said.get('xen') ?? undefined,
    step: step === null ? undefined : Number(step),
  };
}

/** Whether a fragment says what is to be opened, and not only where in it. */
export function saysProgram(fragment: string): boolean {
  const said = new URLSearchParams(fragment.replace(/^#/, ''));
  return said.has('program') || said.has('xen');
}

function base64Url(bytes: Uint8Array): string {
  const letters: string[] = [];
  for (let at = 0; at < bytes.length; at += 0x8000)
    letters.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  return btoa(letters.join('')).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[\w-]*$/.test(text)) throw new BadLink('it has letters that no link has');
  try {
    const letters = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  } catch {
    throw new BadLink('a part of it is missing');
  }
}

/** What was compressed; not more of it than a program may have. */
async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { value, done } = await reader.read().catch(() => {
      throw new BadLink('a part of it is missing, or it was changed');
    });
    if (done) break;
    length += value.length;
    if (length > MOST_BYTES) {
      await reader.cancel().catch(() => undefined);
      throw new BadLink(`it unpacks to more than ${MOST_BYTES} bytes, which no program of a link has`);
    }
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The parts of a source that there are, and nothing else. */
function readSource(value: unknown): ExploreSource {
  const wrong = new BadLink('what it holds is no program');
  if (!isRecord(value)) throw wrong;
  const { name, text, configs, edition } = value;
  if (!isText(name) || !isText(text) || !isRecord(configs)) throw wrong;
  if (edition !== undefined && !isText(edition)) throw wrong;
  const files = Object.entries(configs).map(([path, config]) => {
    if (!isRecord(config) || !isText(config.name) || !isText(config.content)) throw wrong;
    return [path, { name: config.name, content: config.content }] as const;
  });
  return { name, text, configs: Object.fromEntries(files), ...(edition !== undefined && { edition }) };
}
