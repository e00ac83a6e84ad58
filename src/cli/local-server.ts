import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { usageError } from './options.js';

/** Something that is served: a page with what it may do, or a script. */
export interface Content {
  readonly type: 'text/html' | 'text/javascript';
  readonly body: string;
  /** The page's own Content-Security-Policy. A script has none: it does what the page lets it do. */
  readonly policy?: string;
}

/** What there is under a path, from the page's folder on; undefined where there is nothing. */
export type Site = (path: string) => Content | undefined;

export interface LocalServer {
  /** Where the site is, with the token that it takes to see it. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const ADDRESS = '127.0.0.1';
/** 128 bits: nobody guesses it. */
const TOKEN_BYTES = 16;

const POLICY = 'Content-Security-Policy';
const NOTHING = "default-src 'none'";
const NO_FRAMES = "frame-ancestors 'none'";

/** Of every answer, whatever it is: it is for this page alone, and nobody keeps it. */
const HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  [POLICY]: `${NOTHING}; ${NO_FRAMES}`,
};

/**
 * Serves a site to this machine's browser alone. Other programs and other users of the machine can reach the port, and so
 * can every web page that the browser has open; none of them gets anything without the token in the URL. The `Host` header
 * is looked at besides, so that no name of somebody else's can be made to stand for this address (DNS rebinding).
 * @param port 0 for any that is free. @throws InputError when it cannot be had.
 */
export async function serveLocally(site: Site, port: number): Promise<LocalServer> {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const server = createServer((request, response) =>
    send(response, answerTo(request, site, token, portOf(server)), request.method !== 'HEAD'),
  );
  await listen(server, port);
  return {
    url: `http://${ADDRESS}:${portOf(server)}/${token}/`,
    port: portOf(server),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function listen(server: Server, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      fail(usageError('--port', `port ${port} of ${ADDRESS} cannot be had (${error.code ?? error.message})`)),
    );
    server.listen(port, ADDRESS, done);
  });
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const refusal = (status: number, why: string, headers: Answer['headers'] = {}): Answer => {
  return { status, type: 'text/plain', body: `${why}\n`, headers };
};

function answerTo(request: IncomingMessage, site: Site, token: string, port: number): Answer {
  const { method = '', headers, url = '' } = request;
  if (![`${ADDRESS}:${port}`, `localhost:${port}`].includes(headers.host ?? ''))
    return refusal(403, 'This server answers under its own address only.');
  const [, given = '', path] = /^\/([^/?#]*)(?:\/([^?#]*))?/.exec(url) ?? [];
  if (!isEqual(given, token)) return refusal(403, 'The URL lacks the token that dommu printed with it.');
  if (method !== 'GET' && method !== 'HEAD')
    return refusal(405, 'Nothing can be changed here.', { Allow: 'GET, HEAD' });
  // Without the last slash the page would look for its parts beside its folder.
  if (path === undefined) return refusal(308, 'The page is one slash further.', { Location: `/${token}/` });
  const content = site(path);
  if (content === undefined) return refusal(404, 'There is nothing of this name.');
  const { type, body, policy = NOTHING } = content;
  return { status: 200, type, body, headers: { [POLICY]: `${policy}; ${NO_FRAMES}` } };
}

function send(response: ServerResponse, { status, type, body, headers }: Answer, withBody: boolean): void {
  const bytes = Buffer.from(body, 'utf8');
  response.writeHead(status, {
    ...HEADERS,
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': bytes.length,
    ...headers,
  });
  response.end(withBody ? bytes : undefined);
}

/** Compares two texts in a time that tells nothing of where they differ. */
function isEqual(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(a, b);
}
